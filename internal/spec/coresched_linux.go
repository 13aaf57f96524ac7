//go:build amd64 || arm64

package spec

import (
	"strconv"

	"golang.org/x/sys/unix"
)

func (r *Start) checkCoreSched() *Error {
	c := r.Attr.CoreSched
	switch name := CoreField + ".ShareFrom"; {
	case c == nil:
	case c.ShareFrom < 0:
		return Invalid(name, strconv.Itoa(c.ShareFrom), "is no pid")
	case c.ShareFrom > 0 && r.Sys.Cloneflags&unix.CLONE_NEWPID != 0:
		return Invalid(name, strconv.Itoa(c.ShareFrom), "cannot be combined with CLONE_NEWPID: the child does not see the process")
	}
	return nil
}
