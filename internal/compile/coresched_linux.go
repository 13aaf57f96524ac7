//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) coreSched() {
	switch c := b.ask.Attr.CoreSched; {
	case c == nil:
	case c.ShareFrom > 0:
		b.add(spec.CoreField, program.Prctl, Num(unix.PR_SCHED_CORE), Num(unix.PR_SCHED_CORE_SHARE_FROM), Num(c.ShareFrom),
			Num(unix.PR_SCHED_CORE_SCOPE_THREAD), Num(0))
	default:
		b.add(spec.CoreField, program.Prctl, Num(unix.PR_SCHED_CORE), Num(unix.PR_SCHED_CORE_CREATE), Num(0),
			Num(unix.PR_SCHED_CORE_SCOPE_THREAD), Num(0))
	}
}
