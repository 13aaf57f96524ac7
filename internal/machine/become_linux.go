//go:build amd64 || arm64

package machine

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// A Self is a program that this process runs in its own place. Some steps have
// an effect on one thread only, or are refused to a process that has more than
// one, and this one has many; so it executes an image of the program, by which
// all other threads end, and the image runs the steps.
type Self struct {
	Program *program.Program
	// Handler is the index of the step that is run after a failure. Nobody
	// is left to be told of it.
	Handler int
	// Keep are the descriptors that the program needs.
	Keep []int
}

// Become executes the image. It returns only if that is not possible, with
// everything as it was before.
//
// No thread may be made between the start of an execve and its end: clone
// answers EAGAIN then. syscall.Exec keeps the runtime from it; here it tries
// again, as it does since Go 1.20.
func (s *Self) Become() error {
	fd, err := memfd("sprog", unix.MFD_EXEC)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	defer unix.Close(fd)
	var place layout
	image := place.image(s.Program, s.Handler, 0, func(layout) []insn { return nil })
	if err := writeImage(fd, image); err != nil {
		return err
	}
	// Whatever starts a child meanwhile would have it inherit them.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	restore := inheritable(s.Keep)
	defer restore()
	return executeFile(fd, SecondName)
}

// inheritable clears the close-on-exec flags of descriptors, and returns a
// function that puts them back.
func inheritable(fds []int) (restore func()) {
	var changed []int
	for _, fd := range fds {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC != 0 {
			unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
			changed = append(changed, fd)
		}
	}
	return func() {
		for _, fd := range changed {
			unix.CloseOnExec(fd)
		}
	}
}

// executeFile is execveat(2) of a descriptor, without an environment.
func executeFile(fd int, name string) error {
	arg, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	argv, envp, empty := [2]*byte{arg}, [1]*byte{}, [1]byte{}
	_, _, errno := syscall.Syscall6(unix.SYS_EXECVEAT, uintptr(fd), uintptr(unsafe.Pointer(&empty)),
		uintptr(unsafe.Pointer(&argv)), uintptr(unsafe.Pointer(&envp)), unix.AT_EMPTY_PATH, 0)
	if errno != unix.ENOSYS {
		return errno
	}
	path, err := unix.BytePtrFromString("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return err
	}
	_, _, errno = syscall.Syscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&argv)), uintptr(unsafe.Pointer(&envp)))
	return errno
}
