//go:build amd64 || arm64

package sprog

import (
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// lacking is a set of system calls that the kernel, or a filter in force,
// answers ENOSYS to.
type lacking uint32

const (
	noClone3     lacking = 1 << iota // before Linux 5.3; CLONE_CLEAR_SIGHAND before 5.5
	noCloseRange                     // before Linux 5.9; CLOSE_RANGE_CLOEXEC before 5.11
	noExecveat                       // before Linux 3.19
	noIntoCgroup                     // before Linux 5.7, where clone3 takes fewer bytes
	onlyVfork                        // emulators (qemu-user, valgrind): no child shares memory but that of vfork
)

func (l lacking) has(what lacking) bool { return l&what != 0 }

// kernel is what has been found out so far, by a start that failed for it. It
// is a fact about the machine and the process, so it is kept for all starts.
var kernel knowledge

type knowledge struct {
	lacks       atomic.Uint32
	emulated    sync.Once
	clone3Works atomic.Bool
	landlock    landlockAnswer
}

// missing is what is known to be missing.
func (k *knowledge) missing() lacking {
	k.emulated.Do(func() {
		if machine.OnValgrind() {
			k.learn(noClone3 | onlyVfork)
		}
	})
	return lacking(k.lacks.Load())
}

func (k *knowledge) learn(what lacking) { k.lacks.Or(uint32(what)) }

// missing looks whether the launch failed because the kernel lacks a call that
// there is a substitute for.
func missing(res machine.Result, p *program.Program) lacking {
	enosys := res.Errno == unix.ENOSYS
	switch {
	case res.Place == machine.AtBirth:
		switch {
		case enosys, res.Errno == unix.EPERM && clone3Denied():
			return noClone3
		case res.Errno == unix.E2BIG:
			return noIntoCgroup
		}
	case res.Place == machine.InChild && p.Steps[res.Step].Call == program.CloseRange:
		// EPERM is a filter's answer: the call itself has none.
		if enosys || res.Errno == syscall.EINVAL || res.Errno == syscall.EPERM {
			return noCloseRange
		}
	case res.Place == machine.InChild && p.Steps[res.Step].Call == program.Execveat && (enosys || res.Errno == unix.EPERM && execveatDenied()):
		return noExecveat
	}
	return 0
}

// execveatDenied asks the same about execveat: the kernel itself answers EFAULT,
// EBADF or ENOENT where there is nothing to execute.
func execveatDenied() bool {
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, ^uintptr(0), 0, 0, 0, 0, 0)
	return errno == unix.EPERM
}

// clone3Denied reports whether a filter answers EPERM to clone3, whatever is
// asked of it: the kernel itself answers EINVAL where there are no arguments.
// Filters can be loaded at any time.
func clone3Denied() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0)
	return errno == unix.EPERM
}
