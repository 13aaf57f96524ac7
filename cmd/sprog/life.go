//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/term"
)

// The lifeFlags say when the program is ended, and who is told how it has ended.
type lifeFlags struct {
	Timeout    span         `placeholder:"DURATION" brief:"End it and its descendants, such as 90s" help:"End the program, and all that descends from it, after this time, such as 1.5, 90s or 2h, and exit with 124."`
	CPUTime    span         `name:"cpu-time" placeholder:"DURATION" help:"End the program when it and its descendants have used this much CPU time together, and exit with 124. With a cgroup of its own the count is exact."`
	KillSignal signalName   `placeholder:"SIG" short:"s" help:"The signal that --timeout and --cpu-time send first (default: TERM)."`
	KillAfter  span         `placeholder:"DURATION" short:"k" help:"Send KILL to all descendants that are left this long after that signal, and exit with 137 if the program is one of them (default: 10s)."`
	Result     word         `xor:"result" placeholder:"FILE" help:"At the end, write to FILE, as JSON, how the program ended, by what, and what it used; - is standard output."`
	ResultFD   *number      `name:"result-fd" xor:"result" placeholder:"N" help:"Write it to the caller's descriptor N."`
	Capture    *captureSize `placeholder:"SIZE" help:"Put what the program writes into --result's record: SIZE bytes of the beginning and of the end of each stream, such as 64K."`
}

// ending is what they say of the end.
func (f *startFlags) ending() *sprog.Ending {
	if !f.Ending.limited() {
		return nil
	}
	newline := "\n"
	if f.TTY && term.IsTerminal(int(os.Stderr.Fd())) {
		newline = "\r\n" // it is raw
	}
	return &sprog.Ending{
		Timeout: time.Duration(f.Ending.Timeout),
		CPUTime: time.Duration(f.Ending.CPUTime),
		Signal:  syscall.Signal(f.Ending.KillSignal),
		Grace:   time.Duration(cmp.Or(f.Ending.KillAfter, span(10*time.Second))),
		Failed:  func(err error) { fmt.Fprint(os.Stderr, err, newline) },
	}
}

// limited reports whether there is a limit on time.
func (f *lifeFlags) limited() bool { return f.Timeout != 0 || f.CPUTime != 0 }

// tellLeft tells of a process that outlives the init which was to kill it, unless
// the end of the program has told that.
func tellLeft(cmd *sprog.Cmd) {
	if cmd.Attr.Init == nil || cmd.Cause() != sprog.CauseProgram {
		return
	}
	if r := cmd.Result(); r != nil && r.Left != 0 {
		fmt.Fprintf(os.Stderr, "sprog: process %d is left: the init could not kill it\n", r.Left)
	}
}

// captureOutput has what the program writes kept for the record, as far as no other
// flag says where it goes.
func (f *startFlags) captureOutput(cmd *sprog.Cmd) error {
	size := f.Ending.Capture
	if size == nil {
		return nil
	}
	if f.TTY {
		return errors.New("--tty and --capture cannot be used together: what is written to the terminal is shown")
	}
	kept := func() *sprog.Capture { return &sprog.Capture{Head: int(*size), Tail: int(*size)} }
	if cmd.Stdout == os.Stdout {
		cmd.Stdout = kept()
	}
	if cmd.Stderr == os.Stderr && !f.ToStdout {
		cmd.Stderr = kept()
	}
	return nil
}

// A captureSize is how much of the beginning and of the end of a stream is kept.
type captureSize int

func (c *captureSize) Set(s string) error {
	n, err := parseLimit(s)
	if err != nil || n == 0 || n > 1<<30 {
		err = fmt.Errorf("%q is not a size from 1 to 1G", s)
	}
	*c = captureSize(n)
	return err
}
