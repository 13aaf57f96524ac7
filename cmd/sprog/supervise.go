//go:build linux

package main

import (
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
)

// A supervisor stands by a running program: it passes signals on, keeps the
// time limit, and follows the program's stops.
type supervisor struct {
	process *os.Process
	leads   bool // the program was started as the leader of a process group
	tty     terminal
	relay   *relay      // between sprog's terminal and the program's, or nil
	init    *initReport // what an init tells, or nil
	signals <-chan os.Signal

	timeout    time.Duration // 0 is none
	killSignal syscall.Signal
	killAfter  time.Duration

	timedOut  bool
	suspended bool // sprog has stopped because the program did
	lent      int  // the program's group, if it had the terminal before the stop
}

// wait waits for the program and returns its outcome.
func (s *supervisor) wait(cmd *sprog.Cmd) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var deadline, grace <-chan time.Time
	if s.timeout > 0 {
		deadline = time.After(s.timeout)
	}
	for {
		select {
		case err := <-done:
			return s.outcome(cmd.ProcessState, err)
		case <-s.stops():
			s.stopFollowed()
		case sig := <-s.signals:
			s.handle(sig.(syscall.Signal))
		case <-deadline:
			s.timedOut = true
			s.sendAll(s.killSignal)
			s.sendAll(unix.SIGCONT) // a stopped program could not act on it
			grace = time.After(s.killAfter)
		case <-grace:
			s.sendAll(unix.SIGKILL)
		}
	}
}

// handle deals with one signal that sprog has received.
func (s *supervisor) handle(sig syscall.Signal) {
	switch {
	case s.relay != nil && sig == unix.SIGWINCH:
		s.relay.resize()
	case s.relay != nil && (sig == unix.SIGCHLD || sig == unix.SIGCONT): // the relay sees to stops
	case sig == unix.SIGCHLD:
		s.stopAlong()
	case sig == unix.SIGPIPE:
	case sig == unix.SIGCONT && s.suspended:
		s.continueAlong()
	case fromTerminal(sig) && s.hasSignalled():
	default:
		s.send(sig)
	}
}

// stops tells of the stops of a program that has an init.
func (s *supervisor) stops() <-chan struct{} {
	if s.init == nil {
		return nil
	}
	return s.init.stops
}

// stopFollowed stops sprog because the program under the init has stopped.
func (s *supervisor) stopFollowed() {
	if s.relay != nil {
		s.relay.suspend()
		return
	}
	s.stopAlong()
}

// outcome turns the program's end into the error that stands for sprog's exit
// code.
func (s *supervisor) outcome(state *os.ProcessState, err error) error {
	if state == nil {
		return err
	}
	status := state.Sys().(syscall.WaitStatus)
	killed := status.Signaled() && status.Signal() == unix.SIGKILL
	if s.timedOut && !killed {
		return exitCode(exitTimeout)
	}
	return statusCode(status)
}
