//go:build amd64 || arm64

package sprog

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// openSecond makes the second stage's descriptors, if there is to be one: its
// image, and the pipe that it reports to.
func (s *starter) openSecond() *spec.Error {
	if s.given.stageField == "" {
		return nil
	}
	s.findCaps()
	if s.describing {
		s.given.image, s.given.pipe, s.given.stateFD = s.nextStandIn(), s.nextStandIn(), s.nextStandIn()
		if s.ask.Meets() && s.given.entersLate() {
			s.given.waitFD = s.nextStandIn()
		}
	} else {
		s.stage = &machine.Second{Meets: s.ask.Meets() && s.given.entersLate(), Relays: s.given.relaysLate()}
		if err := s.stage.Open(); err != nil {
			return &spec.Error{Path: s.ask.Path, Step: "open second stage", Field: s.given.stageField, Err: err, Hint: noImageText(err)}
		}
		s.afterwards(func(bool) { s.stage.Close() })
		s.given.image, s.given.pipe, s.given.stateFD, s.given.waitFD = s.stage.Image(), s.stage.Pipe(), s.stage.State(), s.stage.Wait()
	}
	s.given.useOwn(s.given.image, s.given.stageField, program.Harmless)
	s.given.useOwn(s.given.pipe, s.given.stageField, program.Harmless)
	s.given.useOwn(s.given.stateFD, s.given.stageField, program.Harmless)
	if s.given.waitFD >= 0 {
		s.given.useOwn(s.given.waitFD, s.given.stageField, program.Harmless)
	}
	return nil
}

// splitStage ends the first stage and begins the second, if there is to be one.
// What the second needs of the parent's descriptors survives the execve. The
// pipe goes to a number above all that matter, where it stays.
func (b *builder) splitStage() {
	if b.made.second == nil {
		return
	}
	t := &b.table
	b.made.report = t.spare()
	b.add(b.given.stageField, program.Dup3, num(t.at(b.given.pipe)), num(b.made.report), num(0))
	for _, h := range t.held {
		if h.fd != b.given.image && h.fd != b.given.pipe && !h.stays && t.isOpen(h.at) {
			b.add(h.field, program.Fcntl, num(h.at), num(unix.F_SETFD), num(0))
		}
	}
	b.carryCaps()
	b.restoreMask()
	b.coreBack() // a signal may leave a core file from here on
	b.executeFile(b.given.stageField, t.at(b.given.image), []string{machine.SecondName}, nil)
	t.setOpen(t.at(b.given.image), false)
	t.setOpen(t.at(b.given.pipe), false)

	b.p = b.made.second
	b.p.Reset()
	b.keepSecondLog()
	b.mask = b.p.Words(0)
	b.p.Label(b.mask, "mask")
	b.mapState(t.at(b.given.stateFD))
	// As after the birth: until the mask is set no signal is to end the start.
	b.add(b.given.stageField, program.RtSigprocmask, num(unix.SIG_SETMASK), b.p.Words(^uint64(0)), b.mask, num(8))
	b.add(b.given.stageField, program.Prctl, num(unix.PR_SET_NAME), b.p.Str(machine.SecondName))
	b.add(b.given.stageField, program.Fcntl, num(b.made.report), num(unix.F_SETFD), num(unix.FD_CLOEXEC))
	b.putCapsBack()
}

// mapState has the parent see what step the second stage has come to, even if
// it is killed.
func (b *builder) mapState(fd int) {
	b.noteBirth(fd)
	b.made.mapped = b.p.Len()
	b.add(b.given.stageField, program.Mmap, num(machine.StatePage), num(machine.StateSize(b.p)), num(unix.PROT_READ|unix.PROT_WRITE),
		num(unix.MAP_SHARED|unix.MAP_FIXED), num(fd), num(0))
	if b.ask.Attr.Init != nil { // which tells at the end what has become of the program
		b.stateLast = b.table.spare()
		b.add(spec.InitField, program.Dup3, num(fd), num(b.stateLast), num(unix.O_CLOEXEC))
	}
	b.add(b.given.stageField, program.Close, num(fd))
	b.table.setOpen(fd, false)
}

// takeEnd keeps the file that an init tells the program's end in.
func (s *starter) takeEnd() {
	if s.ask.Attr.Init != nil && s.to.birth != nil {
		s.to.birth.end = os.NewFile(uintptr(s.stage.TakeState()), "state")
	}
}

// takeStops gives the caller the pipe that an init goes on to tell through.
func (s *starter) takeStops(started bool) {
	if started && s.stage.GoesOn && s.to.birth != nil {
		fd := s.stage.TakeReports()
		unix.SetNonblock(fd, true) // for the network poller: a reader costs no thread
		s.to.birth.Stops = os.NewFile(uintptr(fd), "stops")
	}
}

// seal writes the second stage's image.
func (s *starter) seal() *spec.Error {
	if s.stage == nil {
		return nil
	}
	s.stage.Program, s.stage.Report = s.made.second, s.made.report
	s.stage.Forks, s.stage.Child = s.ask.Attr.Init != nil, s.made.firstStep
	s.stage.Clone, s.stage.Settled = s.made.initClone, s.made.settled
	s.stage.GoesOn, s.stage.Rendezvous = s.ask.Attr.Init.Tells(), s.writeMaps
	if s.to.tracer != nil {
		s.stage.Moments = &s.to.tracer.times
	}
	s.to.tracer.phase("image", "write the second stage", s.given.stageField)
	if err := s.stage.Seal(); err != nil {
		return &spec.Error{Path: s.ask.Path, Step: "seal second stage", Field: s.given.stageField, Err: err}
	}
	return nil
}
