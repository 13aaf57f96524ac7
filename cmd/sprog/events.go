//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/terms"
)

// An eventWriter writes what happens, a line of JSON for each event. A goroutine of its own waits for the
// reader, and nothing else ever does. Nil is nowhere.
type eventWriter struct {
	file  *os.File
	words terms.Words
	all   chan sprog.Event
	last  chan struct{} // closed when no more will come
	done  chan struct{} // closed when all is written
	err   error         // of the writer, before done

	mu      sync.Mutex
	dropped int // of tell's, that no event has told of
}

const (
	eventRoom     = 1000        // events that wait for a reader
	ownEventRoom  = 500         // where sprog's own are dropped: the last place is for the package's last event
	eventPatience = time.Second // that a reader has after the end
)

// openEvents opens what --events names: one of the caller's descriptors, or a file.
func (r *runCmd) openEvents(words terms.Words) (*eventWriter, error) {
	if r.Events == "" {
		return nil, nil
	}
	w := &eventWriter{words: words, all: make(chan sprog.Event, eventRoom), last: make(chan struct{}), done: make(chan struct{})}
	var err error
	if to := string(r.Events); isNumeral(to) {
		var n int
		if n, err = parseNumber(to); err == nil {
			w.file, err = callersOutput("--events", n)
		} else {
			err = fmt.Errorf("--events %s: no descriptor has such a number; a file of that name is ./%[1]s", to)
		}
	} else {
		w.file, err = openOutput("--events", to)
	}
	if err != nil {
		return nil, err
	}
	go w.write()
	return w, nil
}

// of has the events of a command written.
func (w *eventWriter) of(cmd *sprog.Cmd) {
	if w != nil {
		cmd.Events = w.all
	}
}

// isNumeral reports whether a word can only be meant as a number.
func isNumeral(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// tell adds an event that sprog itself has seen, if there is room.
func (w *eventWriter) tell(kind sprog.EventKind, pid int, sig syscall.Signal) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) >= ownEventRoom {
		w.dropped++
		return
	}
	select {
	case w.all <- sprog.Event{Time: time.Now(), Kind: kind, PID: pid, Signal: sig, Dropped: w.dropped}:
		w.dropped = 0
	default:
		w.dropped++
	}
}

// told is an event with the number of sprog's own that were dropped, if no other event will tell of them.
func (w *eventWriter) told(e sprog.Event) sprog.Event {
	if e.Kind == sprog.EventEnded || e.Kind == sprog.EventFailed {
		w.mu.Lock()
		defer w.mu.Unlock()
		e.Dropped += w.dropped
	}
	e.Err = inWords(e.Err, w.words)
	return e
}

// write writes until the end, or until nobody reads any more.
func (w *eventWriter) write() {
	defer close(w.done)
	for {
		select {
		case e := <-w.all:
			w.line(e)
		case <-w.last:
			for len(w.all) > 0 {
				w.line(<-w.all)
			}
			return
		}
	}
}

// line writes one event with one call. A reader that has gone is no reason to complain.
func (w *eventWriter) line(e sprog.Event) {
	if w.err != nil {
		return
	}
	text, err := json.Marshal(w.told(e))
	if err == nil {
		_, err = w.file.Write(append(text, '\n'))
	}
	w.err = err
}

// finish writes what is left, for as long as the reader may take for that. It returns what stands for the
// exit code: err, unless that is success.
func (w *eventWriter) finish(err error) error {
	if w == nil {
		return err
	}
	close(w.last)
	select {
	case <-w.done:
	case <-time.After(eventPatience):
		return unwritten("--events", errors.New("the reader is too slow for what happens at the end"), err)
	}
	if errors.Is(w.err, unix.EPIPE) {
		w.err = nil
	}
	return unwritten("--events", errors.Join(w.err, finished(w.file)), err)
}
