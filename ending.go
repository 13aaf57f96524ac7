package sprog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/job"
	"github.com/sprog-dev/sprog/internal/terms"
)

// An Ending says when a command is ended that does not end by itself, and how:
// Signal, then, Grace later, SIGKILL for all that is left. The signal is for the process,
// or for the process group that it was started to lead, or for the program where
// there is an init. SIGCONT follows, since a process that is stopped could not act on
// it. SIGKILL is for the whole tree, as [Cmd.KillTree] reaches it, and comes as
// soon as the process has ended; [Result.Reach] tells how sure it is.
//
// The context of [CommandContext] ends a command in the same way, unless Cancel
// has been changed.
type Ending struct {
	// Timeout is how long the command may take, from the beginning of Start on. Zero is for
	// ever. Output that has not ended by then is cut off, as by WaitDelay.
	Timeout time.Duration

	// CPUTime is how much CPU time the process and its descendants may use
	// together. Zero is any amount. It is kept from outside: they are looked
	// at as often as is needed to end them some milliseconds after the limit. With
	// Attr.Cgroup the cgroup's own count is used. Otherwise, what a process has used that is
	// gone counts once its parent has waited for it; a program that ignores
	// SIGCHLD can hide that, and so it can behind a parent that has died, where
	// there is no Attr.Init. Without Attr.Cgroup it needs a /proc of this process's PID
	// namespace. See also RLIMIT_CPU, which is for each process.
	CPUTime time.Duration

	// Output is how many bytes the command may write to Stdout and Stderr together. Zero is
	// any amount. What goes beyond is dropped, and the command is ended. Only what this package copies is counted:
	// one of the two must be a writer that is no [*os.File]. A program that ends by itself after
	// writing too much has ended by that, too ([CauseOutput]).
	Output int64

	// Signal is what the end begins with; zero is SIGTERM. With Grace zero it
	// is not sent.
	Signal syscall.Signal

	// Grace is the time between Signal and SIGKILL. Zero kills at once.
	Grace time.Duration

	// Failed, if not nil, is called with what has kept the end from reaching a process,
	// as [Cmd.KillTree] would return it: it may belong to another user by now, or
	// there is no /proc to find it in. Wait goes on waiting for the process itself. It
	// is called once at most, by any goroutine, and must not call methods of the Cmd but for Cause.
	Failed func(error)
}

// Errors of [Cmd.Wait] for a command that was ended by Cmd.Ending. Where the
// program has died of it, the error wraps the [*ExitError] as well. A start that
// the timeout has ended is a [*StartError] with ErrTimeout.
var (
	ErrTimeout = errors.New("sprog: timeout")
	ErrCPUTime = errors.New("sprog: CPU time used up")
	ErrOutput  = errors.New("sprog: too much output")
)

func (e *Ending) check() *StartError {
	switch {
	case e == nil:
		return nil
	case e.Timeout < 0:
		return refuse("Ending.Timeout", e.Timeout.String(), "is negative")
	case e.CPUTime < 0:
		return refuse("Ending.CPUTime", e.CPUTime.String(), "is negative")
	case e.Output < 0:
		return refuse("Ending.Output", strconv.FormatInt(e.Output, 10), "is negative")
	case e.Grace < 0:
		return refuse("Ending.Grace", e.Grace.String(), "is negative")
	case e.Signal < 0 || e.Signal > 64:
		return refuse("Ending.Signal", strconv.Itoa(int(e.Signal)), "is not a signal")
	}
	return nil
}

// begin notes why a command is being ended, and reports whether that is the
// reason: it has neither ended nor begun to.
func (c *Cmd) begin(why Cause) bool {
	is := atomic.CompareAndSwapUint32(&c.cause, uint32(CauseNone), uint32(why))
	if is && c.Events != nil && (why == CauseTimeout || why == CauseCPUTime || why == CauseOutput) {
		c.tell(Event{Kind: EventLimit, Cause: why})
	}
	return is
}

// reached notes how far the killing has reached.
func (c *Cmd) reached(r Reach) { atomic.StoreUint32(&c.reach, uint32(r)) }

// checkCPUTime refuses a limit on CPU time where it could not be kept.
func (c *Cmd) checkCPUTime() *StartError {
	if c.Ending == nil || c.Ending.CPUTime == 0 || c.Attr != nil && c.Attr.Cgroup != nil {
		return nil
	}
	if err := job.MayCountCPU(); err != nil {
		return refuse("Ending.CPUTime", c.Ending.CPUTime.String(), "cannot be kept without {Attr.Cgroup}: "+terms.Of(err))
	}
	return nil
}

// checkOutput refuses a limit on output that goes past this package.
func (c *Cmd) checkOutput() *StartError {
	if c.Ending == nil || c.Ending.Output == 0 || isCopied(c.Stdout) || isCopied(c.Stderr) {
		return nil
	}
	return refuse("Ending.Output", strconv.FormatInt(c.Ending.Output, 10), "needs {Stdout} or {Stderr} to be a writer that is no file: what goes straight to a file is not counted")
}

// isCopied reports whether this package copies what a command writes to a stream.
func isCopied(w io.Writer) bool {
	_, isFile := w.(*os.File)
	return w != nil && !isFile
}

// tooMuchOutput is for a command that has ended by itself: was it after too much output?
func (c *Cmd) tooMuchOutput(err error) error {
	if c.pipes == nil || !c.pipes.over.Load() || !atomic.CompareAndSwapUint32(&c.cause, uint32(CauseProgram), uint32(CauseOutput)) {
		return err
	}
	return c.endError(err)
}

// endError completes the error of a command that was ended by Ending.
func (c *Cmd) endError(err error) error {
	var why error
	switch c.Cause() {
	case CauseTimeout:
		why = fmt.Errorf("%w after %v", ErrTimeout, c.Ending.Timeout)
	case CauseCPUTime:
		why = fmt.Errorf("%w after %v", ErrCPUTime, c.Ending.CPUTime)
	case CauseOutput:
		why = fmt.Errorf("%w: more than %d bytes", ErrOutput, c.Ending.Output)
	default:
		return err
	}
	if err == nil {
		return why
	}
	return fmt.Errorf("%w: %w", why, err)
}

// drainTime is what the last output gets when the time for all is over.
const drainTime = time.Second

// outputDelay is how long the output may take that has not ended with the
// process: WaitDelay, or what is left of the timeout.
func (c *Cmd) outputDelay() time.Duration {
	if c.Ending == nil || c.Ending.Timeout == 0 {
		return c.WaitDelay
	}
	left := max(c.Ending.Timeout-time.Since(c.startTime), drainTime)
	if c.WaitDelay > 0 {
		left = min(left, c.WaitDelay)
	}
	return left
}
