//go:build amd64 || arm64

package launch

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// phaseOfMap is the phase in which the parent has an id map written.
func (s *attempt) phaseOfMap(f spec.MapFile, pid int) {
	if s.to.Tracer == nil {
		return
	}
	if helper := helperFor(s.ask, f); helper != "" {
		s.to.Tracer.Phase(helper, strings.Join(f.HelperArgs(helper, spec.Itoa(pid)), " "), "Attr.IDMap.Helpers")
		return
	}
	s.to.Tracer.Phase("write", f.Write(strconv.Quote("/proc/"+spec.Itoa(pid)+"/"+f.Name)), f.Field)
}

// makeTrace puts the trace together: what the parent did up to the birth, the
// rendezvous included, what the child did, and the rest of the parent's.
func (s *attempt) makeTrace(res machine.Result) {
	t := s.to.Tracer
	if t == nil {
		return
	}
	t.end = t.times.Now()
	t.endPhase(t.end)
	t.steps = make([]TraceStep, 0, 2*len(t.phases)+s.made.First.Len())
	s.traceBirth()
	if res.Place == machine.AtMeeting && res.Err != nil && !s.given.MeetsLate() {
		t.failed = len(t.steps) - 1
	}
	if t.times.At[machine.Born] != 0 {
		s.traceStages(res)
		s.traceWaiting(res)
	}
	t.steps = append(t.steps, t.phases[t.after:]...)
}

// add adds a step.
func (t *Tracer) add(s TraceStep, from, to time.Duration) {
	t.steps = append(t.steps, t.step(s, from, to))
}

// traceBirth adds what came before the child's first step.
func (s *attempt) traceBirth() {
	t, at := s.to.Tracer, &s.to.Tracer.times.At
	link := slices.IndexFunc(t.phases, func(s TraceStep) bool { return s.Call == callLink })
	linked := at[machine.Birth]
	if l := &s.launch; l.Hides || l.ReadsProc || l.Credentials {
		linked = at[machine.Linked]
	}
	t.phases[link].Duration = max(linked-t.begin-t.phases[link].Start, 0)
	t.steps = append(t.steps, t.phases[:link+1]...)
	if linked < at[machine.Birth] {
		t.add(TraceStep{By: ByParent, Call: "gate", Text: "wait for starts that must not overlap"}, linked, at[machine.Birth])
	}
	born := at[machine.Born]
	if born == 0 {
		born = t.over
		t.failed = len(t.steps)
	}
	e := &spec.Error{}
	s.explainBirth(e, 0)
	t.add(TraceStep{By: ByParent, Call: e.Step, Text: e.Syscall, Field: e.Field}, at[machine.Birth], born)
	if !s.given.MeetsLate() {
		t.steps = append(t.steps, t.phases[link+1:t.after]...)
	}
}

// traceStages adds the child's steps.
func (s *attempt) traceStages(res machine.Result) {
	t, log := s.to.Tracer, s.made.First.Log
	first := stageTrace{t, s.made.First, func(int) string { return "child" }}
	end := t.times.At[machine.Left]
	if t.born != 0 {
		end = t.born
	}
	entries := s.made.First.ReadLog(s.made.First.BytesAt(log.At, uint64(log.Size())))
	first.add(entries, end, res.Step, res.Place == machine.InChild && !res.OK)
	failed := res.Place == machine.InSecond && !res.OK
	if entries = nil; t.born != 0 {
		entries = append([]program.Entry{{Step: s.made.Mapped, At: t.born}}, t.second...)
	}
	if entries != nil || failed {
		second := stageTrace{t, s.made.Second, s.made.Runs}
		second.add(entries, t.over, res.Step, failed)
	}
}

// traceWaiting adds what the parent did while the child ran its steps.
func (s *attempt) traceWaiting(res machine.Result) {
	t, at := s.to.Tracer, &s.to.Tracer.times.At
	served := max(at[machine.Born], at[machine.Taken])
	if s.given.MeetsEarly() {
		served = max(served, at[machine.Met])
	}
	if s.launch.Handover != nil {
		if res.Place == machine.AtHandover && res.Err != nil {
			t.failed = len(t.steps)
		}
		t.add(TraceStep{By: ByParent, Call: "pidfd_getfd", Text: "take the listener over", Field: "Attr.Seccomp"}, at[machine.Met], served)
	}
	t.add(TraceStep{By: ByParent, Call: CallWait, Text: "wait for the child to execute"}, served, at[machine.Left])
	if s.stage != nil && (res.OK || res.Place != machine.InChild && res.Place != machine.AtHandover) {
		s.traceSecond(res)
	}
}

// traceSecond adds what the parent did while the second stage ran.
func (s *attempt) traceSecond(res machine.Result) {
	t, from := s.to.Tracer, s.to.Tracer.times.At[machine.Left]
	link := slices.IndexFunc(t.phases, func(s TraceStep) bool { return s.Call == callLink })
	if maps := t.phases[link+1 : t.after]; s.given.MeetsLate() && len(maps) > 0 {
		t.add(TraceStep{By: ByParent, Call: CallWait, Text: "wait for the second stage to enter its namespaces", Field: s.given.StageField}, from, maps[0].Start+t.begin)
		t.steps = append(t.steps, maps...)
		from = t.times.At[machine.Met]
		if res.Place == machine.AtMeeting && res.Err != nil {
			t.failed = len(t.steps) - 1
		}
	}
	if res.Place == machine.SecondItself && !res.OK {
		t.failed = len(t.steps)
	}
	t.add(TraceStep{By: ByParent, Call: CallWait, Text: "wait for the second stage to execute", Field: s.given.StageField}, from, t.over)
}

// A stageTrace adds the steps of one stage to a trace.
type stageTrace struct {
	*Tracer
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
		g.steps[row].Duration += max(until-e.At, 0)
		g.steps[row].Runs++
		return
	}
	rows[e.Step] = len(g.steps)
	s := &g.p.Steps[e.Step]
	g.Tracer.add(TraceStep{By: g.by(e.Step), Call: s.Call.String(), Field: s.Field}, e.At, until)
}

// addJoined adds a step that was not noted, unless it was.
func (g stageTrace) addJoined(rows map[int]int, step int, at time.Duration) {
	if _, ok := rows[step]; !ok {
		g.addRun(rows, program.Entry{Step: step, At: at}, at)
		g.steps[rows[step]].Joined = true
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
		g.steps[row].Text = listing.Format(g.p, step, name)
	}
}
