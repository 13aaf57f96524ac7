//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
)

// The resolver looks for the reason of a failure that the errno does not tell.
// It runs only after a failure (for an Exec, before: nobody is there
// afterwards), may cost what it likes, and keeps three rules. What it says it
// has seen: where it cannot tell, it says what is likely in words that say so,
// or nothing. It changes nothing. It waits for nobody: files are looked at
// without being opened (O_PATH), one component of a path after the other, and
// what is read is what the kernel has just read itself.

// A failure is a step that the kernel has refused.
type failure struct {
	*starter
	e     *StartError
	errno unix.Errno
	born  bool // it was not the making of the child that failed
}

// hint is what the resolver finds out, or "".
func (s *starter) hint(e *StartError, res machine.Result) string {
	f := failure{s, e, res.Errno, !s.atBirth(res)}
	for _, ask := range resolvers {
		if why := ask(f); why != "" {
			return why
		}
	}
	return ""
}

// resolvers are asked in turn: those that know of one facility, then those that
// know a system call, and at last those that know what can be behind any call.
var resolvers = [...]func(failure) string{
	func(f failure) string { return f.seccompHint(f.e, f.errno) },
	func(f failure) string { return f.ownMapHint(f.e, f.errno) },
	func(f failure) string { return f.landlockHint(f.e, f.errno) },
	func(f failure) string { return f.hintOfScheduling(f.e, f.errno) },
	func(f failure) string { return f.hintOfCredentials(f.e, f.errno) },
	func(f failure) string {
		if of := hintOfCall(f.e.Step); of != nil {
			return of(f)
		}
		return ""
	},
	failure.restricted,
	failure.missingCall,
	failure.filtered,
}

// hintOfCall is what knows a system call, by its name, or nil.
func hintOfCall(call string) func(failure) string {
	return map[string]func(failure) string{
		"clone3": failure.notBorn, "clone": failure.notBorn,
		"unshare": failure.noNamespaces, "setns": failure.notJoined, "mount": failure.notPrivate,
		"execve": failure.notExecuted, "execveat": failure.notExecuted,
		"chdir": failure.notFound, "fchdir": failure.notEntered, "chroot": failure.notRooted, "openat": failure.notOpened,
		"prlimit64": failure.notLimited,
		"setgroups": failure.notGrouped, "setgid": failure.notUser, "setuid": failure.notUser,
		"setresgid": failure.notUser, "setresuid": failure.notUser,
		"setsid": failure.noSession, "setpgid": failure.noGroup, "ioctl": failure.noTerminal,
		"dup3":        failure.noDescriptor,
		"sethostname": failure.notSetInside, "setdomainname": failure.notSetInside, "write": failure.notWritten,
		"ptrace": failure.notTraced,
	}[call]
}
