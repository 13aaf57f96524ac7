package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sprog-dev/sprog"
)

// tracedStarts are the starts that are traced, by names of facilities.
var tracedStarts = [][]string{nil, {"Rlimits, all"}, {"user namespace with maps"}, {"Caps: two dropped everywhere"}, {"Init"}}

// A tracedStart has the three series of one start: traced, not, and not once
// more, which is what the measurement itself is good for. Of each it has the
// time of Run, and that of Start alone; of a trace, what that says.
type tracedStart struct {
	name                      string
	untraced, traced, control facilityCell
	start, startTraced        *sample
	steps                     int
}

func (t *tracedStart) cells() []facilityCell {
	return []facilityCell{t.untraced, t.traced, t.control}
}

// runStarts is a batch of starts, traced or not.
func runStarts(c facilityCell, starts int, m *sample) error {
	begin, latency := time.Now(), make([]int64, starts)
	for i := range latency {
		cmd, from := c.command(), time.Now()
		if err := cmd.Start(); err != nil {
			return err
		}
		latency[i] = int64(time.Since(from))
		if cmd.Trace != nil {
			latency[i] = int64(cmd.Trace.Duration)
		}
		if err := cmd.Wait(); err != nil {
			return err
		}
	}
	m.add(starts, time.Since(begin), latency, 0, 0)
	return nil
}

// measureTrace is what it costs that a start is traced, and by how much the
// trace is longer for being made. It is not written anywhere.
func measureTrace(b *bench, s *section) error {
	var starts []tracedStart
	var cells []facilityCell
	for _, names := range tracedStarts {
		t, err := b.tracedStart(names)
		if err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not here: %v.", t.name, err))
			continue
		}
		starts = append(starts, t)
		cells = append(cells, t.cells()...)
	}
	for round := range b.rounds(64) {
		for _, i := range turns(round, len(cells)) {
			if err := cells[i].run(10); err != nil {
				return fmt.Errorf("%s: %w", cells[i].Contender, err)
			}
		}
		for _, t := range starts {
			if err := errors.Join(runStarts(t.untraced, 10, t.start), runStarts(t.traced, 10, t.startTraced)); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
		}
	}
	s.Table.Head = []string{"", "Run", "traced", "more", "of which noise", "Start", "in the trace", "steps of the child", "starts"}
	s.Notes = append(s.Notes, "Run waits for the program's end; Start is over when it has been executed. "+
		"What a trace costs beyond the longer Start comes after that: calls are written as text.")
	for _, t := range starts {
		for _, c := range t.cells() {
			c.finish()
			s.Samples = append(s.Samples, c.sample)
		}
		for _, m := range []*sample{t.start, t.startTraced} {
			m.finish()
			s.Samples = append(s.Samples, m)
		}
		s.Table.add(t.name, duration(t.untraced.P50), duration(t.traced.P50), moreThan(t.untraced.sample, t.traced.sample),
			moreThan(t.untraced.sample, t.control.sample), duration(t.start.P50), "+"+moreThan(t.start, t.startTraced),
			count(float64(t.steps)), count(float64(t.traced.Starts)))
	}
	return nil
}

// tracedStart tries a start, and counts the clock reads.
func (b *bench) tracedStart(names []string) (tracedStart, error) {
	t := tracedStart{name: "nothing"}
	var list []facility
	for _, f := range facilities {
		for _, name := range names {
			if f.name == name {
				t.name, list = name, append(list, f)
			}
		}
	}
	t.untraced, t.traced, t.control = b.facility(t.name, list...), b.facility(t.name, list...), b.facility(t.name, list...)
	t.untraced.Variant, t.traced.Variant, t.control.Variant = "untraced", "traced", "untraced, again"
	t.start, t.startTraced = &sample{Contender: t.name, Variant: "Start", X: 1}, &sample{Contender: t.name, Variant: "Start, traced", X: 1}
	t.traced.filledIn.Trace = new(sprog.Trace)
	c := t.traced.command()
	if err := c.Run(); err != nil {
		return t, err
	}
	for _, step := range c.Trace.Steps {
		if step.By != "parent" {
			t.steps += step.Runs
		}
	}
	return t, nil
}
