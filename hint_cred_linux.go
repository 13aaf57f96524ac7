//go:build amd64 || arm64

package sprog

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// hintOfCredentials explains the errors of the steps that say who the program
// is and what it may.
func (s *starter) hintOfCredentials(e *StartError, errno unix.Errno) string {
	_, secure := strings.CutPrefix(e.Syscall, program.Prctl.String()+"(PR_SET_SECUREBITS")
	switch {
	case secure && errno == unix.EPERM:
		return "a flag that changes is locked, or the kernel does not have it"
	case e.Step == "capset" && errno == unix.EPERM:
		return s.hintOfCapset()
	case strings.Contains(e.Syscall, "PR_SET_KEEPCAPS") && errno == unix.EPERM:
		return "capabilities are to be kept over the change of the user, and the securebit keep-caps is locked"
	case (e.Field == "Attr.Caps.Ambient" || e.Field == field("AmbientCaps") && e.Step == "prctl") && errno == unix.EPERM:
		return "it is not permitted and inheritable, or the securebit no-cap-ambient-raise is set"
	case e.Step == "keyctl":
		return hintOfKeyring(errno)
	case strings.HasPrefix(e.Field, "Attr.ExecLabel"):
		return s.hintOfLabel(e, errno)
	}
	return ""
}

// hintOfCapset names a capability that cannot be added.
func (s *starter) hintOfCapset() string {
	before := s.capsBefore()
	var raised uint64
	for _, c := range s.sys.AmbientCaps {
		raised |= 1 << c
	}
	if missing := raised &^ before[permitted]; missing != 0 {
		return oneCap(missing) + " is not permitted to this process, which can hand on only what it has itself"
	}
	if missing := raised &^ (before[bounding] | before[inheritable]); missing != 0 {
		return oneCap(missing) + " is not in this process's bounding set, and so not to be inherited: see CapBnd in /proc/self/status"
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

func (s *starter) hintOfLabel(e *StartError, errno unix.Errno) string {
	apparmor := e.Field == "Attr.ExecLabel.AppArmor"
	switch {
	case e.Step == "openat" && errno == unix.ENOENT && apparmor:
		return "AppArmor has that file from Linux 5.8 on, and /proc must be mounted"
	case e.Step == "openat" && errno == unix.ENOENT:
		return "/proc is not mounted"
	case e.Step == "write" && errno == unix.ENOENT && apparmor:
		return "no profile of that name is loaded, or not in this policy namespace"
	case e.Step == "write" && errno == unix.EINVAL && !apparmor:
		return "the policy that is loaded has no such context"
	case e.Step == "write" && (errno == unix.EACCES || errno == unix.EPERM):
		return "the policy does not allow this process to ask for that label"
	case e.Step == "execve" && (errno == unix.EACCES || errno == unix.EPERM) && s.attr.NoNewPrivs:
		return "with Attr.NoNewPrivs a label must not allow more than the present one"
	}
	return ""
}
