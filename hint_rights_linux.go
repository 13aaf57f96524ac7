//go:build amd64 || arm64

package sprog

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/userns"
)

// A viewer is whose rights to files count: the child's, once it has its
// credentials. The zero viewer may everything.
type viewer struct {
	known    bool // otherwise nothing is said about rights
	uid, gid int  // as this process sees them
	groups   []int
	powerful bool // it has the capabilities that files do not resist
	inside   bool // but only over those whose ids its user namespace has
	uids     []userns.IDRange
	gids     []userns.IDRange
}

const (
	toExecute = 1
	toSearch  = 1
	toWrite   = 2
	toRead    = 4
)

// viewer is who the child is after its credentials are set.
func (f failure) viewer() viewer {
	if f.joins(UserNamespace) || f.ask.attr.Caps != nil || f.ask.attr.Securebits != nil {
		return viewer{} // who knows what it may
	}
	v := viewer{known: true, uid: os.Geteuid(), gid: os.Getegid(), inside: f.ask.newUserNamespace()}
	v.groups, _ = os.Getgroups()
	v.powerful = v.inside || kernel.HasCap(unix.CAP_DAC_OVERRIDE) || kernel.HasCap(unix.CAP_DAC_READ_SEARCH)
	v.uids, v.gids = userns.OutsideOf(f.ask.uids), userns.OutsideOf(f.ask.gids)
	uid, gid := f.ask.becomes()
	if gid >= 0 {
		v.gid = v.id(gid, f.ask.gids)
	}
	if uid >= 0 {
		v.uid = v.id(uid, f.ask.uids)
		v.powerful = v.powerful && uid == 0
	}
	for _, c := range f.ask.sys.AmbientCaps {
		v.powerful = v.powerful || c == unix.CAP_DAC_OVERRIDE || c == unix.CAP_DAC_READ_SEARCH
	}
	if groups, set := f.ask.becomesMember(); set {
		v.groups = v.groups[:0]
		for _, g := range groups {
			v.groups = append(v.groups, v.id(int(g), f.ask.gids))
		}
	}
	v.known = v.uid >= 0 && v.gid >= 0
	return v
}

// becomes is the user and group that the child gets, or -1.
func (r *request) becomes() (uid, gid int) {
	uid, gid = -1, -1
	if cred := r.sys.Credential; cred != nil {
		uid, gid = int(cred.Uid), int(cred.Gid)
	}
	if ids := r.attr.IDs; ids != nil {
		if ids.EffectiveUser != nil {
			uid = int(*ids.EffectiveUser)
		}
		if ids.EffectiveGroup != nil {
			gid = int(*ids.EffectiveGroup)
		}
	}
	return uid, gid
}

// becomesMember are the supplementary groups that the child gets.
func (r *request) becomesMember() (groups []uint32, set bool) {
	if r.attr.Groups != nil {
		return r.groups, true
	}
	if cred := r.sys.Credential; cred != nil && r.setsGroups(cred) {
		return cred.Groups, true
	}
	return nil, false
}

// id is an id of the child's as this process sees it.
func (v *viewer) id(id int, lines []syscall.SysProcIDMap) int {
	if !v.inside {
		return id
	}
	for _, m := range lines {
		if id >= m.ContainerID && id < m.ContainerID+m.Size {
			return m.HostID + id - m.ContainerID
		}
	}
	return -1
}

// may reports whether the mode of a file allows something, or nothing is known.
func (v viewer) may(f seen, st *unix.Stat_t, what uint32) bool {
	return !v.known || v.bits(st)&what == what || v.overrides(st, what) || hasACL(f)
}

// bits are the permissions of the class that the viewer belongs to.
func (v viewer) bits(st *unix.Stat_t) uint32 {
	switch {
	case v.uid == int(st.Uid):
		return st.Mode >> 6 & 7
	case v.gid == int(st.Gid) || slices.Contains(v.groups, int(st.Gid)):
		return st.Mode >> 3 & 7
	}
	return st.Mode & 7
}

// overrides reports whether a capability stands above the mode: never above
// that of a file that nobody may execute.
func (v viewer) overrides(st *unix.Stat_t, what uint32) bool {
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	switch {
	case !v.powerful || what == toExecute && !isDir && st.Mode&0o111 == 0:
		return false
	case v.inside:
		return userns.Has(v.uids, int(st.Uid)) && userns.Has(v.gids, int(st.Gid))
	}
	return true
}

// linkDenied reports whether fs.protected_symlinks is in the way (proc_sys_fs(5)).
func (v viewer) linkDenied(dir, link *unix.Stat_t) bool {
	const sticky = unix.S_ISVTX | unix.S_IWOTH
	if !v.known || dir.Mode&sticky != sticky || v.uid == int(link.Uid) || dir.Uid == link.Uid {
		return false
	}
	on, _ := kernel.Read("/proc/sys/fs/protected_symlinks")
	return strings.TrimSpace(on) == "1"
}

// hasACL reports whether more than the mode decides about a file.
func hasACL(f seen) bool {
	n, err := unix.Getxattr(ownPath(f), "system.posix_acl_access", nil)
	return err == nil && n > 0
}

// mayNot says that a right is missing.
func (v viewer) mayNot(what, path string, f seen, st *unix.Stat_t) string {
	by := modeOf(st)
	if hasACL(f) {
		by += ", and an access control list"
	}
	who := "this process"
	if v.known {
		who = "user " + strconv.Itoa(v.uid)
		if v.inside {
			who += " with the rights of the new user namespace"
		}
	}
	return who + " may not " + what + " " + path + ", which is " + by
}

// modeOf is the mode as ls(1) shows it, and whose the file is.
func modeOf(st *unix.Stat_t) string {
	const rwx = "rwxrwxrwx"
	mode := []byte("?---------")
	mode[0] = fileKindOf(st).letter
	for i := range rwx {
		if st.Mode>>(8-i)&1 != 0 {
			mode[i+1] = rwx[i]
		}
	}
	return string(mode) + " of user " + strconv.Itoa(int(st.Uid)) + " and group " + strconv.Itoa(int(st.Gid))
}

type fileKind struct {
	letter byte
	name   string
}

func fileKindOf(st *unix.Stat_t) fileKind {
	return map[uint32]fileKind{
		unix.S_IFREG: {'-', "a regular file"}, unix.S_IFDIR: {'d', "a directory"}, unix.S_IFIFO: {'p', "a FIFO"},
		unix.S_IFSOCK: {'s', "a socket"}, unix.S_IFCHR: {'c', "a device"}, unix.S_IFBLK: {'b', "a block device"},
		unix.S_IFLNK: {'l', "a symbolic link"},
	}[st.Mode&unix.S_IFMT]
}

func kindOf(st *unix.Stat_t) string { return fileKindOf(st).name }
