//go:build amd64 || arm64

package sprog

import (
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// execRequest runs the steps of a request in the place of this process. It returns
// only what keeps it from beginning.
func execRequest(r *spec.Start, to options) error {
	r.FillIn()
	if err := resolve(r); err != nil {
		return r.Refused(err)
	}
	s := new(memory).attempt(r, to, tried{})
	defer func() { s.cleanUp(false) }()
	learnCloseRange()
	s.given.Lacks = kernel.Known.Missing()
	if err := s.build(); err != nil {
		return r.Refused(err)
	}
	s.tellFailures()
	self := machine.Self{Program: s.made.First, Handler: s.handler, OneThread: s.oneThread()}
	for _, h := range s.given.Held {
		self.Keep = append(self.Keep, h.Fd)
	}
	err := self.Become()
	return r.Refused(&spec.Error{Step: "execute the steps", Err: err, Hint: explain.NoImage(err)})
}

// learnCloseRange finds out whether there is a close_range that can do what is
// asked of it: a step that failed for lack of it could not be tried again.
func learnCloseRange() {
	const none = math.MaxUint32
	if unix.CloseRange(none, none, unix.CLOSE_RANGE_CLOEXEC) != nil {
		kernel.Known.Learn(kernel.NoCloseRange)
	}
}

// useStderr keeps this process's standard error, for the steps to say what
// failed.
func (s *starter) useStderr() *spec.Error {
	s.given.Stderr = -1
	if !s.ask.InPlace {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(os.Stderr.Fd()), unix.F_GETFD, 0); err == nil {
		s.given.Stderr = int(os.Stderr.Fd())
		s.given.Use(s.given.Stderr, "", program.Harmless)
	}
	return nil
}

// useCgroup is for a cgroup that a child would be born in.
func (s *starter) useCgroup() *spec.Error {
	if s.ask.InPlace && s.ask.Sys.UseCgroupFD {
		s.given.Use(s.ask.Sys.CgroupFD, spec.Field("CgroupFD"), program.HostDirectory)
	}
	return nil
}

// parent is who the parent-death signal is about.
func parent(r *spec.Start) int {
	if r.InPlace {
		return os.Getppid()
	}
	return os.Getpid()
}
