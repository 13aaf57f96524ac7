//go:build amd64 || arm64

package launch

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// openProc opens /proc as this process has it: the child may have a mount
// namespace in which there is none, or a root of somebody else's, and what it
// wrote there would be lost (CVE-2025-52881). For the same reason it has to be
// a proc file system.
func (s *attempt) openProc() *spec.Error {
	name, lists := s.ask.NeedsProc(), s.listsChildren()
	s.given.ProcFD, s.given.ChildList = -1, false
	if name == "" || name == spec.InitField && !lists {
		return nil
	}
	var foreign, err error
	s.given.ProcFD, err = s.makeFile(name, program.HostDirectory, func() (int, error) {
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
		e.Err, e.Hint = unix.ENOENT, ownproc.ErrNotMounted.Error()
	}
	return e
}
