//go:build amd64 || arm64

package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// refusal is what the error of a start says about a feature.
func (f *featureProbe) refusal(e *spec.Error) Support {
	s := Support{Answer: No}
	var errno unix.Errno
	if errors.As(e.Err, &errno) && isPassing(errno) {
		s.Answer = Unknown
	}
	hidden := errno == unix.ENOSYS && kernel.Filtered()
	if errno == unix.EPERM || errno == unix.EACCES || hidden { // filters answer by capabilities, too
		s.Capability = f.takes.missing()
	}
	if _, bare := e.Err.(unix.Errno); !bare { // it has words of its own
		s.Reason = terms.Of(e.Err)
		return s
	}
	why := f.why(e, errno, hidden, s.Capability)
	switch call := callOf(e, errno); {
	case why == "":
		s.Reason = call
	case s.Capability != "" || why == e.Hint: // which is enough
		s.Reason = why
	default:
		s.Reason = why + " (" + call + ")"
	}
	return s
}

// why is what an errno means, if it is known.
func (f *featureProbe) why(e *spec.Error, errno unix.Errno, hidden bool, capability string) terms.Text {
	switch errno {
	case unix.ENOSYS, unix.EINVAL, unix.EOPNOTSUPP, unix.ENODEV, unix.E2BIG, unix.ENOPROTOOPT:
		if hidden {
			return cmp.Or(f.isOlder(), "hidden by the seccomp filter in force, or not built into this kernel")
		}
		return cmp.Or(f.isOlder(), e.Hint, "this kernel is built without it")
	case unix.EPERM, unix.EACCES:
		return cmp.Or(e.Hint, f.refused(errno, capability))
	case unix.ENOSPC, unix.EUSERS, unix.EDQUOT:
		return cmp.Or(e.Hint, "a limit is reached")
	case unix.EROFS:
		return cmp.Or(e.Hint, "mounted read-only, as it is in containers")
	case unix.ENOENT:
		if _, err := kernel.Read("/proc/self/status"); err == unix.ENOENT {
			return "/proc is not mounted"
		}
	}
	return e.Hint
}

// isPassing reports whether an errno may be another one the next moment.
func isPassing(errno unix.Errno) bool {
	return slices.Contains([]unix.Errno{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.EINTR}, errno)
}

// callOf is the call that failed, and how, in as few words as can be.
func callOf(e *spec.Error, errno unix.Errno) terms.Text {
	what := e.Step
	if e.Object != "" && e.Step != "clone3" && e.Step != "execve" {
		what += " " + terms.Printable(e.Object)
	}
	if what == "" {
		return terms.Of(e.Err)
	}
	return terms.Plain(what + ": " + errno.Error())
}

// isOlder says that the kernel is too old, if it is.
func (f *featureProbe) isOlder() terms.Text {
	var major, minor int
	fmt.Sscanf(f.since, "%d.%d", &major, &minor)
	if !kernel.OlderThan(major, minor) {
		return ""
	}
	name, _, _, _ := kernel.Release()
	return terms.Sprintf("takes Linux %s, and this is %s", f.since, name)
}

// refused says who has refused: the kernel to a process that lacks a right, or
// a filter or a security module to one that has it.
func (f *featureProbe) refused(errno unix.Errno, capability string) terms.Text {
	switch {
	case capability != "" && f.takes.initial && kernel.HasCap(f.takes.capability):
		return "takes " + terms.Plain(capability) + " in the initial user namespace, and this process is in another"
	case capability != "":
		return "takes " + terms.Plain(capability)
	case errno == unix.EPERM && kernel.Filtered() && f.takes != nil:
		return "the seccomp filter in force refuses it, or a security module"
	case errno == unix.EPERM && kernel.Filtered():
		return "probably refused by the seccomp filter in force"
	}
	return ""
}

// missing is the name of the capability if this process does not have it where
// it counts.
func (r *right) missing() string {
	if r == nil || kernel.HasCap(r.capability) && !(r.initial && inUserNamespace()) {
		return ""
	}
	return listing.CapName(uint64(r.capability))
}

// inUserNamespace reports whether this process is in a user namespace other than
// the initial one, as far as /proc tells: that one has all ids, each as itself.
func inUserNamespace() bool {
	text, err := kernel.Read("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(text), " ") != "0 0 4294967295"
}
