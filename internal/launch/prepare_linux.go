//go:build amd64 || arm64

package launch

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// prepare makes what the child needs and only the parent can make. Whatever it
// makes is gone after the attempt to start, unless the facility says otherwise.
// A plan goes the same way and makes nothing: see makeFile.
func (s *attempt) prepare() *spec.Error {
	for _, one := range preparations {
		if err := one(s); err != nil {
			err.Path = s.ask.Path
			return err
		}
	}
	return nil
}

// preparations are made in this order: later ones need what earlier ones have made.
var preparations = [...]func(*attempt) *spec.Error{
	(*attempt).inheritAll, (*attempt).useStderr, (*attempt).useCgroup, (*attempt).useTerminal, (*attempt).useProgram,
	(*attempt).openJoins, (*attempt).guardMemory, (*attempt).checkHost, (*attempt).useDirFile, (*attempt).openParent, (*attempt).makeCgroup, (*attempt).openCgroupV1, (*attempt).openSecond, (*attempt).divideJoins, (*attempt).checkProgramFD, (*attempt).guardCore,
	(*attempt).resolveLandlock,
	(*attempt).makeInline,
	(*attempt).lookForCPUs, (*attempt).makeDoor, (*attempt).openProc,
	(*attempt).checkRights, (*attempt).checkModules,
}

// makeFile opens a descriptor for the length of the attempt to start, and has
// the child find it. In a plan nothing is opened, and the number is a stand-in.
func (s *attempt) makeFile(field string, kind program.FileKind, open func() (int, error)) (int, error) {
	if s.Describing {
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
func (s *attempt) afterwards(f func(started bool)) { s.ends = append(s.ends, f) }

// cleanUp ends the attempt.
func (s *attempt) cleanUp(started bool) {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i](started)
	}
	clear(s.ends)
	s.ends = s.ends[:0]
}

// useTerminal is for Foreground, whose Ctty is a descriptor of the parent's.
func (s *attempt) useTerminal() *spec.Error {
	if s.ask.Sys.Foreground {
		s.given.Use(s.ask.Sys.Ctty, spec.Field("Ctty"), program.Harmless)
	}
	return nil
}

// openParent makes the pidfd of this process, if the child is to look at it.
// A kernel may have none.
func (s *attempt) openParent() *spec.Error {
	s.given.ParentFD = -1
	if s.given.NeedsParentFD() {
		fd, err := s.makeFile(spec.Field("Pdeathsig"), program.Harmless, func() (int, error) { return unix.PidfdOpen(os.Getpid(), 0) })
		if err == nil {
			s.given.ParentFD = fd
		}
	}
	return nil
}
