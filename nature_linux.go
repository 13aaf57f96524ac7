//go:build amd64 || arm64

package sprog

import (
	"time"

	"golang.org/x/sys/unix"
)

// nature tells what the process of a request will be.
func (r *request) nature() nature {
	sys, attr := r.sys, r.attr
	n := nature{
		sys: sys, attr: attr,
		traced:      sys.Ptrace,
		leads:       sys.Setsid || (sys.Setpgid || sys.Foreground) && sys.Pgid == 0,
		hasInit:     attr.Init != nil,
		firstInside: sys.Cloneflags&unix.CLONE_NEWPID != 0,
	}
	for _, l := range attr.Rlimits {
		if l.Resource == unix.RLIMIT_CPU {
			n.cpuSoft, n.cpuHard = secondsOf(l.Cur), secondsOf(l.Max)
		}
	}
	return n
}

// secondsOf is a limit on CPU time, or 0 if it is none.
func secondsOf(limit uint64) time.Duration {
	if limit >= 1<<32 {
		return 0
	}
	return time.Duration(limit) * time.Second
}
