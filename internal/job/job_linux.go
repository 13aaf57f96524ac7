//go:build amd64 || arm64

package job

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/proctree"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A Job is a process that was started, and what it has below it. The zero value is one that
// was not.
type Job struct {
	Process *os.Process
	Group   *cgroup.Group // what Attr.Cgroup has made, or nil
	End     *End          // what an init has told, if it has

	Traced  bool          // its parent traces it
	Leads   bool          // it leads a process group
	HasInit bool          // it is an init, and the program its child
	CPUSoft time.Duration // the soft limit of RLIMIT_CPU, or 0
	CPUHard time.Duration // the hard one

	sys         *syscall.SysProcAttr
	attr        *spec.Attr
	firstInside bool // it is the first process of a PID namespace
	belowInit   int  // the program's process id, if there is an init and it is known
}

// Below are processes below one.
type Below = proctree.Tree

// Of is the job of a start.
func Of(r *spec.Start, p *os.Process, group *cgroup.Group) Job {
	j := Job{
		Process: p, Group: group, sys: r.Sys, attr: r.Attr,
		Traced:      r.Sys.Ptrace,
		Leads:       r.Leads(),
		HasInit:     r.Attr.Init != nil,
		firstInside: r.Sys.Cloneflags&unix.CLONE_NEWPID != 0,
	}
	for _, l := range r.Attr.Rlimits {
		if l.Resource == unix.RLIMIT_CPU {
			j.CPUSoft, j.CPUHard = Seconds(l.Cur), Seconds(l.Max)
		}
	}
	return j
}

// Seconds is a limit on CPU time, or 0 if it is none.
func Seconds(limit uint64) time.Duration {
	if limit >= 1<<32 {
		return 0
	}
	return time.Duration(limit) * time.Second
}

// Filters reports whether the start has asked for a filter.
func (j *Job) Filters() bool { return j.attr.Seccomp != nil }

// Protections lists what keeps the program from something: every one of its steps has
// succeeded. Of Landlock it is told what was applied.
func (j *Job) Protections(landlock string) []string {
	asked := spec.Start{Sys: j.sys, Attr: j.attr}
	return asked.Protections(landlock)
}

// Stopped reports whether a process that was waited for has not ended but
// stopped, as a traced one does.
func Stopped(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Stopped()
}

// ProgramPID is the program's process id, or 0 if it is not known. Below an init it
// is that of the first child.
func (j *Job) ProgramPID() int {
	switch {
	case !j.HasInit:
		return j.Process.Pid
	case j.End != nil && !j.firstInside && len(j.attr.Join) == 0: // the init's numbers are this process's
		return j.End.pid
	}
	return j.belowInit
}

// FindProgram looks which process is the program's, if that may be asked for.
func (j *Job) FindProgram() {
	if !j.HasInit || j.attr.Seccomp == nil && !j.hasMemoryLimit() {
		return
	}
	proc, err := ownproc.Open()
	if err != nil {
		return
	}
	defer proc.Close()
	if children := proc.Children(j.Process.Pid); len(children) > 0 {
		j.belowInit = children[0]
	}
}

func (j *Job) hasMemoryLimit() bool { return j.attr.Cgroup != nil || len(j.attr.CgroupV1) > 0 }

// MayCountCPU is why the CPU time of a job without a cgroup cannot be counted, or nil.
func MayCountCPU() error { return ownproc.Missing() }
