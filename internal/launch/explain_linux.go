//go:build amd64 || arm64

package launch

import (
	"slices"
	"strconv"
	"syscall"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// explain makes the error of a launch that failed.
func (s *attempt) explain(res machine.Result) *spec.Error {
	e := &spec.Error{Path: s.ask.Path, Signal: res.Signal}
	switch res.Place {
	case machine.AtBirth:
		s.explainBirth(e, res.Errno)
	case machine.AtMeeting:
		if own, ok := res.Err.(*spec.Error); ok {
			return own
		}
		e.Step, e.Err = "rendezvous", res.Err
		return e
	case machine.AtHandover:
		return explain.Handover(e, res)
	case machine.InChild:
		stepFailed(e, s.made.First, res.Step)
		s.describeFile(e)
	case machine.InSecond:
		stepFailed(e, s.made.Second, res.Step)
		s.describeFile(e)
	case machine.SecondItself:
		e.Step, e.Field = "second stage", s.given.StageField
	}
	switch {
	case res.Errno != 0:
		e.Err = res.Errno
	case res.Signal != 0:
		e.Err = KilledError(res.Signal)
	default:
		e.Err = errVanished
	}
	if res.Errno != 0 {
		told := s.toldOfView(e, &res)
		f := s.failed(e, res)
		f.Mounts = told
		e.Hint = f.WhyInTime()
	} else if res.Signal != 0 {
		e.Hint = s.failed(e, res).HintOfSignal()
	}
	if e.Hint == "" {
		e.Hint = s.cgroupSays
	}
	return e
}

// stepFailed fills in what is known of a step of the program.
func stepFailed(e *spec.Error, p *program.Program, step int) {
	st := &p.Steps[step]
	e.Step, e.Field = st.Call.String(), st.Field
	e.Origin = p.Origin(step)
	e.Object = listing.Object(p, step)
	e.Syscall = listing.Format(p, step, stepName)
}

// exitSignalOf is what a child is cloned with beside the flags: no exit signal, but
// where it must look like one of vfork(2).
func exitSignalOf(plain bool) string {
	if plain {
		return "|SIGCHLD"
	}
	return ""
}

// explainBirth fills in what is known of the clone.
func (s *attempt) explainBirth(e *spec.Error, errno syscall.Errno) {
	sys := s.ask.Sys
	flags := s.launch.Flags()
	e.Origin = program.OfBirth
	e.Step, e.Syscall = "clone3", listing.FormatClone3(flags, s.cgroupText())
	if s.launch.OldClone && !s.tried.clone {
		e.Step, e.Syscall = "clone", "clone("+listing.CloneFlags(flags)+exitSignalOf(s.launch.Plain)+")"
	}
	ns := s.launch.Namespaces
	if ns != 0 {
		e.Object, e.Field = listing.CloneFlags(ns), spec.Field("Cloneflags")
	}
	// A cgroup that cannot be entered has none of these errors.
	ofNamespaces := ns != 0 && (errno == syscall.EPERM || errno == syscall.ENOSPC || errno == syscall.EUSERS || errno == syscall.EINVAL)
	if sys.UseCgroupFD && !ofNamespaces {
		e.Object, e.Field = "CLONE_INTO_CGROUP descriptor "+strconv.Itoa(sys.CgroupFD), spec.Field("CgroupFD")
	}
	if s.launch.Cgroup >= 0 && !sys.UseCgroupFD && (!ofNamespaces || errno == 0 && ns == 0) {
		e.Field = spec.CgroupField
		if s.group != nil {
			e.Object = s.group.Path()
		}
	}
}

// cgroupText is how a listing shows the cgroup that the child is born in, or "".
func (s *attempt) cgroupText() string {
	switch fd := s.launch.Cgroup; {
	case fd < 0:
		return ""
	case fd == supposedCgroup:
		return "<cgroup>"
	default:
		return spec.Itoa(fd)
	}
}

// stepName is how a text refers to a step of the same program.
func stepName(step int) string { return "$" + strconv.Itoa(step+1) }

// A KilledError says which signal ended the child before it executed.
type KilledError syscall.Signal

func (k KilledError) Error() string {
	return "killed by " + listing.SignalName(int(k)) + " before the program was executed"
}

type vanished struct{}

func (vanished) Error() string { return "the child is gone, and somebody else has waited for it" }

var errVanished = vanished{}

// fdOf is the number in this process of one of the descriptors that steps need, or -1.
func (s *attempt) fdOf(hole int) int {
	if hole == compile.NotOpen {
		return -1
	}
	return s.given.Uses[hole].Fd
}

// failed puts together what is known of a step that has failed.
func (s *attempt) failed(e *spec.Error, res machine.Result) explain.Failure {
	return explain.Failure{Ask: s.ask, E: e, Errno: res.Errno, Facts: explain.Facts{
		Born: !s.atBirth(res), Joined: slices.Concat(s.given.Joins.List, s.given.Joins.Late), Lacks: s.given.Lacks, Locked: s.given.Locked,
		ProgramFD: s.fdOf(s.given.ProgramFD), Executable: s.made.Executable, DirFD: s.fdOf(s.given.DirFD), CgroupSays: s.cgroupSays,
	}}
}
