//go:build amd64 || arm64

package compile

import "github.com/sprog-dev/sprog/internal/program"

// A Memory is what compiling allocates, to be used again. Nothing that it
// holds means anything to the next program.
type Memory struct {
	builder builder
	first   program.Program
	second  program.Program
	ids     []program.Arg
	joined  []program.Arg
	from    []int
	fds     fdPlan
	labels  []openLabel
}

// begin is a new builder.
func (m *Memory) begin(g *Input) *builder {
	m.keep()
	t := &m.fds
	m.builder = builder{ask: g.Ask, given: g, p: &m.first, labels: m.labels[:0], ruleset: NotOpen, guardsCore: g.Guards,
		fds: fdPlan{held: t.held[:0], files: g.Files, open: t.open[:0], holes: t.holes[:0], source: t.source[:0]}}
	if g.Ask.Waits {
		m.builder.fds.above = MostFiles
	}
	m.builder.made = Plan{First: &m.first, Ids: m.ids[:0], joined: m.joined[:0], told: NotOpen, moves: moves{from: m.from[:0]}}
	return &m.builder
}

// keep takes the lists back, which may have grown.
func (m *Memory) keep() {
	if b := &m.builder; b.ask != nil {
		m.ids, m.fds, m.labels, m.joined, m.from = b.made.Ids, b.fds, b.labels, b.made.joined, b.made.moves.from
	}
}

// Release lets go of all that is not memory.
func (m *Memory) Release() {
	m.keep()
	m.builder, m.fds.files = builder{}, nil
}
