package sprog

import (
	"encoding/json"
	"sync"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/listing"
)

// An EventKind is what has happened.
type EventKind int

const (
	// EventBorn: there is a process, PID, which has not executed the program yet, as far as anybody can
	// know: the kernel may tell of it when it has. A start may make several, as one does that is tried
	// anew, and the last is not always the one that executes.
	EventBorn EventKind = iota + 1
	// EventExecuted: the program runs. PID is that of Cmd.Process.
	EventExecuted
	// EventFailed: the start did not succeed. Err says why.
	EventFailed
	// EventStopped and EventContinued: the process has been stopped by Signal, and goes on, of which
	// nobody may learn if it ends at once. Of a
	// program below an [Init], Birth.Stops tells that.
	EventStopped
	EventContinued
	// EventLimit: a limit of Cmd.Ending is reached. Cause says which.
	EventLimit
	// EventSignalled: this package has sent Signal.
	EventSignalled
	// EventEnded: the process has ended, by Cause as far as that is known at once, with ExitCode or
	// by Signal. It is the last one. [Cmd.Result] knows more.
	EventEnded
)

var eventNames = [...]string{"", "born", "executed", "failed", "stopped", "continued", "limit", "signalled", "ended"}

func (k EventKind) String() string { return eventNames[k] }

// MarshalText makes the kind a word in JSON.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Event is one thing that has happened to a command. Fields that its kind does not name
// are zero. As JSON it is what docs/events.schema.json describes.
type Event struct {
	Time     time.Time
	Kind     EventKind
	PID      int
	Signal   syscall.Signal
	Cause    Cause
	ExitCode int
	Err      error

	// Dropped is how many events before this one found no room in the channel.
	Dropped int
}

// eventsVersion is the version of the schema. It changes when a member changes its meaning or
// goes away; new ones may come at any time.
const eventsVersion = 1

// MarshalJSON writes the event as one line, with signals by their names.
func (e Event) MarshalJSON() ([]byte, error) {
	j := struct {
		Version  int        `json:"version"`
		Time     time.Time  `json:"time"`
		Kind     EventKind  `json:"event"`
		PID      int        `json:"pid,omitempty"`
		Signal   string     `json:"signal,omitempty"`
		Cause    string     `json:"cause,omitempty"`
		ExitCode *int       `json:"exit_code,omitempty"`
		Error    *errorJSON `json:"error,omitempty"`
		Dropped  int        `json:"dropped,omitempty"`
	}{Version: eventsVersion, Time: e.Time, Kind: e.Kind, PID: e.PID, Error: errorOf(e.Err), Dropped: e.Dropped}
	if e.Signal != 0 {
		j.Signal = listing.SignalName(int(e.Signal))
	}
	if e.Cause != CauseNone {
		j.Cause = e.Cause.String()
	}
	if e.Kind == EventEnded && e.Signal == 0 {
		j.ExitCode = &e.ExitCode
	}
	text, err := json.Marshal(j)
	return escapeControls(text), err
}

// A teller sends events, and counts those that are dropped.
type teller struct {
	mu      sync.Mutex
	dropped int
	over    bool
	stops   chan struct{} // closed when nobody looks for stops any more
}

// tell sends an event, if somebody wants it and there is room.
func (c *Cmd) tell(e Event) {
	if c.Events == nil {
		return
	}
	t := c.teller
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	e.Time, e.Dropped, t.over = time.Now(), t.dropped, e.Kind == EventEnded || e.Kind == EventFailed
	if most := cap(c.Events) - 1; !t.over && most > 0 && len(c.Events) >= most {
		t.dropped++ // the last place is for the last event
		return
	}
	select {
	case c.Events <- e:
		t.dropped = 0
	default:
		t.dropped++
	}
}

// tellStart begins to tell, if somebody wants to know.
func (c *Cmd) tellStart() {
	if c.Events != nil {
		c.teller = &teller{stops: make(chan struct{})}
	}
}

// tellBorn is what tells of processes that are born, or nil.
func (c *Cmd) tellBorn() func(pid int) {
	if c.Events == nil {
		return nil
	}
	return func(pid int) { c.tell(Event{Kind: EventBorn, PID: pid}) }
}

// tellExecuted tells that the program runs, and looks for its stops from now on.
func (c *Cmd) tellExecuted() {
	if c.Events == nil {
		return
	}
	c.tell(Event{Kind: EventExecuted, PID: c.Process.Pid})
	go func() {
		defer close(c.teller.stops)
		followStops(c.Process, func(kind EventKind, by syscall.Signal) {
			c.tell(Event{Kind: kind, PID: c.Process.Pid, Signal: by})
		})
	}()
}

// tellEnd tells the end, after which there is nothing to tell.
func (c *Cmd) tellEnd() {
	if c.Events == nil || c.ProcessState == nil {
		return
	}
	<-c.teller.stops // it sees the end itself
	e := Event{Kind: EventEnded, PID: c.Process.Pid, Cause: c.Cause(), ExitCode: c.ProcessState.ExitCode()}
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	c.tell(e)
}

// tellSignal tells of a signal that was sent.
func (c *Cmd) tellSignal(sig syscall.Signal) {
	c.tell(Event{Kind: EventSignalled, PID: c.Process.Pid, Signal: sig})
}
