//go:build amd64 || arm64

package launch

import (
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// A Tracer fills in a Trace. What the parent does is divided into phases: each
// ends where the next one begins. The trace is made of them, of the moments of
// the launch and of the child's log when the start is over.
type Tracer struct {
	steps  []TraceStep // of the trace
	begin  time.Duration
	end    time.Duration
	phases []TraceStep
	open   bool // the last phase is going on
	failed int  // index of the step that did not succeed, or -1

	times  machine.Times // of the launch, and the clock
	born   time.Duration // when the second stage has begun
	second []program.Entry
	over   time.Duration // when it was known how the launch has ended
	after  int           // the first phase after that
}

// NewTracer begins a trace. A child that may change its clocks is timed by one that
// it cannot change.
func NewTracer(changesClocks bool) *Tracer {
	t := &Tracer{failed: -1, phases: make([]TraceStep, 0, 16)}
	t.times.Clock = unix.CLOCK_MONOTONIC
	if changesClocks {
		t.times.Clock = unix.CLOCK_TAI
	}
	t.begin = t.times.Now()
	return t
}

// Phase begins a phase.
func (t *Tracer) Phase(call, text, field string) {
	if t != nil {
		now := t.times.Now()
		t.endPhase(now)
		t.phases = append(t.phases, t.step(TraceStep{By: ByParent, Call: call, Text: text, Field: field}, now, now))
		t.open = true
	}
}

// phaseOfOpening is the phase in which descriptors are made and kept.
func (t *Tracer) phaseOfOpening() { t.Phase(callOpen, "open what the child needs", "") }

func (t *Tracer) endPhase(at time.Duration) {
	if t.open {
		s := &t.phases[len(t.phases)-1]
		s.Duration = max(at-t.begin-s.Start, 0)
		t.open = false
	}
}

// step completes a step that was run from one time to another.
func (t *Tracer) step(s TraceStep, from, to time.Duration) TraceStep {
	s.Start, s.Duration, s.Runs = max(from-t.begin, 0), max(to-from, 0), 1
	return s
}

// launched takes note of a launch that is over.
func (t *Tracer) launched(second *machine.Second) {
	if t == nil {
		return
	}
	t.over = t.times.Now()
	// What came last in the launch was the rendezvous, or before it the linking.
	t.endPhase(max(t.times.At[machine.Met], t.times.At[machine.Linked]))
	t.after = len(t.phases)
	t.born, t.second = 0, nil
	if second != nil {
		t.born, t.second = second.Times()
	}
}

// again makes the phases of an attempt to launch, which was not the last one,
// into a single one.
func (t *Tracer) again(errno syscall.Errno) {
	if t == nil {
		return
	}
	first := slices.IndexFunc(t.phases, func(s TraceStep) bool { return s.Call == callOpen })
	try := TraceStep{By: ByParent, Call: "attempt", Text: "an attempt that ended with " + errno.Error()}
	try = t.step(try, t.phases[first].Start+t.begin, t.times.Now())
	t.phases, t.times.At = append(t.phases[:first], try), [len(t.times.At)]time.Duration{}
}

// Finish ends the trace, of a start that failed for a reason or nil. It returns the
// steps, and how long the start has taken.
func (t *Tracer) Finish(err error) ([]TraceStep, time.Duration) {
	if t == nil {
		return nil, 0
	}
	if t.end == 0 { // it did not come to a launch
		t.end = t.times.Now()
		t.endPhase(t.end)
		t.steps = t.phases
	}
	if err == nil {
		return t.steps, t.end - t.begin
	}
	if t.failed < 0 {
		t.failed = len(t.steps) - 1
	}
	t.steps[t.failed].Err = err
	return t.steps, t.end - t.begin
}
