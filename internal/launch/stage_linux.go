//go:build amd64 || arm64

package launch

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// openSecond makes the second stage's descriptors, if there is to be one: its
// image, and the pipe that it reports to.
func (s *attempt) openSecond() *spec.Error {
	if s.given.StageField == "" {
		return nil
	}
	s.stage = &machine.Second{Meets: s.given.MeetsLate(), MakesSibling: s.given.MakesSiblingLate()}
	if err := s.stage.Open(); err != nil {
		return &spec.Error{Path: s.ask.Path, Step: "open second stage", Field: s.given.StageField, Err: err, Hint: explain.NoImage(err)}
	}
	s.afterwards(func(started bool) {
		if !started || !s.ask.Waits {
			s.stage.Close()
		}
	})
	s.useSecond(s.stage.Image(), s.stage.Pipe(), s.stage.State(), s.stage.Wait())
	return s.openRest()
}

func (s *attempt) supposeSecond() *spec.Error {
	if s.given.StageField != "" {
		const none = compile.Unopened
		s.useSecond(none, none, none, none)
	}
	return nil
}

// useSecond has the child find the second stage's descriptors.
func (s *attempt) useSecond(image, pipe, state, wait int) {
	s.findCaps()
	use := func(fd int, name string) int {
		return s.given.Use(compile.Use{Fd: fd, Name: name, Field: s.given.StageField, Own: true})
	}
	s.given.Image, s.given.Pipe, s.given.StateFD = use(image, "image"), use(pipe, "reports"), use(state, "state")
	if s.given.MeetsLate() {
		s.given.WaitFD = use(wait, "answers")
	}
}

// takeEnd keeps the file that an init tells the program's end in.
func (s *attempt) takeEnd() { takeEnd(s.stage, s.ask, s.to.Birth) }

func takeEnd(stage *machine.Second, r *spec.Start, to *Birth) {
	if r.Attr.Init != nil && to != nil {
		to.End = os.NewFile(uintptr(stage.TakeState()), "state")
	}
}

// takeStops gives the caller the pipe that an init goes on to tell through.
func takeStops(stage *machine.Second, to *Birth) {
	if stage.GoesOn && to != nil {
		fd := stage.TakeReports()
		unix.SetNonblock(fd, true) // for the network poller: a reader costs no thread
		to.Stops = os.NewFile(uintptr(fd), "stops")
	}
}

// seal writes the second stage's image.
func (s *attempt) seal() *spec.Error {
	if s.stage == nil {
		return nil
	}
	s.stage.Rendezvous = s.meet
	if s.stage.WaitsForRest = s.ask.Waits; s.ask.Waits {
		s.stage.Program, s.stage.Report = s.made.Second, s.made.Report
	} else {
		describeStage(s.stage, s.ask, &s.made)
	}
	if s.to.Tracer != nil {
		s.stage.Moments = &s.to.Tracer.times
	}
	s.to.Tracer.Phase("image", "write the second stage", s.given.StageField)
	if err := s.stage.Seal(); err != nil {
		return &spec.Error{Path: s.ask.Path, Step: "seal second stage", Field: s.given.StageField, Err: err}
	}
	return nil
}

// describeStage tells the machine of the program that the second stage runs to its end.
func describeStage(stage *machine.Second, r *spec.Start, made *compile.Plan) {
	stage.Program, stage.Report = made.Second, made.Report
	stage.Forks, stage.Child = r.Attr.Init != nil, made.FirstStep
	stage.Clone, stage.Settled = made.InitClone, made.Settled
	stage.GoesOn = r.Attr.Init.Tells()
}
