//go:build amd64 || arm64

package sprog

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// natureOf tells what the process of a start will be.
func natureOf(r *spec.Start) nature {
	sys, attr := r.Sys, r.Attr
	n := nature{
		sys: sys, attr: attr,
		ptraced:     sys.Ptrace,
		leads:       r.Leads(),
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

// mayChangeClocks reports whether the child may enter a time namespace before
// it executes the program: those that it joins are not looked at.
func (c *Cmd) mayChangeClocks() bool {
	if c.SysProcAttr != nil && (c.SysProcAttr.Cloneflags|c.SysProcAttr.Unshareflags)&unix.CLONE_NEWTIME != 0 {
		return true
	}
	return c.Attr != nil && (c.Attr.TimeOffsets != nil || len(c.Attr.Join) > 0)
}
