//go:build amd64 || arm64

package launch

import (
	"sync/atomic"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A Flight is a start under way that something may end: the time limit, or the context.
// Nil is one that nothing ends.
type Flight struct {
	stop *machine.Stop
	why  atomic.Pointer[error]
}

// NewFlight is a start that has not begun.
func NewFlight() *Flight { return &Flight{stop: machine.NewStop()} }

// End ends the start.
func (f *Flight) End(why error) {
	f.why.CompareAndSwap(nil, &why)
	f.stop.Ask()
}

// stopper is what ends the launches of the flight, or nil.
func (f *Flight) stopper() *machine.Stop {
	if f == nil {
		return nil
	}
	return f.stop
}

// stopped is the error of a start that was ended, which says how far it had come.
func (s *attempt) stopped(res machine.Result) *spec.Error {
	e := &spec.Error{Path: s.ask.Path}
	if res.Place != machine.AtBirth && res.Place != machine.AtMeeting && res.Place != machine.AtHandover {
		res.Errno, res.Signal = 0, 0
		e = s.explain(res)
	}
	e.Err = *s.to.Flight.why.Load()
	return e
}
