//go:build amd64 || arm64

package sprog

import (
	"sync"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A memory is what a start allocates and the ones after it use again. Nothing
// that it holds means anything to them: each attempt begins with values that are
// all zero, and with lists that are empty.
type memory struct {
	starter starter
	compile compileMemory

	uses, enters []use
	held         []heldFile
	list, late   []joined
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

// keep takes the lists back, which may have grown.
func (m *memory) keep() {
	if s := &m.starter; s.ask != nil {
		g := &s.given
		m.uses, m.enters, m.held, m.ends = g.uses, g.enters, g.held, s.ends
		m.list, m.late = g.joins.list, g.joins.late
	}
}

// release ends the last attempt.
func (m *memory) release() {
	m.keep()
	m.starter = starter{}
	m.compile.release()
	memories.Put(m)
}
