package sprog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/exitwait"
	"github.com/sprog-dev/sprog/internal/job"
)

// Wait waits until the command has exited and its input and output have been
// copied. The command must have been started by [Cmd.Start]. However many
// commands are waited for at once, that takes no more than a few threads.
//
// The error is nil if the program exited with status 0 and all copying went
// well. It is an [*ExitError] if the program ended in any other way; other
// errors are those of the context, of Cancel, of copying, [ErrWaitDelay], and
// [os.ErrProcessDone] or a system call's if something else has waited for the
// process before.
//
// With Attr.Cgroup, Wait ends the cgroup as soon as the program has exited. That
// it cannot is an error, if there is no other.
//
// Wait releases everything that belongs to the command. It may be called once.
func (c *Cmd) Wait() error {
	if c.Process == nil {
		return errors.New("sprog: not started")
	}
	if c.ProcessState != nil {
		return errors.New("sprog: Wait was already called")
	}
	return c.ended(c.wait())
}

// wait waits for the process, and for all that belongs to it.
func (c *Cmd) wait() error {
	state, err := c.waitProcess()
	c.ProcessState = state
	c.follow()
	c.noteEnd(state)
	if state == nil || !job.Stopped(state) {
		c.tellEnd()
	}
	// Before the output is awaited: what is left in the cgroup may hold it open.
	var cgroupErr error
	if state == nil || !job.Stopped(state) {
		cgroupErr = c.Birth.Cgroup.end()
	}
	if err == nil && !state.Success() {
		err = &ExitError{ProcessState: state}
	}
	err = c.endError(err)
	var timer *time.Timer
	if c.watch != nil {
		var watchErr error
		timer, watchErr = c.watch.end()
		c.watch = nil
		if err == nil {
			err = watchErr
		}
	}
	// What copying says counts only if nothing else went wrong: the end of
	// the program would explain it.
	if copyErr := c.pipes.await(timer, c.outputDelay()); err == nil {
		err = copyErr
	}
	err = c.tooMuchOutput(err)
	c.pipes.closeParentEnds()
	if err == nil && cgroupErr != nil {
		err = fmt.Errorf("sprog: removing the cgroup: %w", cgroupErr)
	}
	return err
}

// waitProcess waits for the end of the process and reaps it.
func (c *Cmd) waitProcess() (*os.ProcessState, error) {
	// A traced child's stops are reported to waitid(2) but not through its
	// pidfd, and callers that trace wait for the first one with Wait.
	switch {
	case c.job.Traced, c.fusion == fused: // its end has been awaited
	case exitwait.TryBlock():
		defer exitwait.Unblock()
	default:
		exitwait.Wait(c.Process)
	}
	return c.Process.Wait()
}

// A watch acts for a command when its context is done.
type watch struct {
	stop   func() bool  // of context.AfterFunc
	result chan outcome // unbuffered: either Wait or the end of WaitDelay comes first
}

// An outcome is what a watch hands over to Wait.
type outcome struct {
	err   error       // counts if the program exited with success
	timer *time.Timer // what is left of WaitDelay; nil if it had none or it is over
}

// end ends the watch when the process has exited. If the watch had begun to
// act, its outcome is returned.
func (w *watch) end() (*time.Timer, error) {
	if w.stop() {
		return nil, nil
	}
	o := <-w.result
	return o.timer, o.err
}

// watchContext arranges for contextDone to be called.
func (c *Cmd) watchContext() {
	if c.ctx == nil || c.ctx.Done() == nil || c.Cancel == nil && c.WaitDelay == 0 {
		return
	}
	w := &watch{result: make(chan outcome)}
	c.watch = w
	w.stop = context.AfterFunc(c.ctx, func() { c.contextDone(w.result) })
}

// contextDone runs in its own goroutine once the context is done: it cancels,
// and ends the process and its pipes when WaitDelay is over, unless Wait comes
// first and takes over.
func (c *Cmd) contextDone(result chan<- outcome) {
	err := c.cancel()
	if c.WaitDelay == 0 {
		result <- outcome{err: err}
		return
	}
	timer := time.NewTimer(c.WaitDelay)
	select {
	case result <- outcome{err, timer}:
		return
	case <-timer.C:
	}
	// The process is killed before its pipes are closed, so that it dies of
	// SIGKILL and not of SIGPIPE.
	killErr := c.kill()
	if killErr != nil && !errors.Is(killErr, os.ErrProcessDone) {
		err = fmt.Errorf("sprog: killing the command: %w", killErr)
	}
	if copyErr := c.pipes.cutOff(); err == nil && (killErr != nil || copyErr == ErrWaitDelay) {
		err = copyErr
	}
	result <- outcome{err: err}
}

// cancel calls Cancel, if there is one, and returns what Wait should say of a
// program that exits with success in spite of it.
func (c *Cmd) cancel() error {
	if c.Cancel == nil {
		return nil
	}
	err := c.Cancel()
	c.begin(CauseCanceled)
	switch {
	case err == nil:
		return c.ctx.Err()
	case errors.Is(err, os.ErrProcessDone):
		return nil
	default:
		return fmt.Errorf("sprog: canceling the command: %w", err)
	}
}

// end is what Cancel is unless a caller has changed it: the command is ended as
// Ending says, or killed.
func (c *Cmd) end() error {
	if c.limiter != nil {
		return c.limiter.end(CauseCanceled)
	}
	c.begin(CauseCanceled)
	return c.kill()
}

// kill kills the process, with what descends from it where that was asked for.
func (c *Cmd) kill() error {
	if c.Ending == nil && c.job.Reach() == job.Children { // they live on, as with os/exec
		c.tellSignal(syscall.SIGKILL)
		return c.Process.Kill()
	}
	return c.killAll()
}

// killAll kills the process with its tree, and notes how far that has reached.
func (c *Cmd) killAll() error {
	reach, err := c.killTree()
	c.reached(reach)
	return err
}
