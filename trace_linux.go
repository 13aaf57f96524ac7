//go:build amd64 || arm64

package sprog

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// noClock is for programs that note no times.
const noClock = -1

// noteTimes has both programs note when their steps begin.
func (b *builder) noteTimes() {
	if b.given.clock == noClock {
		return
	}
	p := b.p
	const loops, most = 3 * 64, 1 << 14 // over all signals, and over all capabilities
	entries := p.Len() + loops
	if b.given.lacks.Has(kernel.NoCloseRange) { // the loops over the table's numbers
		entries += min(b.given.highest, most)
	}
	p.Log = program.Log{Clock: b.given.clock, Entries: entries, At: p.Buffer(entries * program.EntrySize)}
	p.NoteTimes(0, b.lastTimed(p)+1)
	if b.made.second == nil {
		return
	}
	if p = b.made.second; b.ask.Attr.Init == nil {
		p.NoteTimes(b.made.mapped+1, b.lastTimed(p)+1)
		return
	}
	// The init goes on when its child has executed the program: the start is
	// over then.
	p.NoteTimes(b.made.mapped+1, b.made.initStep)
	p.NoteTimes(b.made.initStep, b.made.initClone+1)
	p.NoteTimes(b.made.firstStep, b.lastTimed(p)+1)
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
	if b.given.clock != noClock {
		b.p.Log = program.Log{Clock: b.given.clock, At: num(machine.LogAt), Entries: machine.LogSize / program.EntrySize}
	}
}

// noteBirth has the second stage put into the file when it has begun, which
// has no memory yet that it shares with the parent.
func (b *builder) noteBirth(fd int) {
	if b.given.clock == noClock {
		return
	}
	at := b.p.Buffer(16)
	b.add(b.given.stageField, program.ClockGettime, num(b.given.clock), at).Ignore(program.AnyErrno).Quiet = true
	b.add(b.given.stageField, program.Pwrite64, num(fd), at, num(16), num(machine.BornAt-machine.StatePage)).Ignore(program.AnyErrno).Quiet = true
}

// phaseOfMap is the phase in which the parent has an id map written.
func (s *starter) phaseOfMap(f spec.MapFile, pid int) {
	if s.to.tracer == nil {
		return
	}
	if helper := helperFor(s.ask, f); helper != "" {
		s.to.tracer.phase(helper, strings.Join(f.HelperArgs(helper, spec.Itoa(pid)), " "), "Attr.IDMap.Helpers")
		return
	}
	s.to.tracer.phase("write", f.Write(strconv.Quote("/proc/"+spec.Itoa(pid)+"/"+f.Name)), f.Field)
}

// makeTrace puts the trace together: what the parent did up to the birth, the
// rendezvous included, what the child did, and the rest of the parent's.
func (s *starter) makeTrace(res machine.Result) {
	t := s.to.tracer
	if t == nil {
		return
	}
	t.end = t.times.Now()
	t.endPhase(t.end)
	t.trace.Steps = make([]TraceStep, 0, 2*len(t.phases)+s.made.first.Len())
	s.traceBirth()
	if res.Place == machine.AtMeeting && res.Err != nil && !s.given.entersLate() {
		t.failed = len(t.trace.Steps) - 1
	}
	if t.times.At[machine.Born] != 0 {
		s.traceStages(res)
		s.traceWaiting(res)
	}
	t.trace.Steps = append(t.trace.Steps, t.phases[t.after:]...)
}

// add adds a step.
func (t *tracer) add(s TraceStep, from, to time.Duration) {
	t.trace.Steps = append(t.trace.Steps, t.step(s, from, to))
}

// traceBirth adds what came before the child's first step.
func (s *starter) traceBirth() {
	t, at := s.to.tracer, &s.to.tracer.times.At
	link := slices.IndexFunc(t.phases, func(s TraceStep) bool { return s.Call == callLink })
	linked := at[machine.Birth]
	if l := &s.launch; l.Hides || l.ReadsProc || l.Credentials {
		linked = at[machine.Linked]
	}
	t.phases[link].Duration = max(linked-t.begin-t.phases[link].Start, 0)
	t.trace.Steps = append(t.trace.Steps, t.phases[:link+1]...)
	if linked < at[machine.Birth] {
		t.add(TraceStep{By: byParent, Call: "gate", Text: "wait for starts that must not overlap"}, linked, at[machine.Birth])
	}
	born := at[machine.Born]
	if born == 0 {
		born = t.over
		t.failed = len(t.trace.Steps)
	}
	e := &spec.Error{}
	s.explainBirth(e, 0)
	t.add(TraceStep{By: byParent, Call: e.Step, Text: e.Syscall, Field: e.Field}, at[machine.Birth], born)
	if !s.given.entersLate() {
		t.trace.Steps = append(t.trace.Steps, t.phases[link+1:t.after]...)
	}
}

