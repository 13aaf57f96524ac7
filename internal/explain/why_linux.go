//go:build amd64 || arm64

package explain

import (
	"time"

	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Why is the hint, or "".
func (f Failure) Why() string {
	for _, ask := range hints {
		if why := ask(f); why != "" {
			return why
		}
	}
	return ""
}

// WhyInTime is Why, or "" where that takes long: in a root that somebody else has prepared, a
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

// hints are asked for in turn: by one facility, then by the system call, and at last by
// what can be behind any call.
var hints = [...]func(Failure) string{
	Failure.seccompHint,
	func(f Failure) string { return ownMapHint(f.Ask, f.E, f.Errno) },
	Failure.landlockHint,
	Failure.schedulingHint,
	Failure.credentialsHint,
	func(f Failure) string {
		if of := hintOfCall(f.E.Step); of != nil {
			return of(f)
		}
		return ""
	},
	Failure.restrictedHint,
	Failure.missingCallHint,
	Failure.filterHint,
}

// hintOfCall is what knows a system call, by its name, or nil.
func hintOfCall(call string) func(Failure) string {
	return map[string]func(Failure) string{
		"clone3": Failure.birthHint, "clone": Failure.birthHint,
		"unshare": Failure.unshareHint, "setns": Failure.setnsHint, "mount": Failure.privateRootHint,
		"execve": Failure.execHint, "execveat": Failure.execHint,
		"chdir": Failure.chdirHint, "fchdir": Failure.fchdirHint, "chroot": Failure.chrootHint, "openat": Failure.openHint,
		"prlimit64": Failure.rlimitHint,
		"setgroups": Failure.setgroupsHint, "setgid": Failure.userHint, "setuid": Failure.userHint,
		"setresgid": Failure.userHint, "setresuid": Failure.userHint,
		"setsid": Failure.setsidHint, "setpgid": Failure.setpgidHint, "ioctl": Failure.terminalHint,
		"dup3":        Failure.dupHint,
		"sethostname": Failure.hostnameHint, "setdomainname": Failure.hostnameHint, "write": Failure.writeHint,
		"ptrace": Failure.ptraceHint, "prctl": Failure.subreaperHint,
	}[call]
}
