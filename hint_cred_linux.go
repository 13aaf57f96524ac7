//go:build amd64 || arm64

package sprog

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// hintOfCredentials explains the errors of the steps that say who the program
// is and what it may.
func (f failure) hintOfCredentials() string {
	_, secure := strings.CutPrefix(f.e.Syscall, program.Prctl.String()+"(PR_SET_SECUREBITS")
	switch {
	case secure && f.errno == unix.EPERM:
		return "a flag that changes is locked, or the kernel does not have it"
	case f.e.Step == "capset" && f.errno == unix.EPERM:
		return f.hintOfCapset()
	case strings.Contains(f.e.Syscall, "PR_SET_KEEPCAPS") && f.errno == unix.EPERM:
		return "capabilities are to be kept over the change of the user, and the securebit keep-caps is locked"
	case (f.e.Field == "Attr.Caps.Ambient" || f.e.Field == spec.Field("AmbientCaps") && f.e.Step == "prctl") && f.errno == unix.EPERM:
		return "it is not permitted and inheritable, or the securebit no-cap-ambient-raise is set"
	case f.e.Step == "keyctl":
		return hintOfKeyring(f.errno)
	case strings.HasPrefix(f.e.Field, "Attr.ExecLabel"):
		return f.hintOfLabel()
	}
	return ""
}

// hintOfCapset names a capability that cannot be added.
func (f failure) hintOfCapset() string {
	before := capsBefore(f.ask)
	var raised uint64
	for _, c := range f.ask.Sys.AmbientCaps {
		raised |= 1 << c
	}
	if missing := raised &^ before[kernel.Permitted]; missing != 0 {
		return spec.OneCap(missing) + " is not permitted to this process, which can hand on only what it has itself"
	}
	if missing := raised &^ (before[kernel.Bounding] | before[kernel.Inheritable]); missing != 0 {
		return spec.OneCap(missing) + " is not in this process's bounding set, and so not to be inherited: see CapBnd in /proc/self/status"
	}
	return "what is added is not permitted to the child, or not in its bounding set"
}

func hintOfKeyring(errno unix.Errno) string {
	switch errno {
	case unix.ENOSYS:
		return "the kernel is built without keys (CONFIG_KEYS), or a filter forbids them"
	case unix.EDQUOT:
		return "the user's quota of keys is used up: see /proc/key-users and /proc/sys/kernel/keys"
	case unix.EACCES:
		return "a keyring of that name exists, and the user may not search it"
	}
	return ""
}

func (f failure) hintOfLabel() string {
	apparmor := f.e.Field == "Attr.ExecLabel.AppArmor"
	switch {
	case f.e.Step == "openat" && f.errno == unix.ENOENT && apparmor:
		return "AppArmor has that file from Linux 5.8 on, and /proc must be mounted"
	case f.e.Step == "openat" && f.errno == unix.ENOENT:
		return "/proc is not mounted"
	case f.e.Step == "write" && f.errno == unix.ENOENT && apparmor:
		return "no profile of that name is loaded, or not in this policy namespace"
	case f.e.Step == "write" && f.errno == unix.EINVAL && !apparmor:
		return "the policy that is loaded has no such context"
	case f.e.Step == "write" && (f.errno == unix.EACCES || f.errno == unix.EPERM):
		return "the policy does not allow this process to ask for that label"
	case f.e.Step == "execve" && (f.errno == unix.EACCES || f.errno == unix.EPERM) && f.ask.Attr.NoNewPrivs:
		return "with Attr.NoNewPrivs a label must not allow more than the present one"
	}
	return ""
}
