//go:build amd64 || arm64

package spec

import (
	"math"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Refused completes the error of a start that comes to nothing.
func (r *Start) Refused(err *Error) *Error {
	err.Path, err.InPlace = r.Path, r.InPlace
	return err
}

func (r *Start) checkStrings() *Error {
	if r.Path == "" {
		return &Error{Field: "Path", Step: "execve", Err: syscall.ENOENT}
	}
	const nul = "contains a NUL byte"
	one := func(field, s string) *Error {
		if strings.IndexByte(s, 0) >= 0 {
			return Invalid(field, strconv.Quote(s), nul)
		}
		return nil
	}
	if strings.IndexByte(r.Path, 0) >= 0 {
		return Invalid("Path", "", nul)
	}
	if err := one("Dir", r.Dir); err != nil {
		return err
	}
	if err := one("SysProcAttr.Chroot", r.Sys.Chroot); err != nil {
		return err
	}
	for i, s := range r.Argv {
		if strings.IndexByte(s, 0) >= 0 {
			return Invalid(Index("Args", i), strconv.Quote(s), nul)
		}
	}
	for i, s := range r.Env {
		if strings.IndexByte(s, 0) >= 0 {
			return Invalid(Index("Env", i), strconv.Quote(s), nul)
		}
	}
	return nil
}

func (r *Start) checkTerminal() *Error {
	sys := r.Sys
	switch {
	case sys.Setctty && sys.Foreground:
		return Invalid(Field("Setctty"), "", "cannot be combined with {Foreground|SysProcAttr.Foreground}: both use {Ctty|SysProcAttr.Ctty}")
	case sys.Setctty && !r.Waits && !r.gives(sys.Ctty):
		return Invalid(Field("Ctty"), strconv.Itoa(sys.Ctty), "is not a descriptor of the child")
	case sys.Pdeathsig < 0 || sys.Pdeathsig > 64:
		return Invalid(Field("Pdeathsig"), strconv.Itoa(int(sys.Pdeathsig)), "is no signal")
	}
	return nil
}

// checkBirth refuses clone flags that would tie the child to this process in
// ways that a process of its own cannot be tied.
func (r *Start) checkBirth() *Error {
	const harmful = unix.CLONE_FS | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_PARENT | unix.CLONE_SETTLS |
		unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_SETTID | unix.CLONE_CHILD_CLEARTID | cloneFlagsAbove32
	if bad := BirthFlags(r.Sys.Cloneflags) & harmful; bad != 0 {
		return Invalid(Field("Cloneflags"), listing.CloneFlags(bad), "is not for a new process")
	}
	if fd := r.Sys.CgroupFD; r.Sys.UseCgroupFD && !Descriptor(fd) {
		return &Error{Field: Field("CgroupFD"), Object: "descriptor " + strconv.Itoa(fd), Err: syscall.EBADF}
	}
	return nil
}

// Descriptor reports whether fd can be one. The kernel looks at 32 bits only.
func Descriptor(fd int) bool { return fd >= 0 && fd <= math.MaxInt32 }

// cloneFlagsAbove32 are the flags that only clone3 has, and CLONE_DETACHED,
// which means nothing.
const cloneFlagsAbove32 = 0xffffffff_00000000 | 0x400000

func (r *Start) checkMaps() *Error {
	sys := r.Sys
	if sys.UidMappings == nil && sys.GidMappings == nil {
		return nil
	}
	if (sys.Cloneflags|sys.Unshareflags)&unix.CLONE_NEWUSER == 0 {
		name := Field("UidMappings")
		if sys.UidMappings == nil {
			name = Field("GidMappings")
		}
		return Invalid(name, "", "needs a new user namespace: {CLONE_NEWUSER in Cloneflags or Unshareflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}")
	}
	if err := checkMap(Field("UidMappings"), sys.UidMappings, r.Launcher != nil); err != nil {
		return err
	}
	return checkMap(Field("GidMappings"), sys.GidMappings, r.Launcher != nil)
}

// MostMapLines is how many lines a map may have.
const MostMapLines = 340 // since Linux 4.15

// checkMap applies the rules of user_namespaces(7) that do not depend on who
// asks. Own says whether there may be ids of whoever runs a launcher.
func checkMap(field string, list []syscall.SysProcIDMap, own bool) *Error {
	if len(list) > MostMapLines {
		return Invalid(field, strconv.Itoa(len(list))+" lines", "is more than the kernel takes, 340")
	}
	for i, m := range list {
		name, line := Index(field, i), MapLine(m)
		switch {
		case own && hasOwnIDs(m):
		case m.ContainerID < 0 || m.HostID < 0:
			line = strconv.Itoa(m.ContainerID) + " " + strconv.Itoa(m.HostID) + " " + strconv.Itoa(m.Size)
			return Invalid(name, line, "has a negative id")
		case m.Size <= 0:
			return Invalid(name, line, "maps nothing: its size is not positive")
		case m.ContainerID+m.Size > 1<<32-1 || m.HostID+m.Size > 1<<32-1:
			return Invalid(name, line, "goes beyond the largest id")
		}
		for j, o := range list[:i] {
			if overlap(m.ContainerID, o.ContainerID, m.Size, o.Size) || overlap(m.HostID, o.HostID, m.Size, o.Size) {
				return Invalid(name, line, "overlaps "+terms.Field(Index(field, j)))
			}
		}
	}
	return nil
}

func overlap(a, b, sizeA, sizeB int) bool { return a < b+sizeB && b < a+sizeA }

// FillIn puts what asks for nothing in the place of what is not there.
func (r *Start) FillIn() {
	if r.Sys == nil {
		r.Sys = &noSysProcAttr
	}
	if r.Attr == nil {
		r.Attr = &NoAttr
	}
	r.Uids, r.Gids = r.Sys.UidMappings, r.Sys.GidMappings
}

// ChangesCredentials reports whether a step makes the child's memory undumpable,
// as the kernel does where a process changes who it is or what it may.
func (r *Start) ChangesCredentials() bool {
	return r.Sys.Credential != nil || r.Attr.IDs != nil || len(r.Sys.AmbientCaps) > 0 || r.ChangesCaps()
}

// BirthFlags are the flags that clone is called with for SysProcAttr's: those
// that make namespaces and a few that do no harm. The exit signal, which
// clone(2) has in the same word, and CLONE_VFORK are the machine's business.
func BirthFlags(flags uintptr) uint64 {
	if flags&0x7f == uintptr(unix.SIGCHLD) {
		flags &^= 0x7f
	}
	return uint64(flags &^ (unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PIDFD | unix.CLONE_FILES))
}

// NeedsClone3 names what clone(2) has no way to ask for, if it is asked for.
func (r *Start) NeedsClone3() terms.Text {
	switch {
	case r.Sys.UseCgroupFD:
		return "CLONE_INTO_CGROUP needs clone3, Linux 5.7"
	case r.Sys.Cloneflags&unix.CLONE_NEWTIME != 0:
		return "CLONE_NEWTIME needs clone3, Linux 5.6"
	}
	return ""
}

// Leads reports whether the process will lead a process group.
func (r *Start) Leads() bool {
	return r.Sys.Setsid || (r.Sys.Setpgid || r.Sys.Foreground) && r.Sys.Pgid == 0
}

// MayHaveStages reports whether the start could be one of two stages. A child
// that is traced, or that hands over a listener, is one that this process has
// rights over, which takes memory that it can reach.
func (r *Start) MayHaveStages() bool { return !r.Sys.Ptrace && !r.Listens() }

// WritesOwnFiles reports whether the child itself writes to files in its /proc/self
// that belong to root if its memory is undumpable.
func (r *Start) WritesOwnFiles() bool { return r.writesOwnMaps() || r.Attr.ForbidUserNamespaces }

// supervises reports whether a launcher stays above its program, as the init of it.
func (r *Start) supervises() bool {
	return r.Launcher != nil && r.Attr.Init != nil && r.Attr.Cgroup == nil
}

// checkInPlace refuses what a process cannot do to itself.
func (r *Start) checkInPlace() *Error {
	if !r.InPlace {
		return nil
	}
	const alone = "which an Exec does not make: one process stays one"
	switch {
	case r.supervises():
	case r.Attr.Init != nil:
		return Invalid("Attr.Init", "", "is a process above the program, "+alone)
	case r.Attr.Cgroup != nil:
		return Invalid(CgroupField, "", "is removed by {Wait|Cmd.Wait}, which an Exec does not come to: use {SysProcAttr.UseCgroupFD}")
	case r.BirthUnshare()&unix.CLONE_NEWPID != 0:
		return Invalid(Field("Cloneflags"), "CLONE_NEWPID", "is for children, "+alone)
	}
	return r.checkOwnMaps()
}

// checkOwnMaps refuses what a process cannot write to the maps of a user
// namespace that it has made itself: it has no privileges outside of it.
func (r *Start) checkOwnMaps() *Error {
	for _, m := range []struct {
		field string
		lines []syscall.SysProcIDMap
	}{{"UidMappings", r.Sys.UidMappings}, {"GidMappings", r.Sys.GidMappings}} {
		if len(m.lines) > 1 || len(m.lines) == 1 && m.lines[0].Size > 1 {
			return Invalid(Field(m.field), strings.TrimSuffix(mapText(m.lines), "\n"),
				"needs a process outside of the new user namespace to write it: an Exec can map one id, its own")
		}
	}
	if r.Gids != nil && r.Setgroups() != "deny" {
		return Invalid(r.SetgroupsField(), "",
			"needs a process outside of the new user namespace to write the map: in an Exec, setgroups is denied")
	}
	return nil
}

// BirthUnshare are the namespaces that a clone would make.
func (r *Start) BirthUnshare() uint64 { return BirthFlags(r.Sys.Cloneflags) }

// hasOwnIDs reports whether a map has an id of whoever runs the launcher.
func hasOwnIDs(m syscall.SysProcIDMap) bool { return m.HostID == OwnID || m.ContainerID == OwnID }
