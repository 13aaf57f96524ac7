package waterfall

import (
	"encoding/json"
	"io"
	"time"
)

// An event of the Trace Event Format. Times are in microseconds.
type event struct {
	Name  string         `json:"name"`
	Cat   string         `json:"cat,omitempty"`
	Phase string         `json:"ph"`
	TS    float64        `json:"ts"`
	Dur   *float64       `json:"dur,omitempty"`
	Pid   int            `json:"pid"`
	Tid   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

// The phases of events that are used.
const (
	complete = "X"
	metadata = "M"
)

// JSON writes an object of the Trace Event Format: a thread for each lane, and
// a complete event for each step.
func (c *Chart) JSON(w io.Writer) error {
	const pid = 1
	lanes := c.lanes()
	tid := map[string]int{}
	events := []event{{Name: "process_name", Phase: metadata, Pid: pid, Args: map[string]any{"name": "sprog: " + c.Title}}}
	for i, lane := range lanes {
		tid[lane] = i + 1
		events = append(events,
			event{Name: "thread_name", Phase: metadata, Pid: pid, Tid: i + 1, Args: map[string]any{"name": lane}},
			event{Name: "thread_sort_index", Phase: metadata, Pid: pid, Tid: i + 1, Args: map[string]any{"sort_index": i}})
	}
	for i, r := range c.Rows {
		events = append(events, r.event(i+1, pid, tid[r.Lane]))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(map[string]any{
		"displayTimeUnit": "ns",
		"otherData":       map[string]any{"title": c.Title, "begin": c.Begin.Format(time.RFC3339Nano), "duration_us": micros(c.Duration)},
		"traceEvents":     events,
	})
}

func (r *Row) event(number, pid, tid int) event {
	took := micros(r.Duration)
	e := event{Name: r.Name, Cat: r.Lane, Phase: complete, TS: micros(r.Start), Dur: &took, Pid: pid, Tid: tid,
		Args: map[string]any{"step": number, "call": r.Text}}
	if r.Field != "" {
		e.Args["field"] = r.Field
	}
	if r.Runs > 1 {
		e.Args["runs"] = r.Runs
	}
	if r.Joined {
		e.Args["joined"] = true
	}
	if r.Error != "" {
		e.Args["error"] = r.Error
	}
	return e
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
