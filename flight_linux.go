//go:build amd64 || arm64

package sprog

import (
	"sync/atomic"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A flight is a start under way that something may end: the time limit, or the context.
// Nil is one that nothing ends.
type flight struct {
	stop *machine.Stop
	why  atomic.Pointer[error]
}

func newFlight() *flight { return &flight{stop: machine.NewStop()} }

// end ends the start.
func (f *flight) end(why error) {
	f.why.CompareAndSwap(nil, &why)
	f.stop.Ask()
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
