//go:build amd64 || arm64

package launch

import (
	"sync/atomic"

	"github.com/sprog-dev/sprog/internal/machine"
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
