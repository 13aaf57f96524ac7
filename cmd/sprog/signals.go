//go:build linux

package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The real-time signals that the C library leaves to programs.
const (
	sigrtmin = syscall.Signal(34)
	sigrtmax = syscall.Signal(64)
)

// A signalName is a signal by its name, with or without SIG, or its number.
type signalName syscall.Signal

func (n *signalName) Set(s string) error {
	return decodeTo(s, (*syscall.Signal)(n), parseSignal)
}

func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil && 0 < n && n <= int(sigrtmax) {
		return syscall.Signal(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig, nil
	}
	for prefix, base := range map[string]syscall.Signal{"RTMIN": sigrtmin, "RTMAX": sigrtmax} {
		offset, ok := strings.CutPrefix(name, prefix)
		n, err := strconv.Atoi("0" + strings.TrimLeft(offset, "+-"))
		if strings.HasPrefix(offset, "-") {
			n = -n
		}
		if sig := base + syscall.Signal(n); ok && err == nil && sigrtmin <= sig && sig <= sigrtmax {
			return sig, nil
		}
	}
	return 0, fmt.Errorf("%q is not a signal", s)
}

// catchSignals begins to catch the signals that concern sprog while a program
// runs: those it passes on, and PIPE, so that an error message that nobody
// reads cannot change the exit code. Those of job control keep their effect on
// sprog itself.
//
// It is called before the start, so that no signal is lost. A caught signal
// does in the program what it did in the caller: setSignals. HUP and INT stay
// ignored in sprog, too, as nohup(1) has them.
func catchSignals() chan os.Signal {
	caught := []os.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGALRM, unix.SIGWINCH, unix.SIGCONT, unix.SIGPWR, unix.SIGCHLD, unix.SIGPIPE,
	}
	for sig := sigrtmin; sig <= sigrtmax; sig++ {
		caught = append(caught, sig)
	}
	signals := make(chan os.Signal, 64)
	for _, sig := range caught {
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	return signals
}

// fromTerminal reports whether sig is one that a terminal sends to every
// process of its foreground process group.
func fromTerminal(sig os.Signal) bool {
	return sig == unix.SIGINT || sig == unix.SIGQUIT || sig == unix.SIGWINCH
}

// send sends a signal to the program's first process, by its pidfd.
func (s *supervisor) send(sig syscall.Signal) {
	s.process.Signal(sig) // the program may be gone, which is fine
}

// sendAll sends a signal to the whole process group that the program was
// started to lead, or to its first process if it leads none or the kernel
// cannot say (before Linux 6.9).
func (s *supervisor) sendAll(sig syscall.Signal) {
	if s.leads {
		var err error
		handleErr := s.process.WithHandle(func(pidfd uintptr) {
			err = unix.PidfdSendSignal(int(pidfd), sig, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
		})
		if handleErr == nil && err == nil {
			return
		}
	}
	s.send(sig)
}
