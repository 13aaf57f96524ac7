//go:build linux

package main

import (
	"bytes"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// A reader that does not read holds up nothing but the goroutine that writes.
func TestEventsWithoutReader(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	for fd := int(write.Fd()); ; { // which is blocking from now on
		unix.SetNonblock(fd, true)
		if _, err := unix.Write(fd, make([]byte, 4096)); err == unix.EAGAIN {
			unix.SetNonblock(fd, false)
			break
		}
	}
	events := func() *eventWriter {
		w := &eventWriter{file: write, all: make(chan sprog.Event, eventRoom), last: make(chan struct{}), done: make(chan struct{})}
		go w.write()
		for range 3 * eventRoom {
			w.tell(sprog.EventStopped, 1, unix.SIGSTOP)
		}
		return w
	}
	slow := events()
	if err := slow.finish(nil); err == nil {
		t.Error("nobody is told that the events were not read")
	}
	read.Close() // which lets the writer go on, with EPIPE
	<-slow.done
	if err := events().finish(nil); err != nil {
		t.Errorf("a reader that is gone: %v", err)
	}
}

// The events that sprog adds itself leave a place for the last one, which tells how many are missing.
func TestEventsEndBehindMany(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	w := &eventWriter{file: write, all: make(chan sprog.Event, eventRoom), last: make(chan struct{}), done: make(chan struct{})}
	for range 3 * eventRoom {
		w.tell(sprog.EventStopped, 1, unix.SIGSTOP)
	}
	w.all <- sprog.Event{Kind: sprog.EventEnded, PID: 1}
	go w.write()
	go w.finish(nil)
	text, err := io.ReadAll(read)
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if last := lines[len(lines)-1]; err != nil || !bytes.Contains(last, []byte(`"event":"ended"`)) || !bytes.Contains(last, []byte(`"dropped":2500`)) {
		t.Errorf("the last of %d lines is %s (%v); want the end, with 2500 that were dropped", len(lines), last, err)
	}
}
