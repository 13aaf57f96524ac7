//go:build amd64 || arm64

package sprog

import (
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// verifiable is what [program.Start.Verify] has to know of the start. Only tests
// ask for it.
func (g *given) verifiable(made *compiled) *program.Start {
	s := &program.Start{First: made.first, Second: made.second, Shared: !g.copied, Highest: -1}
	if g.lacks.Has(kernel.NoCloseRange) {
		s.Highest = g.highest
	}
	for _, h := range g.held {
		s.Open = append(s.Open, program.Open{FD: h.at, Kind: h.kind, Cloexec: h.own || h.lent})
	}
	for _, f := range g.files {
		if f.Source != spec.Closed {
			s.Given = append(s.Given, f.N)
		}
	}
	return s
}
