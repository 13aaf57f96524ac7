package sprog

import (
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/job"
)

// A limiter ends a command: when a limit of its Ending is reached, or when it is told to.
type limiter struct {
	c *Cmd

	mu     sync.Mutex
	over   bool       // the process has been waited for
	begun  bool       // to end the command
	killed bool       // SIGKILL was sent
	left   *job.Below // what is below the process, for the time when it no longer is
	blind  error      // why others may be below it
	reach  Reach      // how far SIGKILL has reached, if it was sent
	told   bool       // Ending.Failed has been called

	timeout, look, grace *time.Timer // what is to come, or nil
}

// watchTime begins to keep the limits of Ending.
func (c *Cmd) watchTime() {
	if c.Ending == nil {
		return
	}
	l := &limiter{c: c}
	c.limiter = l
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := c.Ending.Timeout; d > 0 {
		l.after(&l.timeout, d-time.Since(c.startTime), func() { l.end(CauseTimeout) })
	}
	if c.Ending.CPUTime > 0 {
		l.after(&l.look, c.nextLook(0), l.lookAtCPU)
	}
}

// after arranges for f to be called, unless the process has ended. It is to be
// called under the lock. A timer that was there has called its f.
func (l *limiter) after(timer **time.Timer, d time.Duration, f func()) {
	if !l.over {
		*timer = time.AfterFunc(d, f)
	}
}

// lookAtCPU looks how much CPU time has been used, and when to look again.
func (l *limiter) lookAtCPU() {
	used, err := l.c.job.UsedCPU()
	if used >= l.c.Ending.CPUTime {
		l.end(CauseCPUTime)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.c.job.HasExited() {
		l.tell(err)
	}
	l.after(&l.look, l.c.nextLook(used), l.lookAtCPU)
}

// tell calls Ending.Failed with the first error. It is to be called under the lock.
func (l *limiter) tell(err error) {
	if err == nil || l.told {
		return
	}
	l.told = true
	if failed := l.c.Ending.Failed; failed != nil {
		failed(err)
	}
}

// end ends the command, for a reason that is not its own.
func (l *limiter) end(why Cause) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.c.job.HasExited() || !l.c.begin(why) {
		return nil
	}
	l.begun = true
	ending := l.c.Ending
	if ending.Grace == 0 || ending.signal() == syscall.SIGKILL { // which an init could not hand on
		return l.kill()
	}
	l.left, l.blind = l.c.job.Descendants()
	err := l.c.job.SignalFirst(ending.signal())
	l.c.tellSignal(ending.signal())
	l.after(&l.grace, ending.Grace, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.over {
			l.kill()
		}
	})
	return err
}

// kill kills the tree.
func (l *limiter) kill() (err error) {
	l.reach, err = l.c.killTree()
	l.c.reached(l.reach)
	l.killed = true
	l.tell(err)
	return err
}

// sweep kills what the process has left.
func (l *limiter) sweep() {
	if l.killed && l.c.job.Reach() == job.Descendants {
		return // with its init, which has nothing more to say
	}
	far, err := l.c.job.Sweep(l.left)
	reach := Reach(far)
	if err == nil {
		err = l.blind
	}
	if err != nil {
		reach = ReachProcess
	}
	if l.killed {
		reach = min(reach, l.reach)
	}
	l.c.reached(reach)
	l.tell(err)
}

func (e *Ending) signal() syscall.Signal {
	if e.Signal == 0 {
		return syscall.SIGTERM
	}
	return e.Signal
}

// finish is for Wait, when the process has ended: nothing happens by itself any
// more, and what it has left is killed if the command was being ended.
func (l *limiter) finish() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	for _, t := range []*time.Timer{l.timeout, l.look, l.grace} {
		if t != nil {
			t.Stop()
		}
	}
	if l.begun {
		l.sweep()
	}
}

// nextLook is when the CPU time has to be looked at that has come to used: the
// machine cannot use what is left faster than with all its processors.
func (c *Cmd) nextLook(used time.Duration) time.Duration {
	return max((c.Ending.CPUTime-used)/time.Duration(runtime.NumCPU()), 5*time.Millisecond)
}
