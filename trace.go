package sprog

import (
	"errors"
	"io"
	"strings"
	"time"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/waterfall"
)

// A Trace tells how long each step of a start took. [Cmd.Start] fills in the one
// that Cmd.Trace points to, also if it returns an error; what it had before is
// gone.
//
// The child reads the clock itself, by clock_gettime(2) between the steps of its
// program, which makes the start a little slower. The reads are steps of that program: no tracer
// takes part, and no privileges are needed. The clock is CLOCK_MONOTONIC, or
// CLOCK_TAI where the child may enter a time namespace, which has a monotonic
// clock of its own; should somebody set the time during such a start, durations
// are wrong.
//
// [Cmd.Exec] leaves it alone: nobody is left to read it.
type Trace struct {
	// Path is the program.
	Path string
	// Begin is when the start began, Duration how long it took: from the call
	// of Start until it was known that the program has been executed, or
	// that it will not be.
	Begin    time.Time
	Duration time.Duration
	// Steps are first those of the parent up to the child's birth, then those of
	// the child in the order of its program, then the rest of the parent's. The
	// parent's overlap with the child's, as it waits for them.
	Steps []TraceStep
}

// A TraceStep is one step of a start that was run.
type TraceStep struct {
	// By, Call, Text and Field are those of a [PlanStep]. In Text, $n is the
	// result of step n of the trace. What the parent does besides system
	// calls is there too, in words: "compile the program".
	By, Call, Text, Field string
	// Start is counted from the beginning of the start. Duration is all the
	// time until the next step, with whatever comes between them: operations
	// of the machine, bookkeeping, the clock read itself. The child's last step, the
	// execve, ends when the parent sees that the child has left its memory,
	// or that the second stage is gone: somewhat late, by the time that
	// it takes to wake up.
	Start    time.Duration
	Duration time.Duration
	// Runs is how often the step was run. In a loop Start is that of the
	// first time, and Duration the sum.
	Runs int
	// Joined steps could not be told apart from the one before them, and
	// have no Duration of their own. Those are the steps that follow a
	// filter of system calls which may not allow clock_gettime, or that come
	// after some thousands of others.
	Joined bool
	// Err is the reason if the step did not succeed and the start therefore did not.
	Err error
}

// newTrace ends the trace of a start that began at a time and ended with err.
func newTrace(t *launch.Tracer, path string, begin time.Time, err error) Trace {
	var of *StartError
	if errors.As(err, &of) {
		err = of.Err
	}
	steps, took := t.Finish(err)
	return Trace{Path: path, Begin: begin, Duration: took, Steps: each(steps, func(s launch.TraceStep) TraceStep { return TraceStep(s) })}
}

// end is when the step ended.
func (s *TraceStep) end() time.Duration { return s.Start + s.Duration }

// waits reports whether the step is the parent's wait for the others.
func (s *TraceStep) waits() bool { return s.By == launch.ByParent && s.Call == launch.CallWait }

// String returns the trace as [Trace.WriteText] writes it, 100 columns wide.
func (t *Trace) String() string {
	var b strings.Builder
	t.WriteText(&b, 100)
	return b.String()
}

// WriteText writes a table for a terminal with that many columns: a line for
// each step, with its time as a number and as a bar beside the others', below
// a line that says where most of the time went.
func (t *Trace) WriteText(w io.Writer, columns int) error { return t.chart().Text(w, columns) }

// WriteJSON writes the trace in the Trace Event Format, which Perfetto and
// chrome://tracing open.
func (t *Trace) WriteJSON(w io.Writer) error { return t.chart().JSON(w) }

// WriteSVG writes a picture.
func (t *Trace) WriteSVG(w io.Writer) error { return t.chart().SVG(w) }

// WriteHTML writes a page with the picture and a table of the steps. It is one
// file, which refers to no other.
func (t *Trace) WriteHTML(w io.Writer) error { return t.chart().HTML(w) }

// chart is what is drawn of a trace.
func (t *Trace) chart() *waterfall.Chart {
	c := &waterfall.Chart{Title: "start of " + terms.Printable(t.Path), Begin: t.Begin, Duration: t.Duration}
	for _, s := range t.Steps {
		name := s.Call
		if !strings.HasPrefix(s.Text, name+"(") {
			name = s.Text // it is no system call
		}
		row := waterfall.Row{Lane: s.By, Name: name, Text: s.Text, Field: s.Field,
			Start: s.Start, Duration: s.Duration, Runs: s.Runs, Joined: s.Joined, Waits: s.waits()}
		if s.Err != nil {
			row.Error = s.Err.Error()
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}
