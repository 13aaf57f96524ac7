//go:build amd64 || arm64

package launch

import (
	"sync"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A memory is what a start allocates and later starts use again. Nothing that it holds
// means anything to them: each attempt begins with values that are all zero, and with
// lists that are empty.
type memory struct {
	attempt attempt
	compile compile.Memory

	uses       []compile.Use
	enters     []compile.Enter
	bound      []compile.Bound
	list, late []spec.Joined
	ends       []func(started bool)
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// begin is a new attempt at a start.
func (m *memory) begin(r *spec.Start, to Options, before tried) *attempt {
	const none = compile.NotOpen
	m.keep()
	m.attempt = attempt{ask: r, to: to, memory: m, tried: before, ends: m.ends[:0], bound: m.bound[:0]}
	m.attempt.given = compile.Input{Ask: r, Files: r.Files, Uses: m.uses[:0], Enters: m.enters[:0],
		Joins: compile.Joins{List: m.list[:0], Late: m.late[:0], NullReader: none, NullWriter: none},
		Image: none, Pipe: none, StateFD: none, RestFD: none, WaitFD: none, SocketsFD: none, Stderr: none, CgroupFD: none,
		ProgramFD: none, DirFD: none, WaitForFD: none, UserFD: none, TerminalFD: none, ProcFD: none, ParentFD: none}
	return &m.attempt
}

// keep takes the lists back, which may have grown.
func (m *memory) keep() {
	if s := &m.attempt; s.ask != nil {
		g := &s.given
		m.uses, m.enters, m.bound, m.ends = g.Uses, g.Enters, s.bound, s.ends
		m.list, m.late = g.Joins.List, g.Joins.Late
	}
}

// release ends the last attempt.
func (m *memory) release() {
	m.keep()
	m.attempt = attempt{}
	m.compile.Release()
	memories.Put(m)
}
