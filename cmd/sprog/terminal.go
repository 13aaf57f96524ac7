//go:build linux

package main

import (
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A terminal is the controlling terminal of sprog, and who had its foreground
// when sprog began. The zero value with fd -1 is none.
type terminal struct {
	fd         int
	foreground int
}

// openTerminal opens the controlling terminal.
func openTerminal() terminal {
	fd, err := openFile("/dev/tty", unix.O_RDWR, 0)
	if err != nil {
		return terminal{fd: -1}
	}
	t := terminal{fd: fd}
	t.foreground = t.group()
	return t
}

// group returns the terminal's foreground process group, or -1.
func (t terminal) group() int {
	if t.fd < 0 {
		return -1
	}
	pgid, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	if err != nil {
		return -1
	}
	return pgid
}

// setGroup makes pgid the foreground process group. sprog may be in the
// background then, where that would stop it; so TTOU is ignored, which no
// program inherits, as the only one has been started.
func (t terminal) setGroup(pgid int) {
	signal.Ignore(unix.SIGTTOU)
	unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, pgid)
	signal.Reset(unix.SIGTTOU)
}

// restore gives the foreground back to the group that had it when sprog began,
// if the program's group has it still: its caller may be a script, which would
// never ask for it.
func (t terminal) restore(pgid int) {
	if t.fd >= 0 && t.foreground > 0 && t.group() == pgid {
		t.setGroup(t.foreground)
	}
}

// hasSignalled reports whether the terminal has already sent a signal that
// sprog received to the program as well. It has if both are in one process
// group and this group is in the foreground. The kernel does not tell Go
// programs who sent a signal, so one that a person sends to sprog alone while
// it is there is taken for the terminal's too. TERM is always passed on.
func (s *supervisor) hasSignalled() bool {
	own := unix.Getpgrp()
	theirs, err := unix.Getpgid(s.process.Pid)
	return err == nil && own == theirs && own == s.tty.group()
}

// stopAlong is for a program that has been stopped, while sprog has not: one
// in a process group of its own after Ctrl-Z, or one that stopped itself. The
// shell waits for sprog, so sprog stops too. Nothing is done if no terminal is
// involved: a supervisor that freezes a program does not mean sprog.
func (s *supervisor) stopAlong() {
	if !s.stopped() {
		return
	}
	// The terminal's stop reaches the whole group, and so does the shell's
	// continue. Either may be still on its way to one of the two.
	time.Sleep(20 * time.Millisecond)
	own, front := unix.Getpgrp(), s.tty.group()
	theirs, err := unix.Getpgid(s.process.Pid)
	if err != nil || front <= 0 || (front != own && front != theirs) || !s.stopped() {
		return
	}
	if front != own {
		s.lent = theirs
		s.tty.setGroup(own)
	}
	s.suspended = true
	unix.Kill(unix.Getpid(), unix.SIGTSTP)
}

// continueAlong undoes stopAlong after the shell has continued sprog.
func (s *supervisor) continueAlong() {
	s.suspended = false
	if s.lent != 0 && s.tty.group() == unix.Getpgrp() {
		s.tty.setGroup(s.lent)
	}
	s.lent = 0
	s.sendAll(unix.SIGCONT)
}

// stopped reports whether the program's first process is stopped now, or the
// program that an init tells of. The report is left for others to read.
func (s *supervisor) stopped() bool {
	if s.init != nil && s.init.stopped.Load() {
		return true
	}
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, s.process.Pid, &info, unix.WSTOPPED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err == nil && syscall.Signal(info.Signo) == unix.SIGCHLD
}
