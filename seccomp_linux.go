//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// seccomp sets the filters, and hands over the listener if there is one. Every
// call from here on may be denied. So the child waits without one: it reads the
// word that the parent sets when it has the listener. If nobody comes for some
// thirty seconds of its time, the parent is gone, and it ends in the only way
// that is left.
func (b *builder) seccomp() {
	for _, f := range b.ask.Filters {
		set := b.add(f.Field, program.Seccomp, num(unix.SECCOMP_SET_MODE_FILTER), num(f.Flags), b.p.Filter(f.Code))
		if !f.Listens {
			continue
		}
		p, count := b.p, b.p.Words(0)
		given, late := p.Ahead(), p.Ahead()
		b.made.handover = machine.Handover{Number: p.Words(machine.NoNumber), Taken: p.Words(0), Door: b.given.door}
		p.Label(b.made.handover.Taken, "taken")
		set.Into(b.made.handover.Number)
		if b.given.door != nil {
			p.GotoIf(f.Field, num(b.given.door.Address()), num(1), &given).Quiet = true
		} else {
			again := p.Here()
			p.Copy(f.Field, count, count).Args[1] = num(1)
			p.GotoIf(f.Field, count, num(0), &late).Quiet = true // after 2^32 rounds
			p.GotoIf(f.Field, b.made.handover.Taken, num(0), &again).Then(&given)
		}
		late.Place()
		b.add(f.Field, program.Move, num(0)).Quiet = true
		given.Place()
	}
}

// makeDoor makes what a child with a real-time policy waits at for its listener to
// be taken. It would spin otherwise, and on one CPU its parent, which it does not make
// way for, would never come.
func (s *starter) makeDoor() *spec.Error {
	s.given.door = nil
	if s.describing || !s.ask.Listens() || !willBeRealTime(s.ask) {
		return nil
	}
	door, err := machine.NewDoor()
	if err != nil {
		e := &spec.Error{Object: "listener", Field: "Attr.Seccomp", Step: "userfaultfd", Err: errors.Unwrap(err)}
		e.Hint = "with a real-time policy a listener needs it, Linux 5.11, and a filter in force may have answered"
		return e
	}
	s.given.door = door
	s.afterwards(func(bool) { door.Close() })
	return nil
}

// takeListener gives the caller what the child has handed over.
func (s *starter) takeListener(res machine.Result) {
	switch {
	case res.Taken < 0:
	case s.to.birth == nil:
		unix.Close(res.Taken)
	default:
		unix.SetNonblock(res.Taken, true) // for the network poller
		s.to.birth.SeccompListener = os.NewFile(uintptr(res.Taken), "seccomp listener")
	}
}
