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

	mu     sync.Mutex
	over   bool // the process has been waited for
	timers []*time.Timer
	begun  bool // to end the command
	left   tree // what is below the process, for the time when it no longer is
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
		e.after(d, func() { e.end(CauseTimeout) })
	}
	if c.Ending.CPUTime > 0 {
		e.after(c.nextLook(0), e.lookAtCPU)
	}
}

// after arranges for f to be called, unless the process has ended. It is to be
// called under the lock.
func (e *ender) after(d time.Duration, f func()) {
	if !e.over {
		e.timers = append(e.timers, time.AfterFunc(d, f))
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
	e.after(e.c.nextLook(used), e.lookAtCPU)
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
	e.left = e.c.descendants()
	err := e.c.signalFirst(ending.signal())
	e.after(ending.Grace, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if !e.over {
			e.kill()
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

func (e *ender) kill() error {
	reach, err := e.c.killTree()
	e.c.reached(reach)
	return err
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
	for _, t := range e.timers {
		t.Stop()
	}
	if e.begun {
		e.c.sweep(e.left)
	}
}
