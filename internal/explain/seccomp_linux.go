//go:build amd64 || arm64

package explain

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Handover is about a listener that could not be taken from the child.
func Handover(e *spec.Error, res machine.Result) *spec.Error {
	e.Field, e.Object, e.Err = "Attr.Seccomp", "listener", res.Err
	var call *os.SyscallError
	if errors.As(res.Err, &call) {
		e.Step, e.Err = call.Syscall, call.Err
	}
	switch {
	case errors.Is(res.Err, unix.ENOSYS):
		e.Hint = "a listener needs pidfd_getfd, Linux 5.6"
	case errors.Is(res.Err, unix.EPERM):
		e.Hint = "it takes the right to trace the child: ptrace_scope, another security module or a filter refuses it"
	}
	return e
}

// deniedProgramHint is for a program that a filter set for it keeps from being executed.
func (f Failure) deniedProgramHint() terms.Text {
	if len(f.Ask.Filters) > 0 && f.filterMayDeny() {
		return terms.Sprintf("the filter of {Attr.Seccomp} may have answered: it holds for %s already", f.E.Step)
	}
	return ""
}

// seccompHint says what the errno of a step means that sets a filter.
func (f Failure) seccompHint() terms.Text {
	switch {
	case f.Errno == unix.EACCES:
		return "it takes {Attr.NoNewPrivs}, or CAP_SYS_ADMIN in the user namespace"
	case f.Errno == unix.EBUSY:
		return "a filter in force has a listener already, and there can be only one"
	case f.Errno == unix.EMFILE:
		return "the listener needs a descriptor, and RLIMIT_NOFILE leaves none"
	case f.Errno == unix.ENOMEM:
		return "all filters in force together are larger than the kernel takes"
	case f.Errno == unix.EINVAL:
		return "the kernel does not take the program, or not the flags: the log needs Linux 4.14, {SpecAllow|Attr.Seccomp.SpecAllow} 4.17, a listener 5.0, {WaitKillable|Attr.Seccomp.WaitKillable} 5.19"
	case f.Errno == unix.EPERM || f.Errno == unix.ENOSYS:
		return "a filter in force may have answered: it must let the call pass that sets another one"
	}
	return ""
}

// filterMayDeny reports whether an answer to execve can be the filter's.
func (f Failure) filterMayDeny() bool {
	if f.Errno != unix.EPERM && f.Errno != unix.ENOSYS && f.Errno != unix.EACCES {
		return false
	}
	return len(f.Ask.Attr.Seccomp.Programs) > 0 || slices.ContainsFunc(f.Ask.Attr.Seccomp.Rules, func(r spec.SeccompRule) bool {
		return slices.Contains(r.Names, f.Ask.ExecutingCall())
	})
}
