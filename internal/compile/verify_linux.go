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
	s.Begin = made.filled
	for n := range made.filledStreams() {
		s.Open = append(s.Open, program.Open{FD: n, Kind: program.ForProgram})
	}
	for i, h := range made.Held {
		if h.Path != "" || g.Ask.Launcher != nil && h.Fd < len(streams) {
			continue
		}
		s.Open = append(s.Open, program.Open{FD: at[i].At, Kind: h.Kind, Cloexec: h.Own || at[i].Borrowed})
	}
	for _, f := range g.Files {
		if f.Source != spec.Closed {
			s.Given = append(s.Given, f.N)
		}
	}
	return s
}

// VerifiableRest is Verifiable for a child that has waited, with the programs that it had before, in
// which nothing of the parent's is open any more.
func (g *Input) VerifiableRest(s *program.Start, made *Plan, received int) *program.Start {
	rest := *s
	rest.Rest, rest.Received, rest.Given = made.Second, received, nil
	for _, f := range g.Files {
		if f.Source != spec.Closed {
			rest.Given = append(rest.Given, f.N)
		}
	}
	return &rest
}
