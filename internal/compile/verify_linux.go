//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Verifiable is what package verified has to know of the start. Only tests
// ask for it.
func (g *Input) Verifiable(made *Plan, at []Bound) *program.Start {
	s := &program.Start{First: made.First, Second: made.Second, Shared: !g.Copied, Highest: -1}
	if g.Lacks.Has(kernel.NoCloseRange) {
		s.Highest = g.Highest
	}
	for i, h := range made.Held {
		s.Open = append(s.Open, program.Open{FD: at[i].At, Kind: h.Kind, Cloexec: h.Own || at[i].Borrowed})
	}
	for _, f := range g.Files {
		if f.Source != spec.Closed {
			s.Given = append(s.Given, f.N)
		}
	}
	return s
}
