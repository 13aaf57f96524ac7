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
	own := c.own()
	if most := longest(own, 3); len(most) > 0 && c.Duration > 0 {
		var parts []string
		for _, i := range most {
			parts = append(parts, fmt.Sprintf("%s %s (%.0f%%)", c.Rows[i].Name, Micro(own[i]), c.share(own[i])))
		}
		s += "; most of it: " + strings.Join(parts, ", ")
		if c.overlaps(own) {
			s += ". While several steps run, the time is counted for the one that began last"
		}
	}
	return s
}

// share is a part of the whole, in per cent.
func (c *Chart) share(d time.Duration) float64 { return 100 * float64(d) / float64(c.Duration) }

// own is how much of the time each row has for itself. The parent waits in a clone while the child
// runs: each moment is counted once, for the row that began last, and all shares add up to no
// more than the whole.
func (c *Chart) own() []time.Duration {
	order := make([]int, 0, len(c.Rows))
	for i := range c.Rows {
		if r := &c.Rows[i]; !r.Waits && r.Duration > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.Rows[a].Start, c.Rows[b].Start) })
	own := make([]time.Duration, len(c.Rows))
	type span struct{ start, end time.Duration }
	var later []span // of what began later, the earliest last
	for _, i := range slices.Backward(order) {
		now := span{c.Rows[i].Start, min(c.Rows[i].Start+c.Rows[i].Duration, c.Duration)}
		own[i] = max(now.end-now.start, 0)
		for n := len(later); n > 0 && later[n-1].start < now.end; n = len(later) {
			own[i] -= min(later[n-1].end, now.end) - later[n-1].start
			now.end = max(now.end, later[n-1].end)
			later = later[:n-1]
		}
		later = append(later, now)
	}
	return own
}

// overlaps reports whether some of the rows' time is counted for others.
func (c *Chart) overlaps(own []time.Duration) bool {
	for i := range c.Rows {
		if r := &c.Rows[i]; !r.Waits && r.Duration-own[i] > c.Duration/100 {
			return true
		}
	}
	return false
}

// longest are the n rows that have most of the time, the first one first.
func longest(own []time.Duration, n int) (rows []int) {
	for i, d := range own {
		if d > 0 {
			rows = append(rows, i)
		}
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(own[b], own[a]) })
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
