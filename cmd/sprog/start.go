//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/inherited"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// newCommand is a command whose start, and nothing else, the context may end.
func newCommand(ctx context.Context) *sprog.Cmd {
	if ctx == context.Background() {
		return new(sprog.Cmd)
	}
	return sprog.CommandContext(ctx, "/dev/null") // a path, which is looked for nowhere
}

// startPatience is how long a start may take that a signal was to end. What comes while a
// start is under way is the program's, as soon as it runs; one that hangs has none.
const startPatience = 200 * time.Millisecond

// startVain is how long a start may go on that was to end. The thread that makes a child by vfork waits
// for a child that cannot die, in a frozen cgroup of v1 for one.
const startVain = 2 * time.Second

// errAbandoned is the error of a start that goes on.
var errAbandoned = errors.New("the start does not end")

// awaitStart has the command started, and ends that on a signal that would end the program. The library keeps the
// limit on time, if it can.
func (s *supervisor) awaitStart(start func() error, end func(), limit time.Duration) error {
	started := make(chan error, 1)
	go func() { started <- start() }()
	var over, vain, late <-chan time.Time
	if limit > 0 {
		late = time.After(limit + startVain)
	}
	by := s.heldEnd()
	if by != 0 {
		over = time.After(startPatience)
	}
	for {
		select {
		case err := <-started:
			return s.startOutcome(err, by)
		case sig := <-s.watch.Signals:
			if s.hold(sig) && by == 0 {
				by, over = sig.Signal, time.After(startPatience)
			}
		case <-over:
			vain = time.After(startVain)
			end()
		case <-vain:
			return fmt.Errorf("%w: %w", errAbandoned, exitCode(exitSignal+int(by)))
		case <-late:
			return codedError{exitTimeout, fmt.Errorf("%w: timeout after %v", errAbandoned, limit)}
		}
	}
}

// hold keeps a signal for the program, and reports whether it ends a start that hangs.
func (s *supervisor) hold(sig sigwatch.Signal) bool {
	s.held = append(s.held, sig)
	return endsStart(sig)
}

// heldEnd is the first of the held signals that ends a start that hangs, or 0. It may have come before
// the start began.
func (s *supervisor) heldEnd() syscall.Signal {
	for _, sig := range s.held {
		if endsStart(sig) {
			return sig.Signal
		}
	}
	return 0
}

// look has files looked at that a container may have prepared: its file system can be one
// whose server never answers, and no call that waits for it can be taken back. So such a
// look is given up on a signal that would end the program, and when the time is over, if
// there is a limit. What it would have brought is of no use then.
func look[T any](s *supervisor, limit time.Duration, at func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	seen := make(chan answer, 1)
	go func() {
		value, err := at()
		seen <- answer{value, err}
	}()
	var none T
	var over, late <-chan time.Time
	if limit > 0 {
		late = time.After(limit)
	}
	for by := syscall.Signal(0); ; {
		select {
		case a := <-seen:
			return a.value, a.err
		case sig := <-s.watch.Signals:
			if s.hold(sig) && by == 0 {
				by, over = sig.Signal, time.After(startPatience)
			}
		case <-over:
			return none, exitCode(exitSignal + int(by))
		case <-late:
			return none, codedError{exitTimeout, fmt.Errorf("looking at the program's files: timeout after %v", limit)}
		}
	}
}

// lookPatience is how long sprog looks for the reason of a failure.
const lookPatience = time.Second

// finds reports what ask does, or true if that cannot be known.
func (s *supervisor) finds(ask func() bool) bool {
	found, err := look(s, lookPatience, func() (bool, error) { return ask(), nil })
	return found || err != nil
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
