package sprog

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/job"
)

// A Cause is what a command has ended by.
type Cause int

const (
	// CauseNone: it has not ended, or was not started.
	CauseNone Cause = iota
	// CauseProgram: the program itself, by an exit code or by a signal that came
	// from wherever but not from this package.
	CauseProgram
	// CauseTimeout: Ending.Timeout.
	CauseTimeout
	// CauseCPUTime: Ending.CPUTime, or the limit of RLIMIT_CPU, which the kernel
	// enforces by SIGXCPU and, at the hard limit, SIGKILL: one that comes after
	// two thirds of its limit, and has no other reason, is taken for it.
	CauseCPUTime
	// CauseCanceled: the context of CommandContext.
	CauseCanceled
	// CauseKilled: [Cmd.KillTree].
	CauseKilled
	// CauseMemory: the kernel's OOM killer, which has killed the program, or has killed
	// in its Attr.Cgroup before the program ended without success.
	// Result.OOMCgroup is the cgroup whose limit was hit.
	CauseMemory
	// CausePids: the program has ended without success, and Cgroup.PidsMax had
	// refused a fork before.
	CausePids
	// CauseSyscall: a seccomp filter has killed the program. Result.Syscall is
	// the system call. Without Attr.Seccomp, only the kernel's log can tell that from a
	// SIGSYS that somebody has sent.
	CauseSyscall
	// CauseStart: the program was not started. Result.Err says why.
	CauseStart
	// CauseOutput: Ending.Output.
	CauseOutput
)

var causeNames = [...]string{"none", "program", "timeout", "cpu time", "canceled", "killed",
	"out of memory", "pids limit", "system call", "start", "output limit"}

func (c Cause) String() string { return causeNames[c] }

// MarshalText makes the cause a word in JSON.
func (c Cause) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// A Result tells how a command has ended, by what, and what it has used.
type Result struct {
	// Path and Args are the command's.
	Path string
	Args []string

	// PID is the process id that the process had, or 0 if there was none.
	PID int

	// Cause is what it has ended by.
	Cause Cause

	// Err is what Start or Wait has returned: a [*StartError] for most starts that
	// went wrong.
	Err error

	// ExitCode is the code that it has exited with, or -1 if it has not. With an
	// init, this and the following are the program's, whatever the init's own
	// exit code can say of it.
	ExitCode int

	// Signal is the signal that it has died of, or 0. Core is whether the kernel
	// has dumped its memory (core(5)).
	Signal syscall.Signal
	Core   bool

	// OOMCgroup is the cgroup whose limit the OOM killer has killed for, as far as it can be
	// known: a directory, or, from the kernel's log, a path in its hierarchy. It is
	// "/" where the whole machine was out of memory.
	OOMCgroup string

	// Syscall is the system call that a filter has killed for. It is known
	// from the kernel's log, where that can be read (/dev/kmsg), the audit daemon
	// does not keep it for itself, and there are not too many of them at once
	// (printk_ratelimit in /proc/sys/kernel); otherwise it is empty.
	Syscall string

	// Reach is how far the end that this package made has reached.
	Reach Reach

	// Left is a process that outlives the init which was to kill it, or 0: it has become
	// another user's.
	Left int

	// Start is when the start began, Wall the time from then until
	// Wait has seen the process's end.
	Start time.Time
	Wall  time.Duration

	// User and System are CPU time, of the process and of all below it that
	// were waited for by their parents: getrusage(2), as the rest here. What a
	// tree had used besides when it was killed, whose members nobody waits for
	// in a PID namespace, is part of User.
	User, System time.Duration

	// MaxRSS is the most memory that one of these processes had resident, in
	// bytes. The kernel counts for the process itself what it shared with this one until it
	// executed the program. Where MaxRSSBound is set, this process has been as large
	// as that: the true figure is not above MaxRSS. With an init the program has
	// shared nothing. See also Cgroup.
	MaxRSS      int64
	MaxRSSBound bool

	// Page faults without and with reading from a device; blocks of 512 bytes
	// read from and written to devices; context switches.
	MinorFaults, MajorFaults               int64
	BlocksRead, BlocksWritten              int64
	VoluntarySwitches, InvoluntarySwitches int64

	// Cgroup are the counters of Attr.Cgroup at its end, and CgroupPath is where
	// it was.
	Cgroup     *CgroupStats
	CgroupPath string

	// Namespaces are those of Birth.
	Namespaces []NamespaceID

	// Protections are what the program was confined by. Each was in
	// force before its first instruction, or it would not have been started.
	Protections []string

	// Stdout and Stderr are the command's, if they are of the type [*Capture].
	Stdout, Stderr *Capture
}

// Cause tells what the command has ended by, as far as it is known at once, or what it is
// being ended by. It may be called at any time, while others wait.
func (c *Cmd) Cause() Cause { return Cause(atomic.LoadUint32(&c.cause)) }

// Result tells how the command has ended, once Start has returned an error or
// Wait has returned. Before, it is nil. What can be found out about a cause is
// looked for at each call: the kernel's log is not kept for ever.
func (c *Cmd) Result() *Result {
	cause := c.Cause()
	if cause != CauseStart && c.ProcessState == nil {
		return nil
	}
	r := &Result{
		Path: c.Path, Args: c.Args, Cause: cause, Err: c.endErr, ExitCode: -1,
		Reach: Reach(atomic.LoadUint32(&c.reach)), Start: c.startTime, Wall: c.wall,
		Namespaces: c.Birth.Namespaces,
	}
	if cause == CauseStart {
		return r
	}
	r.Stdout, _ = c.Stdout.(*Capture)
	r.Stderr, _ = c.Stderr.(*Capture)
	r.PID, r.ExitCode = c.Process.Pid, c.ProcessState.ExitCode()
	r.Protections = c.protections()
	if g := c.Birth.Cgroup; g != nil {
		stats, _ := g.Stats()
		r.Cgroup, r.CgroupPath = &stats, g.Path()
	}
	r.use(c)
	r.User += max(0, time.Duration(atomic.LoadInt64(&c.killed))-r.User-r.System)
	r.explain(c)
	return r
}

// ended notes how it has ended, for Result.
func (c *Cmd) ended(err error) error {
	c.endErr = err
	return err
}

// noteEnd notes that the process has ended by itself, if it was not ended.
func (c *Cmd) noteEnd(state *os.ProcessState) {
	if state == nil || !job.Stopped(state) {
		c.wall = time.Since(c.startTime)
		c.begin(CauseProgram)
		if f := c.Birth.end; f != nil && state != nil {
			c.job.ReadEnd(f)
			f.Close()
			c.Birth.end = nil
		}
		c.limiter.finish()
	}
}

// protections lists what keeps the program from something.
func (c *Cmd) protections() []string {
	landlock := ""
	if l := c.Birth.Landlock; l != nil && l.Applied != (LandlockSet{}) {
		landlock = "Landlock " + l.Applied.String()
	}
	return c.job.Protections(landlock)
}
