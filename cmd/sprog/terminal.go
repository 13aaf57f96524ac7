//go:build linux

package main

import (
	"errors"

	"golang.org/x/sys/unix"

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
