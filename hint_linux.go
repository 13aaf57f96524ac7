//go:build amd64 || arm64

package sprog

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The resolver looks for the reason of a failure that the errno does not tell.
// It runs only after a failure (for an Exec, before: nobody is there
// afterwards), may cost what it likes, and keeps three rules. What it says it
// has seen: where it cannot tell, it says what is likely in words that say so,
// or nothing. It changes nothing. It waits for nobody: files are looked at
// without being opened (O_PATH), one component of a path after the other,
// what is read is what the kernel has just read itself, and a second is enough in a root
// that others have prepared.

// A failure is a step that the kernel has refused.
type failure struct {
	ask   *spec.Start
	e     *spec.Error
	errno unix.Errno
	facts
}

// The facts are what the start knows of its attempt, and a failed step does not tell.
type facts struct {
	born       bool             // it was not the making of the child that failed
	joined     []compile.Joined // the namespaces that were to be joined
	lacks      kernel.Missing
	locked     spec.LandlockSet // what was to be applied of Attr.Landlock
	programFD  int              // this process's descriptor of Attr.Program
	executable int              // its number when it is executed
	dirFD      int              // this process's descriptor of Attr.DirFile
	cgroupSays string           // what the counters of the new cgroup said
}

// Joins reports whether a namespace of the kind was to be joined.
func (f failure) joins(kind spec.NamespaceKind) bool { return compile.Holds(f.joined, kind) }

// failed puts together what is known of a step that has failed.
func (s *starter) failed(e *spec.Error, res machine.Result) failure {
	return failure{s.ask, e, res.Errno, facts{
		born: !s.atBirth(res), joined: slices.Concat(s.given.Joins.List, s.given.Joins.Late), lacks: s.given.Lacks, locked: s.given.Locked,
		programFD: s.given.ProgramFD, executable: s.made.Executable, dirFD: s.given.DirFD, cgroupSays: s.cgroupSays,
	}}
}

// why is what the resolver finds out, or "".
func (f failure) why() string {
	for _, ask := range resolvers {
		if why := ask(f); why != "" {
			return why
		}
	}
	return ""
}

// whyInTime is why, or "" where that takes long: in a root that somebody else has prepared, a
// file system's server may never answer, and no call that waits for it can be taken back.
func (f failure) whyInTime() string {
	if f.ask.Sys.Chroot == "" && !f.joins(spec.MountNamespace) {
		return f.why()
	}
	answer := make(chan string, 1)
	go func() { answer <- f.why() }()
	for enough := plain.In(time.Second); !enough.Over(); plain.Sleep(100 * time.Microsecond) {
		select {
		case why := <-answer:
			return why
		default:
		}
	}
	return ""
}

// resolvers are asked in turn: those that know of one facility, then those that
// know a system call, and at last those that know what can be behind any call.
var resolvers = [...]func(failure) string{
	failure.seccompHint,
	func(f failure) string { return ownMapHint(f.ask, f.e, f.errno) },
	failure.landlockHint,
	failure.hintOfScheduling,
	failure.hintOfCredentials,
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
		"ptrace": failure.notTraced, "prctl": failure.noSubreaper,
	}[call]
}
