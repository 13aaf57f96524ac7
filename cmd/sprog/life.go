//go:build linux

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/sprog-dev/sprog"
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
