//go:build amd64 || arm64

package pathwalk

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/userns"
)

// A Viewer is whose rights to files count: the child's, once it has its
// credentials. The zero viewer may everything.
type Viewer struct {
	Known    bool // otherwise nothing is said about rights
	UID, GID int  // as this process sees them
	Groups   []int
	Powerful bool // it has the capabilities that files do not resist
	Inside   bool // but only over those whose ids its user namespace has
	UIDs     []userns.IDRange
	GIDs     []userns.IDRange
}

// What a file is wanted for, in the bits of a mode.
const (
	ToExecute = 1
	ToSearch  = 1
	ToWrite   = 2
	ToRead    = 4
)

// ID is an id of the child's as this process sees it.
func (v *Viewer) ID(id int, lines []syscall.SysProcIDMap) int {
	if !v.Inside {
		return id
	}
	for _, m := range lines {
		if id >= m.ContainerID && id < m.ContainerID+m.Size {
			return m.HostID + id - m.ContainerID
		}
	}
	return -1
}

// May reports whether the mode of a file allows something, or nothing is known.
func (v Viewer) May(f Seen, st *unix.Stat_t, what uint32) bool {
	return !v.Known || v.bits(st)&what == what || v.overrides(st, what) || hasACL(f)
}

// bits are the permissions of the class that the viewer belongs to.
func (v Viewer) bits(st *unix.Stat_t) uint32 {
	switch {
	case v.UID == int(st.Uid):
		return st.Mode >> 6 & 7
	case v.GID == int(st.Gid) || slices.Contains(v.Groups, int(st.Gid)):
		return st.Mode >> 3 & 7
	}
	return st.Mode & 7
}

// overrides reports whether a capability stands above the mode: never above
// that of a file that nobody may execute.
func (v Viewer) overrides(st *unix.Stat_t, what uint32) bool {
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	switch {
	case !v.Powerful || what == ToExecute && !isDir && st.Mode&0o111 == 0:
		return false
	case v.Inside:
		return userns.Has(v.UIDs, int(st.Uid)) && userns.Has(v.GIDs, int(st.Gid))
	}
	return true
}

// linkDenied reports whether fs.protected_symlinks is in the way (proc_sys_fs(5)).
func (v Viewer) linkDenied(dir, link *unix.Stat_t) bool {
	const sticky = unix.S_ISVTX | unix.S_IWOTH
	if !v.Known || dir.Mode&sticky != sticky || v.UID == int(link.Uid) || dir.Uid == link.Uid {
		return false
	}
	on, _ := kernel.Read("/proc/sys/fs/protected_symlinks")
	return strings.TrimSpace(on) == "1"
}

// hasACL reports whether more than the mode decides about a file.
func hasACL(f Seen) bool {
	n, err := unix.Getxattr(OwnPath(f), "system.posix_acl_access", nil)
	return err == nil && n > 0
}

// MayNot says that a right is missing.
func (v Viewer) MayNot(what, path string, f Seen, st *unix.Stat_t) string {
	by := ModeOf(st)
	if hasACL(f) {
		by += ", and an access control list"
	}
	who := "this process"
	if v.Known {
		who = "user " + strconv.Itoa(v.UID)
		if v.Inside {
			who += " with the rights of the new user namespace"
		}
	}
	return who + " may not " + what + " " + path + ", which is " + by
}

// ModeOf is the mode as ls(1) shows it, and whose the file is.
func ModeOf(st *unix.Stat_t) string {
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

// KindOf is what a file is, in words.
func KindOf(st *unix.Stat_t) string { return fileKindOf(st).name }