// traceStages adds the child's steps.
func (s *starter) traceStages(res machine.Result) {
	t, log := s.to.tracer, s.made.first.Log
	first := stageTrace{t, s.made.first, func(int) string { return "child" }}
	end := t.times.At[machine.Left]
	if t.born != 0 {
		end = t.born
	}
	entries := s.made.first.ReadLog(s.made.first.BytesAt(log.At, uint64(log.Size())))
	first.add(entries, end, res.Step, res.Place == machine.InChild && !res.OK)
	failed := res.Place == machine.InSecond && !res.OK
	if entries = nil; t.born != 0 {
		entries = append([]program.Entry{{Step: s.made.mapped, At: t.born}}, t.second...)
	}
	if entries != nil || failed {
		second := stageTrace{t, s.made.second, s.made.runs}
		second.add(entries, t.over, res.Step, failed)
	}
}

// traceWaiting adds what the parent did while the child ran its steps.
func (s *starter) traceWaiting(res machine.Result) {
	t, at := s.to.tracer, &s.to.tracer.times.At
	served := max(at[machine.Born], at[machine.Taken])
	if s.given.meetsEarly() {
		served = max(served, at[machine.Met])
	}
	if s.launch.Handover != nil {
		if res.Place == machine.AtHandover && res.Err != nil {
			t.failed = len(t.trace.Steps)
		}
		t.add(TraceStep{By: byParent, Call: "pidfd_getfd", Text: "take the listener over", Field: "Attr.Seccomp"}, at[machine.Met], served)
	}
	t.add(TraceStep{By: byParent, Call: callWait, Text: "wait for the child to execute"}, served, at[machine.Left])
	if s.stage != nil && (res.OK || res.Place != machine.InChild && res.Place != machine.AtHandover) {
		s.traceSecond(res)
	}
}

// traceSecond adds what the parent did while the second stage ran.
func (s *starter) traceSecond(res machine.Result) {
	t, from := s.to.tracer, s.to.tracer.times.At[machine.Left]
	link := slices.IndexFunc(t.phases, func(s TraceStep) bool { return s.Call == callLink })
	if maps := t.phases[link+1 : t.after]; s.given.entersLate() && len(maps) > 0 {
		t.add(TraceStep{By: byParent, Call: callWait, Text: "wait for the second stage to enter its namespaces", Field: s.given.stageField}, from, maps[0].Start+t.begin)
		t.trace.Steps = append(t.trace.Steps, maps...)
		from = t.times.At[machine.Met]
		if res.Place == machine.AtMeeting && res.Err != nil {
			t.failed = len(t.trace.Steps) - 1
		}
	}
	if res.Place == machine.SecondItself && !res.OK {
		t.failed = len(t.trace.Steps)
	}
	t.add(TraceStep{By: byParent, Call: callWait, Text: "wait for the second stage to execute", Field: s.given.stageField}, from, t.over)
}

// A stageTrace adds the steps of one stage to a trace.
type stageTrace struct {
	*tracer
	p  *program.Program
	by func(step int) string
}

// add adds the steps that a log has, the last of which took until end, and
// those that came after them without being noted. If the stage failed, the step
// last is the one that did.
func (g stageTrace) add(log []program.Entry, end time.Duration, last int, failed bool) {
	if !failed {
		last = g.p.Len() - 1
	}
	rows := map[int]int{} // of the trace, by the step
	next := 0
	for i, e := range log {
		until := end
		if i+1 < len(log) {
			until = log[i+1].At
		}
		g.addRun(rows, e, until)
		next = e.Step + 1
	}
	for i := next; i <= last; i++ {
		s := &g.p.Steps[i]
		if !s.Quiet && !s.Call.IsOperation() {
			g.addJoined(rows, i, end)
		}
	}
	if failed {
		g.addJoined(rows, last, end)
		g.failed = rows[last]
	}
	g.describe(rows)
}

// addRun adds one run of a step.
func (g stageTrace) addRun(rows map[int]int, e program.Entry, until time.Duration) {
	if row, ok := rows[e.Step]; ok {
		g.trace.Steps[row].Duration += max(until-e.At, 0)
		g.trace.Steps[row].Runs++
		return
	}
	rows[e.Step] = len(g.trace.Steps)
	s := &g.p.Steps[e.Step]
	g.tracer.add(TraceStep{By: g.by(e.Step), Call: s.Call.String(), Field: s.Field}, e.At, until)
}

// addJoined adds a step that was not noted, unless it was.
func (g stageTrace) addJoined(rows map[int]int, step int, at time.Duration) {
	if _, ok := rows[step]; !ok {
		g.addRun(rows, program.Entry{Step: step, At: at}, at)
		g.trace.Steps[rows[step]].Joined = true
	}
}

// describe writes the calls. A step whose result another one uses goes by its
// number in the trace.
func (g stageTrace) describe(rows map[int]int) {
	name := func(step int) string {
		for ; step < g.p.Len(); step++ {
			if row, ok := rows[step]; ok {
				return "$" + spec.Itoa(row+1)
			}
		}
		return "$0"
	}
	for step, row := range rows {
		g.trace.Steps[row].Text = g.p.Format(step, name)
	}
}
