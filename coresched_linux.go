//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const coreField = "Attr.CoreSched"

func (r *request) checkCoreSched() *StartError {
	c := r.attr.CoreSched
	switch name := coreField + ".ShareFrom"; {
	case c == nil:
	case c.ShareFrom < 0:
		return invalidf(name, strconv.Itoa(c.ShareFrom), "is no pid")
	case c.ShareFrom > 0 && r.sys.Cloneflags&unix.CLONE_NEWPID != 0:
		return invalidf(name, strconv.Itoa(c.ShareFrom), "cannot be combined with CLONE_NEWPID: the child does not see the process")
	}
	return nil
}

func (b *builder) coreSched() {
	switch c := b.ask.attr.CoreSched; {
	case c == nil:
	case c.ShareFrom > 0:
		b.add(coreField, program.Prctl, num(unix.PR_SCHED_CORE), num(unix.PR_SCHED_CORE_SHARE_FROM), num(c.ShareFrom),
			num(unix.PR_SCHED_CORE_SCOPE_THREAD), num(0))
	default:
		b.add(coreField, program.Prctl, num(unix.PR_SCHED_CORE), num(unix.PR_SCHED_CORE_CREATE), num(0),
			num(unix.PR_SCHED_CORE_SCOPE_THREAD), num(0))
	}
}
