package sprog

import (
	"context"
	"time"

	"github.com/sprog-dev/sprog/internal/launch"
)

// takeOff begins to watch over a start, and land ends that. What comes too late for it is
// for watchTime and watchContext, which look again.
func (c *Cmd) takeOff() (f *launch.Flight, land func()) {
	limited := c.Ending != nil && c.Ending.Timeout > 0
	if !limited && (c.ctx == nil || c.ctx.Done() == nil) {
		return nil, func() {}
	}
	return c.watchStart(limited)
}

func (c *Cmd) watchStart(limited bool) (*launch.Flight, func()) {
	f := launch.NewFlight()
	unlimit, unwatch := func() bool { return true }, func() bool { return true }
	if limited {
		limit := c.Ending.Timeout
		unlimit = time.AfterFunc(limit, func() { f.End(timedOut(limit)) }).Stop
	}
	if c.ctx != nil && c.ctx.Done() != nil {
		unwatch = context.AfterFunc(c.ctx, func() { f.End(c.ctx.Err()) })
	}
	return f, func() {
		unlimit()
		unwatch()
	}
}

// A timedOut is the error of a start that has taken too long.
type timedOut time.Duration

func (t timedOut) Error() string { return "timeout after " + time.Duration(t).String() }
func (timedOut) Unwrap() error   { return ErrTimeout }
