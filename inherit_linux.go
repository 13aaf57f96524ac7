//go:build amd64 || arm64

package sprog

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// inheritAll gives the child all of this process's descriptors that are not
// marked close-on-exec. They keep their flags in the child: should one be
// closed now, and its number be that of another file, that is marked, and goes
// with the execve.
func (s *starter) inheritAll() *spec.Error {
	if !s.ask.Attr.InheritAll {
		return nil
	}
	s.given.Files = slices.Clone(s.given.Files)
	for _, n := range openNumbers() {
		if n < 3 || spec.IndexOfFile(s.given.Files, n) >= 0 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			s.given.Files = spec.InsertFile(s.given.Files, spec.ChildFile{N: n, Source: spec.Inherited, Fd: n, Field: spec.InheritField})
		}
	}
	return nil
}

// lostInherited reports whether one was closed before the child had a table of
// its own. The child can do without.
func (s *starter) lostInherited(res machine.Result) bool {
	return res.Place == machine.InChild && res.Errno == unix.EBADF && s.made.First.Steps[res.Step].Field == spec.InheritField
}
