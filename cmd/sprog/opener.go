//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"time"

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

// fifoPatience is what a FIFO's reader has to open it, who may have been started just before.
const fifoPatience = time.Second

// openOutput opens a file that sprog itself writes. A FIFO that nobody reads is an error: opening it
// would wait for a reader, and no limit counts yet.
func openOutput(flag, path string) (*os.File, error) {
	var fd int
	err := error(unix.ENXIO)
	for end := time.Now().Add(fifoPatience); errors.Is(err, unix.ENXIO); time.Sleep(10 * time.Millisecond) {
		if fd, err = openFile(path, forWriting|unix.O_NONBLOCK, 0o666); err == nil {
			break
		}
		if info, statErr := os.Stat(path); statErr != nil || info.Mode()&os.ModeNamedPipe == 0 {
			break
		}
		if errors.Is(err, unix.ENXIO) && time.Now().After(end) {
			return nil, fmt.Errorf("%s: nobody has the FIFO %s open for reading: start the reader first", flag, path)
		}
	}
	if err == nil {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}
