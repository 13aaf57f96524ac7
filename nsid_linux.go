//go:build amd64 || arm64

package sprog

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// statxSize is the size of struct statx.
const statxSize = 256

// reportNamespaces has the child look up the ids of its namespaces where the
// parent can read them: in the memory that they share, or in the page that a
// second stage shows. That is done as soon as it is in all of them, since it
// takes the caller's /proc.
func (b *builder) reportNamespaces() {
	b.made.ids = b.made.ids[:0]
	for _, k := range spec.NamespaceKinds {
		if b.ask.Attr.ReportNamespaces&k.Kind == 0 {
			continue
		}
		var at program.Arg
		if b.made.second == nil {
			at = b.p.Buffer(statxSize)
		} else {
			at = num(machine.SharedAt + statxSize*len(b.made.ids))
		}
		b.made.ids = append(b.made.ids, at)
		file := k.File
		if k.Kind == spec.TimeNamespace {
			file = "time_for_children" // the one that the execve enters
		}
		b.add("Attr.ReportNamespaces", program.Statx, num(b.table.at(b.given.procFD)), b.p.Str("self/ns/"+file), num(0), num(unix.STATX_INO), at)
	}
}

// tellNamespaces reads what the child has looked up.
func (s *starter) tellNamespaces() {
	if s.to.birth == nil || s.ask.Attr.ReportNamespaces == 0 {
		return
	}
	i := 0
	for _, k := range spec.NamespaceKinds {
		if s.ask.Attr.ReportNamespaces&k.Kind == 0 {
			continue
		}
		var stat []byte
		if s.made.second == nil {
			stat = s.made.first.Data[s.made.ids[i].Value:]
		} else {
			stat = s.stage.Shared()[statxSize*i:]
		}
		le := binary.NativeEndian
		dev := unix.Mkdev(le.Uint32(stat[136:]), le.Uint32(stat[140:]))
		s.to.birth.Namespaces = append(s.to.birth.Namespaces, NamespaceID{NamespaceKind(k.Kind), dev, le.Uint64(stat[32:])})
		i++
	}
}
