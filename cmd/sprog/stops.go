//go:build linux

package main

import (
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// An initReport is what an init tells of its program: that it has stopped, and
// that it has continued.
type initReport struct {
	stopped atomic.Bool
	stops   chan struct{} // the program has stopped
}

// What is told, as waitid(2) has it.
const cldStopped = 5

// followInit reads the reports of an init until its end.
func followInit(reports *os.File) *initReport {
	r := &initReport{stops: make(chan struct{}, 1)}
	go r.follow(reports)
	return r
}

func (r *initReport) follow(reports *os.File) {
	defer reports.Close()
	for buf := make([]byte, 64); ; {
		n, err := reports.Read(buf)
		if err != nil {
			return
		}
		r.stopped.Store(buf[n-1] == cldStopped)
		if !r.stopped.Load() {
			continue
		}
		select {
		case r.stops <- struct{}{}:
		default:
		}
	}
}

// stopAlong is for a program that has been stopped, while sprog may not have been: one
// in a process group of its own after Ctrl-Z, or one that stopped itself. The
// shell waits for sprog, so sprog stops too, as long as the program is stopped. Nothing is done if no terminal is
// involved: a supervisor that freezes a program does not mean sprog.
func (s *supervisor) stopAlong(stopped func() bool) {
	if s.isEnding() || !stopped() {
		return
	}
	own, front := unix.Getpgrp(), s.tty.group()
	if front <= 0 || front != own && !s.isTheirs(front) {
		return
	}
	if front != own {
		s.tty.setGroup(own)
	}
	went := stopIf(stopped)
	if front != own && s.tty.group() == own {
		s.tty.setGroup(front)
	}
	if went {
		s.continueAlong(front)
	}
}

// continueAlong has the program go on after sprog has, unless the shell has seen to that: it
// continues the group that it has made.
func (s *supervisor) continueAlong(front int) {
	if front != unix.Getpgrp() {
		unix.Kill(-front, unix.SIGCONT)
	}
	if s.leads || !s.sharesGroup() {
		s.sendAll(unix.SIGCONT)
		s.owed = true
	}
}

// stopIf stops sprog as long as the program is stopped, and returns when sprog is
// continued. The terminal stops both, and the shell continues both, one after the other. So
// the stop is there before the last look at the program, but held back: a
// continue that comes after it takes it away (signal(7)), and one that has come
// before it has reached the program, too.
func stopIf(stopped func() bool) bool {
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
	if stopped() {
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

// childStopped reports whether the program's first process is stopped now. That it has been is left for
// others to read.
func (s *supervisor) childStopped() bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, s.process.Pid, &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && syscall.Signal(info.Signo) == unix.SIGCHLD
}

// programStopped reports whether the program below the init is stopped now. The init tells of
// a continue somewhat later.
func (s *supervisor) programStopped() bool {
	if proc, err := ownproc.Open(); err == nil {
		defer proc.Close()
		if children := proc.Children(s.process.Pid); len(children) > 0 {
			state, _ := proc.State(children[0])
			return state == "T"
		}
	}
	time.Sleep(100 * time.Millisecond)
	return s.init.stopped.Load()
}
