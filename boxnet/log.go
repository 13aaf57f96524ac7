package boxnet

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// JSON returns a function for Policy.Log that writes each event as a line of JSON.
func JSON(w io.Writer) func(Event) error {
	lines := json.NewEncoder(w)
	return func(e Event) error { return lines.Encode(e) }
}

// A journal tells the log and counts. Equal denials are told once, and at the end how many
// there were.
type journal struct {
	log func(Event) error

	mu     sync.Mutex
	broken error
	denied map[Event]int64 // without times

	connections, failed, refused, in, out atomic.Int64
}

// mostDenials is how many different denials are told of. A program can make up as many as it likes.
const mostDenials = 1024

var errUnlogged = errors.New("the log cannot be written")

// tell notes an event. An error means that the log is broken, now or before.
func (j *journal) tell(e Event) error {
	switch e.Verdict {
	case "deny":
		j.refused.Add(1)
	case "fail":
		j.failed.Add(1)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.Verdict == "deny" && !j.isNew(e) {
		return j.broken
	}
	return j.write(e)
}

func (j *journal) isNew(e Event) bool {
	e.MS = 0
	n, has := j.denied[e]
	if !has && len(j.denied) >= mostDenials {
		j.once(Event{Op: "limit", Verdict: "deny", Reason: "more different denials than are told of"})
		return false
	}
	if j.denied == nil {
		j.denied = map[Event]int64{}
	}
	j.denied[e] = n + 1
	return !has
}

// once tells of a limit that is met for the first time.
func (j *journal) once(e Event) {
	if j.denied[e] == 0 {
		if j.denied == nil {
			j.denied = map[Event]int64{}
		}
		j.denied[e] = 1
		j.write(e)
	}
}

// limit tells of a limit, once.
func (j *journal) limit(reason string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.once(Event{Op: "limit", Verdict: "deny", Reason: reason})
}

func (j *journal) write(e Event) error {
	if j.log == nil || j.broken != nil {
		return j.broken
	}
	e.Time = time.Now()
	if err := j.log(e); err != nil {
		j.broken = errors.Join(errUnlogged, err)
	}
	return j.broken
}

// works returns an error if the log is broken.
func (j *journal) works() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.broken
}

// end tells how often denials were repeated.
func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	repeated := slices.SortedFunc(maps.Keys(j.denied), func(a, b Event) int { // the most frequent first
		return cmp.Or(cmp.Compare(j.denied[b], j.denied[a]), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Port, b.Port))
	})
	for _, e := range repeated {
		if n := j.denied[e]; n > 1 {
			e.Times = n
			j.write(e)
		}
	}
	j.denied = nil
}
