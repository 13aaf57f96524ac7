//go:build amd64 || arm64

package sprog

import (
	"sync"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A memory is what a start allocates and the ones after it use again. Nothing
// that it holds means anything to them: each attempt begins with values that are
// all zero, and with lists that are empty.
type memory struct {
	starter starter
	builder builder
	first   program.Program
	second  program.Program

	uses, enters []use
	held         []heldFile
	list, late   []joined
	ids          []program.Arg
	table        fdTable
	labels       []openLabel
	ends         []func(started bool)
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// attempt is a new attempt at a start.
func (m *memory) attempt(r *spec.Start, to options, before tried) *starter {
	m.keep()
	m.starter = starter{ask: r, to: to, memory: m, tried: before, ends: m.ends[:0]}
	m.starter.given = given{ask: r, files: r.Files, uses: m.uses[:0], enters: m.enters[:0], held: m.held[:0],
		joins: joins{list: m.list[:0], late: m.late[:0]}, waitFD: -1}
	return &m.starter
}

// build is a new builder.
func (m *memory) build(g *given) *builder {
	t := &m.table
	m.builder = builder{ask: g.ask, given: g, p: &m.first, labels: m.labels[:0], ruleset: notOpen, guardsCore: g.guards,
		table: fdTable{held: append(t.held[:0], g.held...), files: g.files, open: t.open[:0], source: t.source[:0],
			needed: t.needed[:0], placed: t.placed[:0]}}
	m.builder.made = compiled{first: &m.first, ids: m.ids[:0]}
	return &m.builder
}

// keep takes the lists back, which may have grown.
func (m *memory) keep() {
	if s := &m.starter; s.ask != nil {
		g := &s.given
		m.uses, m.enters, m.held, m.ends = g.uses, g.enters, g.held, s.ends
		m.list, m.late = g.joins.list, g.joins.late
	}
	if b := &m.builder; b.ask != nil {
		m.ids, m.table, m.labels = b.made.ids, b.table, b.labels
	}
}

// release ends the last attempt.
func (m *memory) release() {
	m.keep()
	m.starter, m.builder, m.table.files = starter{}, builder{}, nil
	memories.Put(m)
}
