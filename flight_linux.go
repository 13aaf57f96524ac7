//go:build amd64 || arm64

package sprog

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A flight is a start under way that something may end: the time limit, or the context.
// Nil is one that nothing ends.
type flight struct {
	stop    *machine.Stop
	why     atomic.Pointer[error]
	timer   *time.Timer // or nil
	unwatch func() bool // of the context, or nil
}

// takeOff begins to watch over a start. What comes too late for it is for watchTime and
// watchContext, which look again.
func (c *Cmd) takeOff() *flight {
	limited := c.Ending != nil && c.Ending.Timeout > 0
	if !limited && (c.ctx == nil || c.ctx.Done() == nil) {
		return nil
	}
	f := &flight{stop: machine.NewStop()}
	if limited {
		limit := c.Ending.Timeout
		f.timer = time.AfterFunc(limit, func() { f.end(timedOut(limit)) })
	}
	if c.ctx != nil && c.ctx.Done() != nil {
		f.unwatch = context.AfterFunc(c.ctx, func() { f.end(c.ctx.Err()) })
	}
	return f
}

// end ends the start.
func (f *flight) end(why error) {
	f.why.CompareAndSwap(nil, &why)
	f.stop.Ask()
}

// land ends the watch.
func (f *flight) land() {
	if f == nil {
		return
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	if f.unwatch != nil {
		f.unwatch()
	}
}

// stopper is what ends the launches of the flight, or nil.
func (f *flight) stopper() *machine.Stop {
	if f == nil {
		return nil
	}
	return f.stop
}

// stopped is the error of a start that was ended, which says how far it had come.
func (s *starter) stopped(res machine.Result) *spec.Error {
	e := &spec.Error{Path: s.ask.Path}
	if res.Place != machine.AtBirth && res.Place != machine.AtMeeting && res.Place != machine.AtHandover {
		res.Errno, res.Signal = 0, 0
		e = s.explain(res)
	}
	e.Err = *s.to.flight.why.Load()
	return e
}

// A timedOut is the error of a start that has taken too long.
type timedOut time.Duration

func (t timedOut) Error() string { return "timeout after " + time.Duration(t).String() }
func (timedOut) Unwrap() error   { return ErrTimeout }

// context is done when the start is to end.
func (f *flight) context() context.Context {
	if f == nil {
		return context.Background()
	}
	return flightContext{context.Background(), f.stop}
}

type flightContext struct {
	context.Context
	stop *machine.Stop
}

func (c flightContext) Done() <-chan struct{} { return c.stop.Asked() }

func (c flightContext) Err() error {
	if c.stop.IsAsked() {
		return context.Canceled
	}
	return nil
}
