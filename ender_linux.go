//go:build amd64 || arm64

package sprog

import (
	"sync"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/proctree"
)

// An ender ends a command: when its time is over, or when it is told to.
type ender struct {
	c *Cmd

	mu     sync.Mutex
	over   bool           // the process has been waited for
	begun  bool           // to end the command
	killed bool           // SIGKILL was sent
	left   *proctree.Tree // what is below the process, for the time when it no longer is
	blind  error          // why others may be below it
	reach  Reach          // how far SIGKILL has reached, if it was sent
	told   bool           // Ending.Failed has been called

	timeout, look, grace *time.Timer // what is to come, or nil
}

// watchTime begins to keep the limits of Ending.
func (c *Cmd) watchTime() {
	if c.Ending == nil {
		return
	}
	e := &ender{c: c}
	c.ender = e
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := c.Ending.Timeout; d > 0 {
		e.after(&e.timeout, d-time.Since(c.startTime), func() { e.end(CauseTimeout) })
	}
	if c.Ending.CPUTime > 0 {
		e.after(&e.look, c.nextLook(0), e.lookAtCPU)
	}
}

// after arranges for f to be called, unless the process has ended. It is to be
// called under the lock. A timer that was there has called its f.
func (e *ender) after(timer **time.Timer, d time.Duration, f func()) {
	if !e.over {
		*timer = time.AfterFunc(d, f)
	}
}

// lookAtCPU looks how much CPU time has been used, and when to look again.
func (e *ender) lookAtCPU() {
	used, err := e.c.usedCPU()
	if used >= e.c.Ending.CPUTime {
		e.end(CauseCPUTime)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.c.hasExited() {
		e.tell(err)
	}
	e.after(&e.look, e.c.nextLook(used), e.lookAtCPU)
}

// tell calls Ending.Failed with the first error. It is to be called under the lock.
func (e *ender) tell(err error) {
	if err == nil || e.told {
		return
	}
	e.told = true
	if failed := e.c.Ending.Failed; failed != nil {
		failed(err)
	}
}

// end ends the command, for a reason that is not its own.
func (e *ender) end(why Cause) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over || e.c.hasExited() || !e.c.begin(why) {
		return nil
	}
	e.begun = true
	ending := e.c.Ending
	if ending.Grace == 0 {
		return e.kill()
	}
	e.left, e.blind = e.c.descendants()
	err := e.c.signalFirst(ending.signal())
	e.after(&e.grace, ending.Grace, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.over {
			e.kill()
		}
	})
	return err
}

// kill kills the tree.
func (e *ender) kill() (err error) {
	e.reach, err = e.c.killTree()
	e.c.reached(e.reach)
	e.killed = true
	e.tell(err)
	return err
}

// sweep kills what the process has left.
func (e *ender) sweep() {
	if e.killed && e.c.reachOfKill() == ReachDescendants {
		return // with its init, which has nothing more to say
	}
	reach, err := e.c.sweep(e.left)
	if err == nil {
		err = e.blind
	}
	if err != nil {
		reach = ReachProcess
	}
	if e.killed {
		reach = min(reach, e.reach)
	}
	e.c.reached(reach)
	e.tell(err)
}

func (e *Ending) signal() syscall.Signal {
	if e.Signal == 0 {
		return syscall.SIGTERM
	}
	return e.Signal
}

// finish is for Wait, when the process has ended: nothing happens by itself any
// more, and what it has left is killed if the command was being ended.
func (e *ender) finish() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	for _, t := range []*time.Timer{e.timeout, e.look, e.grace} {
		if t != nil {
			t.Stop()
		}
	}
	if e.begun {
		e.sweep()
	}
}
