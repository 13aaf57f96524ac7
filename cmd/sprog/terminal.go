//go:build linux

package main

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// A terminal is the controlling terminal of sprog, and who had its foreground
// when sprog began. The zero value with fd -1 is none.
type terminal struct {
	fd         int
	foreground int
	err        error // why there is none
}

// openTerminal opens the controlling terminal.
func openTerminal() terminal {
	fd, err := openFile("/dev/tty", unix.O_RDWR, 0)
	if err != nil {
		return terminal{fd: -1, err: err}
	}
	t := terminal{fd: fd}
	t.foreground = t.group()
	return t
}

// missing says why there is no terminal.
func (t terminal) missing() error {
	if t.err != nil && !errors.Is(t.err, unix.ENXIO) { // which means that there is none
		return t.err
	}
	return errors.New("sprog has no controlling terminal")
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
	defer sigwatch.Ignore(unix.SIGTTOU)()
	unix.IoctlSetPointerInt(t.fd, unix.TIOCSPGRP, pgid)
}

// restore gives the foreground back to the group that had it when sprog began,
// if the program's group has it still: its caller may be a script, which would
// never ask for it.
func (t terminal) restore(pgid int) {
	if t.fd >= 0 && t.foreground > 0 && t.group() == pgid {
		t.setGroup(t.foreground)
	}
}

// stopAlong is for a program that has been stopped, while sprog has not: one
// in a process group of its own after Ctrl-Z, or one that stopped itself. The
// shell waits for sprog, so sprog stops too. Nothing is done if no terminal is
// involved: a supervisor that freezes a program does not mean sprog.
func (s *supervisor) stopAlong() {
	if !s.staysStopped() || s.isEnding() {
		return
	}
	own, front := unix.Getpgrp(), s.tty.group()
	if front <= 0 || front != own && !s.isTheirs(front) {
		return
	}
	if front != own {
		s.lent = front
		s.tty.setGroup(own)
	}
	s.suspended = true
	unix.Kill(unix.Getpid(), unix.SIGTSTP)
}

// staysStopped reports whether the program is stopped and stays so. The
// terminal's stop reaches the whole group, and so does the shell's continue.
// Either may be still on its way to one of the two; sprog itself may have been
// stopped while it waits here.
func (s *supervisor) staysStopped() bool {
	const moment = 2 * time.Millisecond
	for quiet := 0; quiet < 10; quiet++ {
		if !s.stopped() {
			return false
		}
		begin := time.Now()
		time.Sleep(moment)
		if time.Since(begin) > 10*moment {
			quiet = 0
		}
	}
	return s.stopped()
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

// continueAlong undoes stopAlong after the shell has continued sprog, and perhaps the program.
func (s *supervisor) continueAlong(both bool) {
	s.suspended = false
	if s.lent != 0 && s.tty.group() == unix.Getpgrp() {
		s.tty.setGroup(s.lent)
		unix.Kill(-s.lent, unix.SIGCONT)
	}
	s.lent = 0
	if !both {
		s.sendAll(unix.SIGCONT)
	}
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
