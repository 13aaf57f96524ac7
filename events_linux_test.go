//go:build amd64 || arm64

package sprog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventsOf are the events of a command that has come to its end, in short.
func eventsOf(events chan Event) (list []string) {
	for {
		select {
		case e := <-events:
			text := e.Kind.String()
			if e.Signal != 0 {
				text += " " + e.Signal.String()
			}
			if e.Cause != CauseNone {
				text += " by " + e.Cause.String()
			}
			if e.Kind == EventEnded && e.Signal == 0 {
				text += fmt.Sprint(" ", e.ExitCode)
			}
			if e.Dropped > 0 {
				text += fmt.Sprint(", dropped ", e.Dropped)
			}
			list = append(list, text)
		default:
			return list
		}
	}
}

func wantTold(t *testing.T, events chan Event, want ...string) {
	t.Helper()
	if got := eventsOf(events); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("told are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// A channel that is full has a place for the end, which tells what is missing.
func TestEventsEndInFullChannel(t *testing.T) {
	events := make(chan Event, 2)
	c := shell("exit 3", nil)
	c.Events = events
	c.Run()
	wantTold(t, events, "born", "ended by program 3, dropped 1")
}

func TestEvents(t *testing.T) {
	events := make(chan Event, 100)
	c := shell("exit 3", nil)
	c.Events = events
	c.Run()
	wantTold(t, events, "born", "executed", "ended by program 3")
	c = &Cmd{Path: "/bin/true", Dir: "/no/such", Events: events}
	err := c.Run()
	for e := range events {
		if e.Kind == EventFailed {
			if e.Err != err {
				t.Errorf("the event has the error %v; want %v", e.Err, err)
			}
			break
		}
	}
	wantTold(t, events)
	c = Command("sleep", "1000")
	c.Attr, c.Events, c.Ending = &Attr{Init: &Init{}}, events, &Ending{Timeout: 200 * time.Millisecond, Signal: syscall.SIGINT, Grace: time.Minute}
	c.Run()
	wantTold(t, events, "born", "executed", "limit by timeout", "signalled interrupt", "ended interrupt by timeout")
	ctx, cancel := context.WithCancel(context.Background())
	c = CommandContext(ctx, "sleep", "1000")
	c.Events = events
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	c.Wait()
	wantTold(t, events, "born", "executed", "signalled killed", "ended killed by canceled")
}

// Stops are told as they happen, and others who look for them still find them.
func TestEventsOfStops(t *testing.T) {
	events := make(chan Event, 100)
	c := Command("sleep", "1000")
	// A group that its parent is not in: nobody stops one whose parents are all elsewhere (setpgid(2)).
	c.Events, c.SysProcAttr = events, &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	next := func(kind EventKind) Event {
		for {
			select {
			case e := <-events:
				if e.Kind == kind {
					return e
				}
			case <-time.After(10 * time.Second):
				c.Process.Kill()
				t.Fatalf("nobody tells of event %v", kind)
			}
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGTSTP} {
		c.Process.Signal(sig)
		if e := next(EventStopped); e.Signal != sig || e.PID != c.Process.Pid {
			t.Errorf("%+v; want a stop by %v", e, sig)
		}
		var status syscall.WaitStatus
		if pid, err := syscall.Wait4(c.Process.Pid, &status, syscall.WUNTRACED|syscall.WNOHANG, nil); pid != c.Process.Pid || err != nil || !status.Stopped() {
			t.Errorf("wait4 sees %d, %v, %#x; want the stop", pid, err, status)
		}
		c.Process.Signal(syscall.SIGCONT)
		next(EventContinued)
	}
	c.Process.Kill()
	c.Wait()
	wantTold(t, events, "ended killed by program")
}

// Nobody waits for a reader that is slow or gone. What was dropped is counted.
func TestEventsAreDropped(t *testing.T) {
	none := make(chan Event)
	c := Command("true")
	c.Events = none
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	one := make(chan Event, 1)
	c = Command("sleep", "1000")
	c.Events = one
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if e := <-one; e.Kind != EventBorn || e.Dropped != 0 { // there was no room for the next
		t.Errorf("%+v", e)
	}
	c.KillTree()
	c.Wait()
	if got := eventsOf(one); len(got) != 1 || !strings.HasSuffix(got[0], ", dropped 1") {
		t.Errorf("told are %q; want one event that tells of another", got)
	}
}

func TestEventJSON(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, test := range []struct {
		event Event
		want  string
	}{
		{Event{Time: at, Kind: EventBorn, PID: 42}, `{"version":1,"time":"2026-01-02T03:04:05.000006Z","event":"born","pid":42}`},
		{Event{Time: at, Kind: EventStopped, PID: 42, Signal: syscall.SIGTSTP}, `{"version":1,"time":"2026-01-02T03:04:05.000006Z","event":"stopped","pid":42,"signal":"SIGTSTP"}`},
		{Event{Time: at, Kind: EventLimit, Cause: CauseTimeout, Dropped: 2}, `{"version":1,"time":"2026-01-02T03:04:05.000006Z","event":"limit","cause":"timeout","dropped":2}`},
		{Event{Time: at, Kind: EventEnded, PID: 42, Cause: CauseProgram}, `{"version":1,"time":"2026-01-02T03:04:05.000006Z","event":"ended","pid":42,"cause":"program","exit_code":0}`},
		{Event{Time: at, Kind: EventFailed, Err: errors.New("no\n\u009b")}, `{"version":1,"time":"2026-01-02T03:04:05.000006Z","event":"failed","error":{"message":"no\n\u009b"}}`},
	} {
		got, err := test.event.MarshalJSON()
		if string(got) != test.want || err != nil {
			t.Errorf("%s, %v\nwant %s", got, err, test.want)
		}
		fitsSchema(t, got)
	}
}

// A schema is as much of a JSON schema as docs/events.schema.json uses.
type schema struct {
	Type       string            `json:"type"`
	Const      any               `json:"const"`
	Enum       []any             `json:"enum"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
}

// fitsSchema compares a line with the schema, which has to describe every member.
func fitsSchema(t *testing.T, line []byte) {
	t.Helper()
	text, err := os.ReadFile("docs/events.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	var value any
	if err := errors.Join(json.Unmarshal(text, &s), json.Unmarshal(line, &value)); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range s.faults("the line", value) {
		t.Errorf("%s: %s", line, wrong)
	}
}

func (s schema) faults(name string, value any) (list []string) {
	types := map[string]bool{}
	switch v := value.(type) {
	case string:
		types["string"] = true
	case float64:
		types["number"], types["integer"] = true, v == float64(int64(v))
	case map[string]any:
		types["object"] = true
		for member, of := range v {
			below, described := s.Properties[member]
			if !described {
				list = append(list, name+" has a member that is not described: "+member)
			}
			list = append(list, below.faults(member, of)...)
		}
		for _, member := range s.Required {
			if _, has := v[member]; !has {
				list = append(list, name+" lacks "+member)
			}
		}
	}
	if s.Type != "" && !types[s.Type] || s.Const != nil && s.Const != value || s.Enum != nil && !slices.Contains(s.Enum, value) {
		list = append(list, fmt.Sprintf("%s is %v", name, value))
	}
	return list
}

// The schema names every kind and every cause.
func TestEventsSchema(t *testing.T) {
	for kind := EventBorn; int(kind) < len(eventNames); kind++ {
		line, _ := Event{Kind: kind, Cause: CauseProgram, Err: &StartError{Path: "/x", Step: "chdir", Object: "/y", Field: "Dir", Syscall: "chdir", Err: syscall.ENOENT, Hint: "h"}}.MarshalJSON()
		fitsSchema(t, line)
	}
	for cause := CauseProgram; int(cause) < len(causeNames); cause++ {
		line, _ := Event{Kind: EventEnded, Cause: cause}.MarshalJSON()
		fitsSchema(t, line)
	}
	if wrong := (schema{Type: "object", Required: []string{"a"}}).faults("x", map[string]any{"b": 1.0}); len(wrong) != 2 {
		t.Errorf("the test sees no faults: %q", wrong)
	}
}
