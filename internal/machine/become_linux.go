//go:build amd64 || arm64

package machine

import (
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A Self is a program that this process runs in its own place.
//
// Some steps are refused to a process with several threads, or mean all of
// them while they can change only one. So the process executes an image of the
// program, by which all other threads end, and the image runs the steps.
// Where no step is of that kind, the process's first thread runs them itself:
// the execve at the end makes of it, and what it has, the whole process.
type Self struct {
	Program *program.Program
	// Handler is the index of the step that is run after a failure. Nobody
	// is left to be told of it.
	Handler int
	// Keep are the descriptors that the program needs.
	Keep []int
	// OneThread says that one thread of several can run the program.
	OneThread bool
}

// Become executes the image. It returns only if that is not possible, with
// everything as it was before.
//
// No thread may be made between the start of an execve and its end: clone
// answers EAGAIN then. syscall.Exec keeps the runtime from it; here it tries
// again, as it does since Go 1.20.
func (s *Self) Become() error {
	if s.OneThread && !s.keepsLocked() {
		s.here() // comes back if it cannot begin
	}
	file, err := newImage()
	if err != nil {
		return err
	}
	defer file.close()
	var place layout
	image := place.image(s.Program, s.Handler, 0, func(layout) []insn { return nil })
	if err := file.seal(image); err != nil {
		return err
	}
	// Whatever starts a child meanwhile would have it inherit them.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	restore := inheritable(s.Keep)
	defer restore()
	return executeFile(file.fd, stage2.Name)
}

// keepsLocked reports whether there is a record lock on a file that the program
// keeps. It may be this process's: the program has it, too, but only with the
// descriptor table that the process has now, and a thread that runs the steps
// takes another. F_OFD_GETLK does not pass over this process's own locks.
func (s *Self) keepsLocked() bool {
	for _, fd := range s.Keep {
		lock := unix.Flock_t{Type: unix.F_WRLCK} // of the whole file
		if unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lock) == nil && lock.Type != unix.F_UNLCK {
			return true
		}
	}
	return false
}

// here has the calling thread run the program, if it is the process's first:
// the one that /proc/self is about. Before, it gets a working directory, a root
// and a umask of its own, which the other threads do not share.
func (s *Self) here() {
	p := s.Program
	const head = int(unsafe.Sizeof(frame{}))
	mem, err := lowMemory(head + p.Len()*StepSize + len(p.Data))
	if err != nil {
		return
	}
	f := (*frame)(unsafe.Pointer(&mem[0]))
	place := layout{state: addressOf(f), insns: addressOf(&mem[head])}
	place.data = place.insn(p.Len())
	place.link(p, unsafe.Slice((*insn)(unsafe.Pointer(&mem[head])), p.Len())[:0])
	copy(mem[head+p.Len()*StepSize:], p.Data)
	f.first, f.handler = place.insn(0), place.insn(s.Handler)
	become(f)
	place.unlink(p)
}

// lowMemory is memory below 4 GiB: what the steps after a failure compute with
// are 32 bits, as all addresses of an image are.
func lowMemory(size int) ([]byte, error) {
	const wish, end = 0x20000000, 1 << 32
	addr, _, errno := syscall.Syscall6(unix.SYS_MMAP, wish, uintptr(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE, ^uintptr(0), 0)
	if errno != 0 {
		return nil, errno
	}
	if addr+uintptr(size) > end {
		syscall.Syscall(unix.SYS_MUNMAP, addr, uintptr(size), 0)
		return nil, unix.ENOMEM
	}
	// The garbage collector knows nothing of it.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size), nil
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
	if errno != unix.ENOSYS && errno != unix.EPERM { // before Linux 3.19, or a filter
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
