//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/job"
	"github.com/sprog-dev/sprog/internal/klog"
	"golang.org/x/sys/unix"
)

// use takes over what the kernel has counted.
func (r *Result) use(c *Cmd) {
	state := c.ProcessState
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.Signal, r.Core = status.Signal(), status.CoreDump()
	}
	if end := c.job.End; end != nil {
		r.ExitCode, r.Signal, r.Core, r.Left = end.ExitCode, end.Signal, end.Core, end.Left
	}
	u, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return
	}
	r.User, r.System = time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
	r.MaxRSS = u.Maxrss << 10
	var own unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &own) == nil {
		r.MaxRSSBound = u.Maxrss <= own.Maxrss
	}
	if r.MaxRSSBound && c.job.End != nil { // the program never shared memory with this process
		r.MaxRSS, r.MaxRSSBound = c.job.End.MaxRSS, false
	}
	r.MinorFaults, r.MajorFaults = u.Minflt, u.Majflt
	r.BlocksRead, r.BlocksWritten = u.Inblock, u.Oublock
	r.VoluntarySwitches, r.InvoluntarySwitches = u.Nvcsw, u.Nivcsw
}

// explain looks for who has ended a program, where this process has not.
func (r *Result) explain(c *Cmd) {
	switch {
	case r.Cause != CauseProgram || r.ExitCode == 0:
		return
	case r.Signal == unix.SIGSYS:
		// The log tells, if it can be read. Anybody can send the signal.
		if r.Syscall = klog.DeniedCall(c.job.ProgramPID(), c.startTime); r.Syscall != "" || c.job.Filters() {
			r.Cause = CauseSyscall
		}
	case r.Signal == unix.SIGXCPU:
		if r.hasUsed(cmp.Or(c.job.CPUSoft, ownCPULimit())) {
			r.Cause = CauseCPUTime
		}
	case r.Signal == unix.SIGKILL:
		r.explainKill(c)
	case r.Cgroup != nil:
		r.explainByCgroup()
	}
}

// explainKill tells who has sent SIGKILL, if that was the kernel.
func (r *Result) explainKill(c *Cmd) {
	if cgroup, ok := klog.OOMKill(c.job.ProgramPID(), c.startTime); ok {
		r.Cause, r.OOMCgroup = CauseMemory, cgroup
		if len(cgroup) > 1 && strings.HasSuffix(r.CgroupPath, cgroup) { // as the hierarchy has it
			r.OOMCgroup = r.CgroupPath
		}
		return
	}
	if r.Cgroup != nil && r.explainByCgroup() {
		return
	}
	if r.hasUsed(c.job.CPUHard) {
		r.Cause = CauseCPUTime
	}
}

// hasUsed reports whether a limit on CPU time can have been hit, if there is one. The kernel keeps it by sampling
// at its ticks, which on a busy machine comes to a quarter more than what it counts in the end.
func (r *Result) hasUsed(limit time.Duration) bool {
	return limit > 0 && r.User+r.System >= limit*2/3
}

// explainByCgroup finds what the kernel has denied to the program or to those below
// it, whose failure became the program's.
func (r *Result) explainByCgroup() bool {
	switch g := r.Cgroup; {
	case g.OOMKills > 0:
		r.Cause = CauseMemory
		if g.OOMLocal > 0 { // or the limit is that of a cgroup above or below
			r.OOMCgroup = r.CgroupPath
		}
	case g.PidsMax > 0:
		r.Cause = CausePids
	default:
		return false
	}
	return true
}

// ownCPULimit is the soft limit that this process has, and a child inherits, or 0.
func ownCPULimit() time.Duration {
	var own unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_CPU, &own) != nil {
		return 0
	}
	return job.Seconds(own.Cur)
}
