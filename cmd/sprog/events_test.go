//go:build linux

package main

import (
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
