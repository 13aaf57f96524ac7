// Package waterfall draws steps along a time axis: as text, as a picture, as a
// page, and as events for trace viewers. It knows nothing of what the steps are.
package waterfall

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A Chart is what is drawn.
type Chart struct {
	Title    string
	Begin    time.Time
	Duration time.Duration // of everything
	Rows     []Row
}

// A Row is one step.
type Row struct {
	Lane  string // who does it
	Name  string // what it is, in a word
	Text  string // and in full
	Field string // who asked for it
	// Start is counted from the beginning of the chart.
	Start, Duration time.Duration
	Runs            int
	Joined          bool   // it has no time of its own, but shares the row's before it
	Waits           bool   // for rows of other lanes, whose time it is
	Error           string // why it did not succeed
}

// text is the step in full, in one line.
func (r *Row) text() string {
	text := r.Text
	if r.Runs > 1 {
		text = fmt.Sprintf("%d× %s", r.Runs, text)
	}
	return text
}

// took is how long the step took, for people.
func (r *Row) took() string {
	if r.Joined {
		return "↑"
	}
	return Micro(r.Duration)
}

// Micro is a duration in microseconds, in milliseconds from ten of them on.
func Micro(d time.Duration) string {
	if d >= 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.1f µs", float64(d)/1e3)
}

// Summary says how long everything took, and the steps that most of it went to.
func (c *Chart) Summary() string {
	s := c.Title + " took " + Micro(c.Duration)
	for _, r := range c.Rows {
		if r.Error != "" {
			s += ", and ended at " + r.Name + ": " + r.Error
		}
	}
	if most := c.longest(3); len(most) > 0 && c.Duration > 0 {
		var parts []string
		for _, r := range most {
			parts = append(parts, fmt.Sprintf("%s %s (%.0f %%)", r.Name, Micro(r.Duration), 100*float64(r.Duration)/float64(c.Duration)))
		}
		s += "; most of it: " + strings.Join(parts, ", ")
	}
	return s
}

// longest are the n rows that took most of the time, the first one first.
func (c *Chart) longest(n int) []Row {
	rows := slices.DeleteFunc(slices.Clone(c.Rows), func(r Row) bool { return r.Waits || r.Duration <= 0 })
	slices.SortStableFunc(rows, func(a, b Row) int { return cmp.Compare(b.Duration, a.Duration) })
	return rows[:min(n, len(rows))]
}

// lanes are the names of the lanes in the order of their first rows.
func (c *Chart) lanes() (list []string) {
	for _, r := range c.Rows {
		if !slices.Contains(list, r.Lane) {
			list = append(list, r.Lane)
		}
	}
	return list
}

// A writer keeps the first error.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.w, format, args...)
	}
}
