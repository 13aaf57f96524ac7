//go:build linux

package main

import (
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// An initReport is what an init tells of its program: that it has been stopped, and
// that it goes on.
type initReport struct {
	by    atomic.Int32  // the signal, or 0 when the program is not stopped
	stops chan struct{} // the program has stopped
}

// followInit reads the reports of an init until its end.
func followInit(reports *os.File, tell func(sprog.EventKind, syscall.Signal)) *initReport {
	r := &initReport{stops: make(chan struct{}, 1)}
	go r.follow(reports, tell)
	return r
}

func (r *initReport) follow(reports *os.File, tell func(sprog.EventKind, syscall.Signal)) {
	defer reports.Close()
	for buf := make([]byte, 64); ; {
		n, err := reports.Read(buf)
		if err != nil {
			return
		}
		for _, by := range buf[:n] {
			if syscall.Signal(by) == unix.SIGCONT {
				tell(sprog.EventContinued, 0)
			} else {
				tell(sprog.EventStopped, syscall.Signal(by))
			}
		}
		by := int32(buf[n-1])
		if by == int32(unix.SIGCONT) {
			r.by.Store(0)
			continue
		}
		r.by.Store(by)
		select {
		case r.stops <- struct{}{}:
		default:
		}
	}
}

// stopAlong is for a program that has been stopped, while sprog may not have been: one
// in a process group of its own, by Ctrl-Z or because it wants the terminal in the background, or one
// that stopped itself. The shell waits for sprog, so sprog stops too, as long as the program is
// stopped. Nothing is done if no terminal is involved: a supervisor that freezes a program does not mean sprog.
func (s *supervisor) stopAlong(stopped func() (by syscall.Signal)) {
	by := stopped()
	if by == 0 || s.isEnding() {
		return
	}
	own, front := unix.Getpgrp(), s.tty.group()
	wants := by == unix.SIGTTIN || by == unix.SIGTTOU
	if wants {
		s.claim()
	}
	switch {
	case front <= 0:
		return
	case front == own && wants && s.lent != 0:
		s.continueAlong()
		return
	case front == own:
	case s.isTheirs(front):
		s.lent = front
		s.tty.setGroup(own)
	case wants: // it would stop again at once if sprog could not be stopped
		s.paused = s.stopIf(stopped)
		s.lend()
		return
	default:
		return
	}
	if s.stopIf(stopped) {
		s.continueAlong()
		s.owed = s.isApart()
	} else {
		s.lend()
	}
}

// continueAlong has the program go on after sprog has.
func (s *supervisor) continueAlong() {
	group := s.lent
	s.lend()
	s.resume(group)
}

// resume continues the program, in the group that it has the terminal with, if it has, unless the shell
// has seen to that: it continues the group that it has made.
func (s *supervisor) resume(group int) {
	s.paused = false
	if group != 0 {
		unix.Kill(-group, unix.SIGCONT)
	} else if s.isApart() {
		s.sendAll(unix.SIGCONT)
	}
}

// isApart reports whether the program is in another process group than sprog.
func (s *supervisor) isApart() bool { return s.leads || !s.sharesGroup() }

// claim notes that the program is to have the terminal, as --foreground says, though somebody has taken it
// without a stop that sprog has followed.
func (s *supervisor) claim() {
	if s.lent == 0 {
		s.lent = s.home
	}
}

// lend gives the terminal to the program's group, which had it before the stop, if sprog is in the
// foreground, or else tries again later: a shell that brings a running job to the foreground tells
// nobody.
func (s *supervisor) lend() {
	s.later = nil
	group := s.lent
	switch {
	case group == 0:
	case s.tty.group() == unix.Getpgrp():
		s.lent = 0
		s.tty.setGroup(group)
		if s.paused {
			s.resume(group)
		}
	default:
		s.later = time.After(100 * time.Millisecond)
	}
}

// stopIf stops sprog as long as the program is stopped, and returns when sprog is
// continued. The terminal stops both, and the shell continues both, one after the other. So
// the stop is there before the last look at the program, but held back: a
// continue that comes after it takes it away (signal(7)), and one that has come
// before it has reached the program, too. Whoever waits for sprog in its group, such as a script, stops
// as well if the program is in another: the terminal has told only that one.
func (s *supervisor) stopIf(stopped func() (by syscall.Signal)) bool {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var stop, mask unix.Sigset_t
	stop.Val[0] = 1 << (unix.SIGTSTP - 1)
	if unix.PthreadSigmask(unix.SIG_BLOCK, &stop, &mask) != nil {
		return false
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &mask, nil) // here sprog stops
	unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP)
	sigwatch.AwaitSent()
	if stopped() != 0 {
		if s.isApart() && unix.Getpid() != 1 { // which the kernel does not let stop itself
			unix.Kill(0, unix.SIGTSTP)
		}
		return true
	}
	var now unix.Timespec
	unix.RawSyscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&stop)), 0, uintptr(unsafe.Pointer(&now)), 8, 0, 0)
	return false
}

// isTheirs reports whether a process group is that of the program's first
// process, or is led by the program below an init.
func (s *supervisor) isTheirs(group int) bool {
	if theirs, err := unix.Getpgid(s.process.Pid); err == nil && theirs == group {
		return true
	}
	proc, err := ownproc.Open()
	if err != nil || s.init == nil {
		return false
	}
	defer proc.Close()
	_, parent := proc.State(group)
	return parent == s.process.Pid
}

// childStopped is the signal that has stopped the program's first process, or 0 if it is not stopped now. That
// it has been is left for others to read.
func (s *supervisor) childStopped() (by syscall.Signal) {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, s.process.Pid, &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err != nil || syscall.Signal(info.Signo) != unix.SIGCHLD {
		return 0
	}
	const statusAt = 24 // si_status, on 64 bits
	return syscall.Signal(*(*int32)(unsafe.Add(unsafe.Pointer(&info), statusAt)))
}

// programStopped is the same for the program below the init, which tells of
// a continue somewhat later.
func (s *supervisor) programStopped() (by syscall.Signal) {
	by = syscall.Signal(s.init.by.Load())
	proc, err := ownproc.Open()
	if err != nil {
		time.Sleep(100 * time.Millisecond)
		return syscall.Signal(s.init.by.Load())
	}
	defer proc.Close()
	children := proc.Children(s.process.Pid)
	if len(children) == 0 { // it has ended since: an init that comes late sees only the end
		return 0
	}
	if state, _ := proc.State(children[0]); !strings.EqualFold(state, "T") { // t under a tracer
		return 0
	}
	return by
}
