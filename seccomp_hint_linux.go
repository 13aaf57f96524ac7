//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// explainHandover is about a listener that could not be taken from the child.
func explainHandover(e *spec.Error, res machine.Result) *spec.Error {
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

// seccompHint says what the errno of a step means that sets a filter, or that
// comes after one.
func (f failure) seccompHint() string {
	switch {
	case f.e.Step == f.ask.ExecutingCall() && len(f.ask.Filters) > 0 && f.filterMayDeny():
		return "the filter of Attr.Seccomp may have answered: it holds for " + f.e.Step + " already"
	case f.e.Step != "seccomp":
	case f.errno == unix.EACCES:
		return "it takes Attr.NoNewPrivs, or CAP_SYS_ADMIN in the user namespace"
	case f.errno == unix.EBUSY:
		return "a filter in force has a listener already, and there can be only one"
	case f.errno == unix.EMFILE:
		return "the listener needs a descriptor, and RLIMIT_NOFILE leaves none"
	case f.errno == unix.ENOMEM:
		return "all filters in force together are larger than the kernel takes"
	case f.errno == unix.EINVAL:
		return "the kernel does not take the program, or not the flags: the log needs Linux 4.14, SpecAllow 4.17, a listener 5.0, WaitKillable 5.19"
	case f.errno == unix.EPERM || f.errno == unix.ENOSYS:
		return "a filter in force may have answered: it must let seccomp(2) pass for another one"
	}
	return ""
}

// filterMayDeny reports whether an answer to execve can be the filter's.
func (f failure) filterMayDeny() bool {
	if f.errno != unix.EPERM && f.errno != unix.ENOSYS && f.errno != unix.EACCES {
		return false
	}
	return len(f.ask.Attr.Seccomp.Programs) > 0 || slices.ContainsFunc(f.ask.Attr.Seccomp.Rules, func(r spec.SeccompRule) bool {
		return slices.Contains(r.Names, f.ask.ExecutingCall())
	})
}
