//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// NoClock is for programs that note no times.
const NoClock = -1

// noteTimes has both programs note when their steps begin.
func (b *builder) noteTimes() {
	if b.given.Clock == NoClock {
		return
	}
	p := b.p
	const loops, most = 3 * 64, 1 << 14 // over all signals, and over all capabilities
	entries := p.Len() + loops
	if b.given.Lacks.Has(kernel.NoCloseRange) { // the loops over the table's numbers
		entries += min(b.given.Highest, most)
	}
	p.Log = program.Log{Clock: b.given.Clock, Entries: entries, At: p.Buffer(entries * program.EntrySize)}
	p.NoteTimes(0, b.lastTimed(p)+1)
	if b.made.Second == nil {
		return
	}
	if p = b.made.Second; b.ask.Attr.Init == nil {
		p.NoteTimes(b.made.Mapped+1, b.lastTimed(p)+1)
		return
	}
	// The init goes on when its child has executed the program: the start is
	// over then.
	p.NoteTimes(b.made.Mapped+1, b.made.initStep)
	p.NoteTimes(b.made.initStep, b.made.InitClone+1)
	p.NoteTimes(b.made.FirstStep, b.lastTimed(p)+1)
}

// lastTimed is the last step that may be timed: the one that sets a filter
// which may not allow that any more, or the end.
func (b *builder) lastTimed(p *program.Program) int {
	filter := 0
	for i := range p.Steps {
		if p.Steps[i].Call != program.Seccomp || p.Steps[i].Field == spec.TIOCSTIField {
			continue
		}
		if b.ask.Filters[filter].Silent {
			return i
		}
		filter++
	}
	return p.Len() - 1
}

// keepSecondLog gives the second stage a log in the file that the parent has,
// too.
func (b *builder) keepSecondLog() {
	if b.given.Clock != NoClock {
		b.p.Log = program.Log{Clock: b.given.Clock, At: Num(stage2.LogAt), Entries: stage2.LogSize / program.EntrySize}
	}
}

// noteBirth has the second stage put into the file when it has begun, which
// has no memory yet that it shares with the parent.
func (b *builder) noteBirth(fd int) {
	if b.given.Clock == NoClock {
		return
	}
	at := b.p.Buffer(16)
	b.addStage(program.ClockGettime, Num(b.given.Clock), at).Ignore(program.AnyErrno).Quiet = true
	b.addStage(program.Pwrite64, Num(fd), at, Num(16), Num(stage2.BornAt-stage2.StatePage)).Ignore(program.AnyErrno).Quiet = true
}
