//go:build amd64 || arm64

// Package explain looks for the reason why a step of a start has failed. It starts
// nothing and changes nothing.
package explain

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
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

// A Failure is a step that the kernel has refused.
type Failure struct {
	Ask   *spec.Start
	E     *spec.Error
	Errno unix.Errno
	Facts
}

// The Facts are what the start knows of its attempt, and a failed step does not tell.
type Facts struct {
	Born       bool          // it was not the making of the child that failed
	Joined     []spec.Joined // the namespaces that were to be joined
	Lacks      kernel.Missing
	Locked     spec.LandlockSet // what was to be applied of Attr.Landlock
	ProgramFD  int              // this process's descriptor of Attr.Program
	Executable int              // its number when it is executed
	DirFD      int              // this process's descriptor of Attr.DirFile
	CgroupSays string           // what the counters of the new cgroup said
}

// joins reports whether a namespace of the kind was to be joined.
func (f Failure) joins(kind spec.NamespaceKind) bool { return spec.Holds(f.Joined, kind) }

// Why is what the resolver finds out, or "".
func (f Failure) Why() string {
	for _, ask := range resolvers {
		if why := ask(f); why != "" {
			return why
		}
	}
	return ""
}

// WhyInTime is why, or "" where that takes long: in a root that somebody else has prepared, a
// file system's server may never answer, and no call that waits for it can be taken back.
func (f Failure) WhyInTime() string {
	if f.Ask.Sys.Chroot == "" && !f.joins(spec.MountNamespace) {
		return f.Why()
	}
	answer := make(chan string, 1)
	go func() { answer <- f.Why() }()
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
var resolvers = [...]func(Failure) string{
	Failure.seccompHint,
	func(f Failure) string { return ownMapHint(f.Ask, f.E, f.Errno) },
	Failure.landlockHint,
	Failure.hintOfScheduling,
	Failure.hintOfCredentials,
	func(f Failure) string {
		if of := hintOfCall(f.E.Step); of != nil {
			return of(f)
		}
		return ""
	},
	Failure.restricted,
	Failure.missingCall,
	Failure.filtered,
}

// hintOfCall is what knows a system call, by its name, or nil.
func hintOfCall(call string) func(Failure) string {
	return map[string]func(Failure) string{
		"clone3": Failure.notBorn, "clone": Failure.notBorn,
		"unshare": Failure.noNamespaces, "setns": Failure.notJoined, "mount": Failure.notPrivate,
		"execve": Failure.notExecuted, "execveat": Failure.notExecuted,
		"chdir": Failure.notFound, "fchdir": Failure.notEntered, "chroot": Failure.notRooted, "openat": Failure.notOpened,
		"prlimit64": Failure.notLimited,
		"setgroups": Failure.notGrouped, "setgid": Failure.notUser, "setuid": Failure.notUser,
		"setresgid": Failure.notUser, "setresuid": Failure.notUser,
		"setsid": Failure.noSession, "setpgid": Failure.noGroup, "ioctl": Failure.noTerminal,
		"dup3":        Failure.noDescriptor,
		"sethostname": Failure.notSetInside, "setdomainname": Failure.notSetInside, "write": Failure.notWritten,
		"ptrace": Failure.notTraced, "prctl": Failure.noSubreaper,
	}[call]
}
