//go:build amd64 || arm64

package kernel

import (
	"unsafe"

	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Missing is a set of system calls that the kernel, or a filter in force,
// answers ENOSYS to.
type Missing uint32

const (
	NoClone3       Missing = 1 << iota // before Linux 5.3; CLONE_CLEAR_SIGHAND before 5.5
	NoCloseRange                       // before Linux 5.9; CLOSE_RANGE_CLOEXEC before 5.11
	NoExecveat                         // before Linux 3.19
	NoIntoCgroup                       // before Linux 5.7, where clone3 takes fewer bytes
	NoMountSetattr                     // before Linux 5.12: the calls that work on mounts by descriptors
	NoOpenat2                          // before Linux 5.6
	NoLowerdirPlus                     // before Linux 6.8, where overlays take all layers in one string
	OnlyVfork                          // emulators (qemu-user, valgrind): no child shares memory but that of vfork
)

// Has reports whether any of the calls is in the set.
func (l Missing) Has(what Missing) bool { return l&what != 0 }

// Known is what has been found out so far, by a start that failed for it. It
// is a fact about the machine and the process, so it is kept for all starts.
var Known Knowledge

// Knowledge is what can be found out.
type Knowledge struct {
	Lacks       atomic.Uint32 // a Missing; tests set it
	Clone3Works atomic.Bool
	Landlock    LandlockAnswer
}

// Missing is what is known to be missing.
func (k *Knowledge) Missing() Missing { return Missing(k.Lacks.Load()) }

// Learn adds to what is known.
func (k *Knowledge) Learn(what Missing) { k.Lacks.Or(uint32(what)) }

// ExecveatDenied reports whether a filter answers EPERM to execveat, whatever is
// asked of it: the kernel itself answers EFAULT,
// EBADF or ENOENT where there is nothing to execute.
func ExecveatDenied() bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, ^uintptr(0), 0, 0, 0, 0, 0)
	return errno == unix.EPERM
}

// OpenTreeDenied reports whether a filter answers EPERM to open_tree, whatever is asked of it: the
// kernel itself answers EINVAL to flags that there are not.
func OpenTreeDenied() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_OPEN_TREE, ^uintptr(0), 0, 1<<31)
	return errno == unix.EPERM
}

// MoveMountDenied is the same for move_mount, of a process with CAP_SYS_ADMIN: the kernel answers EBADF.
func MoveMountDenied() bool {
	const byDescriptors = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	var empty byte
	name := uintptr(unsafe.Pointer(&empty))
	_, _, errno := unix.RawSyscall6(unix.SYS_MOVE_MOUNT, ^uintptr(0), name, ^uintptr(0), name, byDescriptors, 0)
	return errno == unix.EPERM
}

// Openat2Denied is the same for openat2, which takes no struct without a size.
func Openat2Denied() bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_OPENAT2, ^uintptr(0), 0, 0, 0, 0, 0)
	return errno == unix.EPERM
}

// Clone3Denied reports whether a filter answers EPERM to clone3, whatever is
// asked of it: the kernel itself answers EINVAL where there are no arguments.
// Filters can be loaded at any time.
func Clone3Denied() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	return errno == unix.EPERM
}

// A Landlock is what the kernel answers about Landlock: its ABI, or why
// there is none.
type Landlock struct {
	ABI   int
	Errno unix.Errno
}

// A LandlockAnswer keeps the kernel's answer.
type LandlockAnswer struct{ atomic.Pointer[Landlock] }

// Ask asks the kernel once.
func (a *LandlockAnswer) Ask() Landlock {
	if known := a.Load(); known != nil {
		return *known
	}
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	k := Landlock{ABI: int(abi)}
	if errno != 0 {
		k = Landlock{Errno: errno}
	}
	a.Store(&k)
	return k
}

// Reason says why there is no Landlock.
func (k Landlock) Reason() string {
	switch {
	case k.ABI > 0:
		return ""
	case k.Errno == unix.ENOSYS:
		return "this kernel has no Landlock"
	case k.Errno == unix.EOPNOTSUPP:
		return "Landlock is disabled on this machine: the kernel's parameter lsm= does not list it"
	}
	return "Landlock is refused: landlock_create_ruleset: " + k.Errno.Error()
}
