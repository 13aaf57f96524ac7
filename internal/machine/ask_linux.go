//go:build amd64 || arm64

package machine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AskClone3 calls clone3 with flags and a cgroup that it must refuse, and
// returns its answer. With neither, the structure is said to have no size.
func AskClone3(flags, cgroup uint64) syscall.Errno {
	args := cloneArgs{cloneFlags: flags, cloneExitSignal: uint64(unix.SIGCHLD), cloneCgroup: cgroup}
	size := unsafe.Sizeof(args)
	if flags == 0 {
		size = 0
	}
	_, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), size, 0)
	return errno
}
