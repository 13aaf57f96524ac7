//go:build amd64 || arm64

package launch

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// makeDoor makes what a child with a real-time policy waits at for its listener to
// be taken. It would spin otherwise, and on one CPU its parent, which it does not make
// way for, would never come.
func (s *attempt) makeDoor() *spec.Error {
	if !s.ask.Listens() || !willBeRealTime(s.ask) {
		return nil
	}
	door, err := machine.NewDoor()
	if err != nil {
		e := &spec.Error{Object: "listener", Field: "Attr.Seccomp", Step: "userfaultfd", Err: errors.Unwrap(err)}
		e.Hint = "with a real-time policy a listener needs it, Linux 5.11, and a filter in force may have answered"
		return e
	}
	s.door, s.given.Door = door, door.Address()
	s.afterwards(func(bool) { door.Close() })
	return nil
}

// takeListener gives the caller what the child has handed over.
func (s *attempt) takeListener(res machine.Result) {
	switch {
	case res.Taken < 0:
	case s.to.Birth == nil:
		unix.Close(res.Taken)
	default:
		unix.SetNonblock(res.Taken, true) // for the network poller
		s.to.Birth.SeccompListener = os.NewFile(uintptr(res.Taken), "seccomp listener")
	}
}
