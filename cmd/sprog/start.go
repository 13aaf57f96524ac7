//go:build linux

package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/inherited"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// newCommand is a command whose start, and nothing else, the context may end.
func newCommand(ctx context.Context) *sprog.Cmd {
	if ctx.Done() == nil {
		return new(sprog.Cmd)
	}
	return sprog.CommandContext(ctx, "/dev/null") // a path, which is looked for nowhere
}

// startPatience is how long a start may take that a signal was to end. What comes while a
// start is under way is the program's, as soon as it runs; one that hangs has none.
const startPatience = 200 * time.Millisecond

// awaitStart has the command started, and ends that on a signal that would end the program.
func (s *supervisor) awaitStart(start func() error, end func()) error {
	started := make(chan error, 1)
	go func() { started <- start() }()
	var by syscall.Signal
	var over <-chan time.Time
	for {
		select {
		case err := <-started:
			return s.startOutcome(err, by)
		case sig := <-s.watch.Signals:
			s.held = append(s.held, sig)
			if by == 0 && endsStart(sig) {
				by, over = sig.Signal, time.After(startPatience)
			}
		case <-over:
			end()
		}
	}
}

// startOutcome is the error of a start, or the exit code of one that a signal has ended, which
// the child may have got as well.
func (s *supervisor) startOutcome(err error, by syscall.Signal) error {
	var start *sprog.StartError
	if !errors.As(err, &start) {
		return err
	}
	if start.Signal != 0 && by == 0 {
		select {
		case sig := <-s.watch.Signals:
			by = sig.Signal
		case <-time.After(startPatience):
		}
	}
	if by != 0 && (errors.Is(err, context.Canceled) || start.Signal == by) {
		return exitCode(exitSignal + int(by))
	}
	return err
}

// endsStart reports whether a signal ends a process that does nothing about it.
func endsStart(sig sigwatch.Signal) bool {
	ignored, _ := inherited.Signals()
	switch sig.Signal {
	case unix.SIGWINCH, unix.SIGCONT, unix.SIGPIPE:
		return false
	}
	return ignored>>(sig.Signal-1)&1 == 0
}
