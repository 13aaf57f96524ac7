//go:build amd64 || arm64

package launch

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// openProc opens /proc as this process has it: the child may have a mount
// namespace in which there is none, or a root of somebody else's, and what it
// wrote there would be lost (CVE-2025-52881). For the same reason it has to be
// a proc file system.
func (s *attempt) openProc() *spec.Error {
	name, lists := s.procIsFor()
	if name == "" {
		return nil
	}
	var foreign, err error
	s.given.ProcFD, err = s.makeFile(procUse(name), func() (int, error) {
		fd, err := unix.Open("/proc", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return -1, err
		}
		foreign = ownproc.Check(fd)
		if foreign == ownproc.ErrNotMounted || foreign != nil && name == spec.InitField {
			unix.Close(fd)
			return -1, foreign
		}
		return fd, nil
	})
	s.given.ChildList = lists && err == nil && foreign == nil
	if err == nil || name == spec.InitField {
		return nil
	}
	e := &spec.Error{Path: s.ask.Path, Step: "open", Object: "/proc", Field: name, Err: err}
	if err == unix.ENOENT || err == ownproc.ErrNotMounted {
		e.Err, e.Hint = unix.ENOENT, terms.Of(ownproc.ErrNotMounted)
	}
	return e
}

// procIsFor is the field that /proc is needed for, or "", and whether the init's children
// are to be listed.
func (s *attempt) procIsFor() (field string, lists bool) {
	field, lists = s.ask.NeedsProc(), s.listsChildren()
	if field == spec.InitField && !lists {
		field = ""
	}
	return field, lists
}

func procUse(field string) compile.Use {
	return compile.Use{Fd: compile.Unopened, Name: "/proc", Field: field, Kind: program.HostDirectory, Own: true}
}

func (s *attempt) supposeProc() *spec.Error {
	name, lists := s.procIsFor()
	if name != "" {
		s.given.ProcFD, s.given.ChildList = s.given.Use(procUse(name)), lists
	}
	return nil
}

// listsChildren reports whether a list of the init's children is of use: by the numbers that
// it knows them by. In a new PID namespace the kernel kills what is left.
func (s *attempt) listsChildren() bool {
	return s.ask.Attr.Init != nil && s.ask.Sys.Cloneflags&unix.CLONE_NEWPID == 0 && !s.given.Joins.Has(spec.PIDNamespace)
}
