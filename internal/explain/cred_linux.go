//go:build amd64 || arm64

package explain

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// securebitsHint is for the flags that say what being root means.
func (f Failure) securebitsHint() terms.Text {
	if f.Errno == unix.EPERM {
		return "a flag that changes is locked, or the kernel does not have it"
	}
	return ""
}

// capsHint is for the capability sets.
func (f Failure) capsHint() terms.Text {
	switch {
	case f.Errno != unix.EPERM:
	case f.E.Step == "capset":
		return f.capsetHint()
	case strings.Contains(f.E.Syscall, "PR_SET_KEEPCAPS"):
		return "capabilities are to be kept over the change of the user, and the securebit keep-caps is locked"
	case f.E.Step == "prctl" && (f.E.Field == "Attr.Caps.Ambient" || f.E.Field == spec.Field("AmbientCaps")):
		return "it is not permitted and inheritable, or the securebit no-cap-ambient-raise is set"
	}
	return ""
}

// capsetHint names a capability that cannot be added.
func (f Failure) capsetHint() terms.Text {
	before := CapsBefore(f.Ask)
	var raised uint64
	for _, c := range f.Ask.Sys.AmbientCaps {
		raised |= 1 << c
	}
	if missing := raised &^ before[kernel.Permitted]; missing != 0 {
		return terms.Sprintf("%s is not permitted to this process, which can hand on only what it has itself", spec.OneCap(missing))
	}
	if missing := raised &^ (before[kernel.Bounding] | before[kernel.Inheritable]); missing != 0 {
		return terms.Sprintf("%s is not in this process's bounding set, and so not to be inherited: see CapBnd in /proc/self/status", spec.OneCap(missing))
	}
	return "what is added is not permitted to the child, or not in its bounding set"
}

func (f Failure) keyringHint() terms.Text {
	switch f.Errno {
	case unix.ENOSYS:
		return "the kernel is built without keys (CONFIG_KEYS), or a filter forbids them"
	case unix.EDQUOT:
		return "the user's quota of keys is used up: see /proc/key-users and /proc/sys/kernel/keys"
	case unix.EACCES:
		return "a keyring of that name exists, and the user may not search it"
	}
	return ""
}

func (f Failure) labelHint() terms.Text {
	apparmor := f.E.Field == "Attr.ExecLabel.AppArmor"
	switch {
	case f.E.Step == "openat" && f.Errno == unix.ENOENT && apparmor:
		return "AppArmor has that file from Linux 5.8 on, and /proc must be mounted"
	case f.E.Step == "openat" && f.Errno == unix.ENOENT:
		return "/proc is not mounted"
	case f.E.Step == "write" && f.Errno == unix.ENOENT && apparmor:
		return "no profile of that name is loaded, or not in this policy namespace"
	case f.E.Step == "write" && f.Errno == unix.EINVAL && !apparmor:
		return "the policy that is loaded has no such context"
	case f.E.Step == "write" && (f.Errno == unix.EACCES || f.Errno == unix.EPERM):
		return "the policy does not allow this process to ask for that label"
	}
	return ""
}

// labelledProgramHint is for a label that the program is not executed with.
func (f Failure) labelledProgramHint() terms.Text {
	if f.Ask.Attr.ExecLabel != nil && f.Ask.Attr.NoNewPrivs && f.Errno == unix.EPERM {
		return "with {Attr.NoNewPrivs} a label must not allow more than the present one"
	}
	return ""
}

// CapsBefore are the sets that the child has before any of this.
func CapsBefore(r *spec.Start) (sets [kernel.CapSets]uint64) {
	if r.NewUserNamespace() || r.JoinsUser {
		sets[kernel.Effective], sets[kernel.Permitted], sets[kernel.Bounding] = kernel.Caps(), kernel.Caps(), kernel.Caps()
		return sets
	}
	sets = kernel.OwnSets()
	if r.SecondStage() != "" && unix.Geteuid() == 0 { // its execve has made them anew
		sets[kernel.Permitted] = sets[kernel.Bounding] | sets[kernel.Inheritable]
		sets[kernel.Effective] = sets[kernel.Permitted]
	}
	return sets
}
