//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// reportNamespaces has the child look up the ids of its namespaces where the
// parent can read them: in the memory that they share, or in the page that a
// second stage shows. That is done as soon as it is in all of them, since it
// takes the caller's /proc.
func (b *builder) reportNamespaces() {
	b.made.Ids = b.made.Ids[:0]
	for _, k := range spec.NamespaceKinds {
		if b.ask.Attr.ReportNamespaces&k.Kind == 0 {
			continue
		}
		var at program.Arg
		if b.made.Second == nil {
			at = b.p.Buffer(StatxSize)
		} else {
			at = Num(stage2.SharedAt + StatxSize*len(b.made.Ids))
		}
		b.made.Ids = append(b.made.Ids, at)
		file := k.File
		if k.Kind == spec.TimeNamespace {
			file = "time_for_children" // the one that the execve enters
		}
		b.add("Attr.ReportNamespaces", program.Statx, Num(b.fds.at(b.given.ProcFD)), b.p.Str("self/ns/"+file), Num(0), Num(unix.STATX_INO), at)
	}
}
