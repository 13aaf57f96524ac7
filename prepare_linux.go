//go:build amd64 || arm64

package sprog

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// prepare makes what the child needs and only the parent can make. Whatever it
// makes is gone after the attempt to start, unless the facility says otherwise.
// A plan goes the same way and makes nothing: see [starter.makeFile].
func (s *starter) prepare() *spec.Error {
	for _, one := range preparations {
		if err := one(s); err != nil {
			err.Path = s.ask.Path
			return err
		}
	}
	return nil
}

var preparations = [...]func(*starter) *spec.Error{
	(*starter).inheritAll, (*starter).useStderr, (*starter).useCgroup, (*starter).useTerminal, (*starter).useProgram,
	(*starter).openJoins, (*starter).guardMemory, (*starter).checkHost, (*starter).useDirFile, (*starter).openParent, (*starter).makeCgroup, (*starter).openCgroupV1, (*starter).openSecond, (*starter).divideJoins, (*starter).checkProgramFD, (*starter).guardCore,
	(*starter).resolveLandlock,
	(*starter).makeInline,
	(*starter).lookForCPUs, (*starter).makeDoor, (*starter).openProc,
	(*starter).checkRights, (*starter).checkModules,
}

// makeFile opens a descriptor for the length of the attempt to start, and has
// the child find it. In a plan nothing is opened, and the number is a stand-in.
func (s *starter) makeFile(field string, kind program.FileKind, open func() (int, error)) (int, error) {
	if s.describing {
		fd := s.nextStandIn()
		s.given.UseOwn(fd, field, kind)
		return fd, nil
	}
	fd, err := open()
	if err != nil {
		return -1, err
	}
	s.afterwards(func(bool) { unix.Close(fd) })
	s.given.UseOwn(fd, field, kind)
	return fd, nil
}

// afterwards has a function called when the attempt to start is over, in the
// reverse order of the calls, with whether the program was executed.
func (s *starter) afterwards(f func(started bool)) { s.ends = append(s.ends, f) }

func (s *starter) cleanUp(started bool) {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i](started)
	}
	clear(s.ends)
	s.ends = s.ends[:0]
}

// useTerminal is for Foreground, whose Ctty is a descriptor of the parent's.
func (s *starter) useTerminal() *spec.Error {
	if s.ask.Sys.Foreground {
		s.given.Use(s.ask.Sys.Ctty, spec.Field("Ctty"), program.Harmless)
	}
	return nil
}

// openParent makes the pidfd of this process, if the child is to look at it.
// A kernel may have none.
func (s *starter) openParent() *spec.Error {
	s.given.ParentFD = -1
	if s.given.NeedsParentFD() {
		fd, err := s.makeFile(spec.Field("Pdeathsig"), program.Harmless, func() (int, error) { return unix.PidfdOpen(os.Getpid(), 0) })
		if err == nil {
			s.given.ParentFD = fd
		}
	}
	return nil
}
