//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/program"

// compiled is what [program.Start.Verify] has to know of the start. Only tests
// ask for it.
func (b *builder) compiled() *program.Start {
	s := &program.Start{First: b.p, Second: b.second, Shared: !b.table.copied, Highest: -1}
	if b.lacks.has(noCloseRange) {
		s.Highest = b.highest
	}
	for _, h := range b.table.held {
		s.Open = append(s.Open, program.Open{FD: h.at, Kind: h.kind, Cloexec: h.own || h.lent})
	}
	for _, f := range b.files {
		if f.source != closed {
			s.Given = append(s.Given, f.n)
		}
	}
	return s
}
