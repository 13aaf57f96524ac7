//go:build amd64 || arm64

package compile

import "github.com/sprog-dev/sprog/internal/program"

// enterCgroups has the child enter the cgroups that it is not born in: by
// descriptors that the parent has opened, before its own rights, its root or
// its view of the cgroups are others.
func (b *builder) enterCgroups() {
	for _, e := range b.given.Enters {
		b.add(e.Field, program.Write, Num(b.fds.at(e.Hole)), b.p.Str("0"), Num(1))
		b.drop(e.Hole, e.Field)
	}
}
