//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// listsChildren reports whether a list of the init's children is of use: by the numbers that
// it knows them by. In a new PID namespace the kernel kills what is left.
func (s *starter) listsChildren() bool {
	return s.ask.Attr.Init != nil && s.ask.Sys.Cloneflags&unix.CLONE_NEWPID == 0 && !s.given.Joins.Joins(spec.PIDNamespace)
}
