//go:build linux

package main

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// A supervisor stands by a running program: it passes signals on, and follows
// the program's stops.
type supervisor struct {
	cmd     *sprog.Cmd
	process *os.Process
	leads   bool // the program was started as the leader of a process group
	adopts  bool // sprog gets what is orphaned below it, and all of that is the program's
	tty     terminal
	events  *eventWriter // or nil
	relay   *relay       // between sprog's terminal and the program's, or nil
	init    *initReport  // what an init tells, or nil

	watch    *sigwatch.Watch
	held     []sigwatch.Signal // that have come while the program was started
	children chan os.Signal    // SIGCHLD

	owed   bool             // a continue that the program has been given before it came
	paused bool             // the program waits, stopped, for the next continue or the terminal
	home   int              // the program's group with --foreground
	lent   int              // the program's group, if it is to have the terminal again
	later  <-chan time.Time // when to look whether it can
}

// wait waits for the program and returns its outcome.
func (s *supervisor) wait(cmd *sprog.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for _, sig := range s.held {
		s.handle(sig)
	}
	for {
		look := s.reapOrphans() // also those that were there before
		select {
		case err := <-done:
			return programOutcome(cmd, err)
		case <-s.stops():
			s.stopFollowed()
		case <-s.children:
			if s.relay == nil { // or the init tells of stops
				s.stopAlong(s.childStopped)
			}
		case sig := <-s.watch.Signals:
			s.handle(sig)
		case <-s.later:
			s.lend()
		case <-look:
		}
	}
}

// handle deals with one signal that sprog has received.
func (s *supervisor) handle(sig sigwatch.Signal) {
	switch {
	case s.relay != nil && sig.Signal == unix.SIGWINCH:
		s.relay.resize()
	case sig.Signal == unix.SIGCONT && s.continued():
	case isOwn(sig):
	case s.hasGot(sig):
	default:
		s.send(sig)
	}
}

// continued is for a continue, which may have followed any stop. It reports
// whether the program has been given it.
func (s *supervisor) continued() bool {
	if s.relay != nil {
		s.relay.continued()
	}
	if s.tty.group() == unix.Getpgrp() {
		s.claim()
	}
	if s.paused {
		s.continueAlong()
		return s.isApart()
	}
	s.lend()
	owed := s.owed
	s.owed = false
	return owed
}

// stops tells of the stops of a program that has an init.
func (s *supervisor) stops() <-chan struct{} {
	if s.init == nil {
		return nil
	}
	return s.init.stops
}

// isEnding reports whether the program is being ended. Its tree is stopped before it is
// killed: that is no stop to be followed, and a sprog that is stopped would not get on with it.
func (s *supervisor) isEnding() bool { return s.cmd.Cause() != sprog.CauseNone }

// stopFollowed stops sprog because the program under the init has stopped.
func (s *supervisor) stopFollowed() {
	if s.relay != nil {
		if s.isEnding() {
			return
		}
		s.relay.suspend()
		s.owed = true
		return
	}
	s.stopAlong(s.programStopped)
}

// programOutcome turns the program's end into the error that stands for sprog's
// exit code.
func programOutcome(cmd *sprog.Cmd, err error) error {
	if cmd.ProcessState == nil {
		return err
	}
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	killed := status.Signaled() && status.Signal() == unix.SIGKILL
	ended := cmd.Cause() == sprog.CauseOutput || errors.Is(err, sprog.ErrTimeout) || errors.Is(err, sprog.ErrCPUTime)
	if ended && !killed {
		return exitCode(exitTimeout)
	}
	return statusCode(status)
}
