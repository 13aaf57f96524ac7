//go:build amd64 || arm64

package machine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AskIntoCgroup calls clone3 with a cgroup that is none, which a kernel with
// CLONE_INTO_CGROUP answers EBADF to, and returns the answer.
func AskIntoCgroup() syscall.Errno {
	const none = 1<<31 - 1
	args := cloneArgs{cloneFlags: cloneIntoCgroup, cloneExitSignal: uint64(unix.SIGCHLD), cloneCgroup: none}
	_, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	return errno
}
