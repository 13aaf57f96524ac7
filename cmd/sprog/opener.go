//go:build linux

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// The ways in which standard output and error are opened.
const (
	forReading   = unix.O_RDONLY
	forWriting   = unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC
	forAppending = unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND
)

// An opener opens a file for the program. That of explain opens nothing that
// opening could change.
type opener func(path string, flags int) (*os.File, error)

// openForRun opens a file as a shell's redirection does.
func openForRun(path string, flags int) (*os.File, error) {
	fd, err := openFile(path, flags, 0o666)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openForExplain returns an empty stand-in of the same name.
func openForExplain(path string, _ int) (*os.File, error) {
	fd, err := openFile(os.DevNull, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openFile opens a file without making it non-blocking, as os.OpenFile would
// make a FIFO or a terminal for the program too, and without taking a terminal
// as sprog's own.
func openFile(path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_NOCTTY, mode)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}
