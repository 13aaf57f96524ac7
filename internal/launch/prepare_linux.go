//go:build amd64 || arm64

package launch

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A preparation finds out what a program is compiled from, and makes what the child needs
// and only the parent can make. Whatever it makes is gone after the attempt to start,
// unless the facility says otherwise. For a plan nothing is made or looked at: it is for a
// machine that has all.
type preparation struct {
	start, plan func(*attempt) *spec.Error
}

// preparations are made in this order: later ones need what earlier ones have found.
var preparations = [...]preparation{
	both((*attempt).inheritAll),
	both((*attempt).useStderr),
	both((*attempt).useCgroup),
	both((*attempt).useTerminal),
	both((*attempt).useProgram),
	{(*attempt).openJoins, (*attempt).supposeJoins},
	both((*attempt).guardMemory),
	both((*attempt).checkHost),
	{(*attempt).checkRelease, nil},
	both((*attempt).useDirFile),
	{(*attempt).openParent, (*attempt).supposeParent},
	{(*attempt).makeCgroup, (*attempt).describeCgroup},
	{(*attempt).openCgroupV1, (*attempt).supposeCgroupV1},
	{(*attempt).openSecond, (*attempt).supposeSecond},
	{(*attempt).openMeeting, (*attempt).supposeMeeting},
	both((*attempt).divideJoins),
	both((*attempt).checkProgramFD),
	both((*attempt).guardCore),
	{(*attempt).askLandlock, (*attempt).supposeLandlock},
	both((*attempt).resolveLandlock),
	{(*attempt).openView, (*attempt).supposeView},
	{(*attempt).openLast, (*attempt).supposeLast},
	{(*attempt).makeInline, (*attempt).supposeInline},
	{(*attempt).lookForCPUs, nil},
	{(*attempt).makeDoor, nil},
	{(*attempt).openProc, (*attempt).supposeProc},
	both((*attempt).checkJoinedCaps),
	{(*attempt).checkRights, nil},
	{(*attempt).checkModules, nil},
}

func both(f func(*attempt) *spec.Error) preparation { return preparation{f, f} }

// prepare makes the preparations of a start.
func (s *attempt) prepare() *spec.Error {
	for i := range preparations {
		if err := preparations[i].start(s); err != nil {
			err.Path = s.ask.Path
			return err
		}
	}
	return nil
}

// suppose makes those of a plan.
func (s *attempt) suppose() *spec.Error {
	for i := range preparations {
		if preparations[i].plan == nil {
			continue
		}
		if err := preparations[i].plan(s); err != nil {
			err.Path = s.ask.Path
			return err
		}
	}
	return nil
}

// useTerminal is for Foreground, whose Ctty is a descriptor of the parent's.
func (s *attempt) useTerminal() *spec.Error {
	if s.ask.Sys.Foreground {
		s.given.TerminalFD = s.given.Use(compile.Use{Fd: s.ask.Sys.Ctty, Name: "terminal", Field: spec.Field("Ctty")})
	}
	return nil
}

// parentUse is the pidfd of this process.
func parentUse() compile.Use {
	return compile.Use{Fd: compile.Unopened, Name: "parent", Field: spec.Field("Pdeathsig"), Own: true}
}

// openParent makes the pidfd of this process, if the child is to look at it.
// A kernel may have none.
func (s *attempt) openParent() *spec.Error {
	if s.given.NeedsParentFD() {
		s.given.ParentFD, _ = s.makeFile(parentUse(), func() (int, error) { return unix.PidfdOpen(os.Getpid(), 0) })
	}
	return nil
}

func (s *attempt) supposeParent() *spec.Error {
	if s.given.NeedsParentFD() {
		s.given.ParentFD = s.given.Use(parentUse())
	}
	return nil
}

// useStderr keeps this process's standard error, for the steps to say what
// failed.
func (s *attempt) useStderr() *spec.Error {
	if !s.ask.InPlace {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(os.Stderr.Fd()), unix.F_GETFD, 0); err == nil {
		s.given.Stderr = s.given.Use(compile.Use{Fd: int(os.Stderr.Fd()), Name: "stderr"})
	}
	return nil
}

// useCgroup is for a cgroup that a child would be born in.
func (s *attempt) useCgroup() *spec.Error {
	if s.ask.InPlace && s.ask.Sys.UseCgroupFD {
		s.given.CgroupFD = s.given.Use(compile.Use{Fd: s.ask.Sys.CgroupFD, Name: "cgroup", Field: spec.Field("CgroupFD"), Kind: program.HostDirectory})
	}
	return nil
}
