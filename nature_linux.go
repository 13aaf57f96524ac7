//go:build amd64 || arm64

package sprog

import (
	"time"

	"golang.org/x/sys/unix"
)

// leads reports whether the process will lead a process group.
func (r *request) leads() bool {
	return r.sys.Setsid || (r.sys.Setpgid || r.sys.Foreground) && r.sys.Pgid == 0
}

// natureOf tells what the process of a request will be.
func natureOf(r *request) nature {
	sys, attr := r.sys, r.attr
	n := nature{
		sys: sys, attr: attr,
		traced:      sys.Ptrace,
		leads:       r.leads(),
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
