//go:build amd64 || arm64

package sprog

import (
	"sync"
	"syscall"
	"time"
)

// An ender ends a command: when its time is over, or when it is told to.
type ender struct {
	c *Cmd

	mu    sync.Mutex
	over  bool // the process has been waited for
	begun bool // to end the command
	left  tree // what is below the process, for the time when it no longer is

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
		e.after(&e.timeout, d, func() { e.end(CauseTimeout) })
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
	used := e.c.usedCPU()
	if used >= e.c.Ending.CPUTime {
		e.end(CauseCPUTime)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.after(&e.look, e.c.nextLook(used), e.lookAtCPU)
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
		return e.c.killAll()
	}
	e.left = e.c.descendants()
	err := e.c.signalFirst(ending.signal())
	e.after(&e.grace, ending.Grace, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.over {
			e.c.killAll()
		}
	})
	return err
}

func (e *Ending) signal() syscall.Signal {
	if e.Signal == 0 {
		return syscall.SIGTERM
	}
	return e.Signal
}

// finish is for Wait, when the process has ended: nothing happens by itself any
// more, and what it has left is killed if it was to be.
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
		e.c.sweep(e.left)
	}
}
