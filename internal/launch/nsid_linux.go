//go:build amd64 || arm64

package launch

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/spec"
)

// tellNamespaces reads what the child has looked up.
func (s *attempt) tellNamespaces() {
	if s.to.Birth == nil || s.ask.Attr.ReportNamespaces == 0 {
		return
	}
	i := 0
	for _, k := range spec.NamespaceKinds {
		if s.ask.Attr.ReportNamespaces&k.Kind == 0 {
			continue
		}
		var stat []byte
		if s.made.Second == nil {
			stat = s.made.First.Data[s.made.Ids[i].Value:]
		} else {
			stat = s.stage.Shared()[compile.StatxSize*i:]
		}
		le := binary.NativeEndian
		dev := unix.Mkdev(le.Uint32(stat[136:]), le.Uint32(stat[140:]))
		s.to.Birth.Namespaces = append(s.to.Birth.Namespaces, NamespaceID{k.Kind, dev, le.Uint64(stat[32:])})
		i++
	}
}
