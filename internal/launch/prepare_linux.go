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
