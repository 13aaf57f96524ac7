//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// seccomp sets the filters, and hands over the listener if there is one. Every
// call from here on may be denied. So the child waits without one: it reads the
// word that the parent sets when it has the listener. If nobody comes for some
// thirty seconds of its time, the parent is gone, and it ends in the only way
// that is left.
func (b *builder) seccomp() {
	for i, f := range b.ask.Filters {
		if i > 0 && f.Flags == 0 {
			// Filters are often written for a program that knows the older call, which does
			// the same. The first one holds for the second.
			b.add(f.Field, program.Prctl, Num(unix.PR_SET_SECCOMP), Num(unix.SECCOMP_MODE_FILTER), b.p.Filter(f.Code), Num(0), Num(0))
			continue
		}
		set := b.add(f.Field, program.Seccomp, Num(unix.SECCOMP_SET_MODE_FILTER), Num(f.Flags), b.p.Filter(f.Code))
		if !f.Listens {
			continue
		}
		p, count := b.p, b.p.Words(0)
		given, late := p.Ahead(), p.Ahead()
		b.made.Handover = program.Handover{Number: p.Words(program.NoNumber), Taken: p.Words(0)}
		p.Label(b.made.Handover.Taken, "taken")
		set.Into(b.made.Handover.Number)
		if b.given.Door != 0 {
			p.GotoIf(f.Field, Num(b.given.Door), Num(1), &given).Quiet = true
		} else {
			again := p.Here()
			p.Copy(f.Field, count, count).Args[1] = Num(1)
			p.GotoIf(f.Field, count, Num(0), &late).Quiet = true // after 2^32 rounds
			p.GotoIf(f.Field, b.made.Handover.Taken, Num(0), &again).Then(&given)
		}
		late.Place()
		b.add(f.Field, program.Move, Num(0)).Quiet = true
		given.Place()
	}
}
