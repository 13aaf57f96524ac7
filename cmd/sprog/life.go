//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/term"
)

// The lifeFlags say when the program is ended, and who is told how it has ended.
type lifeFlags struct {
	Timeout     span         `placeholder:"DURATION" brief:"End it and its descendants, such as 90s" help:"End the program, and all that descends from it, after this time, such as 1.5, 90s or 2h, and exit with 124."`
	CPUTime     span         `name:"cpu-time" placeholder:"DURATION" help:"End the program when it and its descendants have used this much CPU time together, and exit with 124. With a cgroup of its own the count is exact."`
	KillSignal  signalName   `placeholder:"SIG" short:"s" values:"signal" help:"The signal that --timeout and --cpu-time send first (default: TERM)."`
	KillAfter   span         `placeholder:"DURATION" short:"k" help:"Send KILL to all descendants that are left this long after that signal, and exit with 137 if the program is one of them (default: 10s)."`
	Result      word         `xor:"result" placeholder:"FILE" help:"At the end, write to FILE, as JSON, how the program ended, by what, and what it used; - is standard output."`
	ResultFD    *number      `name:"result-fd" xor:"result" placeholder:"N" help:"Write it to the caller's descriptor N."`
	Capture     *captureSize `placeholder:"SIZE" help:"Keep what the program writes for --result's record instead of passing it on: SIZE bytes of the beginning and of the end of each stream, such as 64K. Add --tee to pass it on as well."`
	Tee         bool         `help:"Pass on what --capture keeps, too."`
	OutputLimit *captureSize `placeholder:"SIZE" help:"End the program when it has written more than this to its standard output and error together, such as 10M, and exit with 124. What goes beyond is dropped. The program writes into pipes then, not to your terminal."`
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
		Output:  f.Ending.outputLimit(),
		Signal:  syscall.Signal(f.Ending.KillSignal),
		Grace:   time.Duration(cmp.Or(f.Ending.KillAfter, span(10*time.Second))),
		Failed:  func(err error) { fmt.Fprint(os.Stderr, err, newline) },
	}
}

// limited reports whether there is a limit that sprog keeps.
func (f *lifeFlags) limited() bool {
	return f.Timeout != 0 || f.CPUTime != 0 || f.OutputLimit != nil
}

func (f *lifeFlags) outputLimit() int64 {
	if f.OutputLimit == nil {
		return 0
	}
	return int64(*f.OutputLimit)
}

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

// captureOutput has what the program writes kept for the record, or counted, as far as no other
// flag says where it goes.
func (f *startFlags) captureOutput(cmd *sprog.Cmd) error {
	size := f.Ending.Capture
	switch {
	case size == nil && f.Ending.Tee:
		return errors.New("add --capture: --tee passes on what it keeps")
	case size == nil && f.Ending.OutputLimit == nil:
		return nil
	case f.TTY:
		return mistake("drop --tty or {--capture --output-limit}: what is written to a terminal goes straight there")
	}
	kept := func(to *os.File) io.Writer {
		switch {
		case size == nil:
			return throughSprog{to}
		case f.Ending.Tee:
			return &sprog.Capture{Head: int(*size), Tail: int(*size), Tee: to}
		}
		return &sprog.Capture{Head: int(*size), Tail: int(*size)}
	}
	if cmd.Stdout == os.Stdout {
		cmd.Stdout = kept(os.Stdout)
	}
	if cmd.Stderr == os.Stderr && !f.ToStdout {
		cmd.Stderr = kept(os.Stderr)
	}
	return nil
}

// A throughSprog is output that comes through sprog, which counts it.
type throughSprog struct{ io.Writer }

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
