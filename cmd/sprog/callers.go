//go:build linux

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// callers are the caller's descriptors that flags name, by number. Each is one
// file, however many flags name it, and stays open until the last of them is
// done with it.
var callers map[int]*os.File

// callersFile is the descriptor that a flag names. What the caller passed on
// has no close-on-exec flag; sprog's own descriptors all have it.
func callersFile(flag string, fd int) (*os.File, error) {
	if callers == nil {
		callers = map[int]*os.File{0: os.Stdin, 1: os.Stdout, 2: os.Stderr}
	}
	if f := callers[fd]; f != nil {
		return f, nil
	}
	if !passedOn(fd) {
		return nil, fmt.Errorf("%s: the caller has no open descriptor %d", flag, fd)
	}
	f := os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
	callers[fd] = f
	return f, nil
}

func passedOn(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// callersOutput is a descriptor that sprog itself writes to. It is not among
// those that --inherit-fds passes on: whoever reads what is written would wait
// for the program to close it.
func callersOutput(flag string, fd int) (*os.File, error) {
	f, err := callersFile(flag, fd)
	if err != nil {
		return nil, err
	}
	mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil && (mode&unix.O_ACCMODE == unix.O_RDONLY || mode&unix.O_PATH != 0) {
		return nil, fmt.Errorf("%s: descriptor %d is not open for writing", flag, fd)
	}
	if !isStream(f) {
		unix.CloseOnExec(fd)
	}
	return f, nil
}

// isStream reports whether a file is one of sprog's standard streams, which
// stay open.
func isStream(f *os.File) bool { return f == os.Stdin || f == os.Stdout || f == os.Stderr }
