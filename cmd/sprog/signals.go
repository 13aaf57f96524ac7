//go:build linux

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// catchSignals begins to catch the signals that concern sprog while a program runs. It is
// called before the start, so that none is lost. What they do in the program is what they did in the
// caller: setSignals. Those of job control keep their effect on sprog itself.
func (s *supervisor) catchSignals() (err error) {
	s.children = make(chan os.Signal, 1)
	signal.Notify(s.children, unix.SIGCHLD)
	// The runtime ends a process that writes to a standard stream that nobody reads, unless it
	// wants to know. So a message that nobody reads does not change the exit code.
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	s.watch, err = sigwatch.Start(uint64(handedOn))
	return err
}

// handedOn are the signals that sprog passes on to the program.
const handedOn = signalSet(1<<(unix.SIGHUP-1)|1<<(unix.SIGINT-1)|1<<(unix.SIGQUIT-1)|1<<(unix.SIGTERM-1)|1<<(unix.SIGPIPE-1)|
	1<<(unix.SIGUSR1-1)|1<<(unix.SIGUSR2-1)|1<<(unix.SIGALRM-1)|1<<(unix.SIGWINCH-1)|1<<(unix.SIGCONT-1)|1<<(unix.SIGPWR-1)) |
	^(signalSet(1)<<(sigrtmin-1) - 1)

// isOwn reports whether a signal is that of a pipe that sprog has written to.
func isOwn(sig sigwatch.Signal) bool { return sig.Signal == unix.SIGPIPE && sig.PID == unix.Getpid() }

// hasGot reports whether the program has got a signal that sprog has received, because
// both are in the process group that it was sent to.
func (s *supervisor) hasGot(sig sigwatch.Signal) bool { return sig.ToGroup && s.sharesGroup() }

// sharesGroup reports whether the program is in sprog's process group. Below an init it
// is the first child; where that cannot be known, the program is where it was started.
func (s *supervisor) sharesGroup() bool {
	pid := s.process.Pid
	if s.init != nil {
		proc, err := ownproc.Open()
		if err != nil {
			return true
		}
		defer proc.Close()
		children := proc.Children(pid)
		if len(children) == 0 {
			return true
		}
		pid = children[0]
	}
	group, err := unix.Getpgid(pid)
	return err == nil && group == unix.Getpgrp()
}

// send sends a signal on to the program's first process, which may be gone.
func (s *supervisor) send(sig sigwatch.Signal) {
	s.events.tell(sprog.EventSignalled, s.process.Pid, sig.Signal)
	if s.process.WithHandle(func(pidfd uintptr) { sig.SendOn(int(pidfd)) }) != nil {
		s.process.Signal(sig.Signal)
	}
}

// sendAll sends a signal to the whole process group that the program was
// started to lead, or to its first process if it leads none or the kernel
// cannot say (before Linux 6.9).
func (s *supervisor) sendAll(sig syscall.Signal) {
	s.events.tell(sprog.EventSignalled, s.process.Pid, sig)
	if s.leads {
		var err error
		handleErr := s.process.WithHandle(func(pidfd uintptr) {
			err = unix.PidfdSendSignal(int(pidfd), sig, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
		})
		if handleErr == nil && err == nil {
			return
		}
	}
	s.process.Signal(sig)
}
