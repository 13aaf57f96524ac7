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
		if l.Resource == unix.RLIMIT_CPU && l.Max < 1<<32 {
			n.cpuLimit = time.Duration(l.Max) * time.Second
		}
	}
	return n
}
