//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) coreSched() {
	switch c := b.ask.Attr.CoreSched; {
	case c == nil:
	case c.ShareFrom > 0:
		b.add(spec.CoreField, program.Prctl, num(unix.PR_SCHED_CORE), num(unix.PR_SCHED_CORE_SHARE_FROM), num(c.ShareFrom),
			num(unix.PR_SCHED_CORE_SCOPE_THREAD), num(0))
	default:
		b.add(spec.CoreField, program.Prctl, num(unix.PR_SCHED_CORE), num(unix.PR_SCHED_CORE_CREATE), num(0),
			num(unix.PR_SCHED_CORE_SCOPE_THREAD), num(0))
	}
}
