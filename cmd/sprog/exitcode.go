//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Exit codes of sprog itself. Otherwise it exits as the program did: with its
// code, or with 128+n after signal n. They are those of timeout(1), env(1) and
// the shells.
const (
	exitUnwritten = 123 // the program has ended well, but a file about it, or its output under --tty, could not be written
	exitTimeout   = 124 // --timeout ended the program
	exitSprog     = 125 // sprog failed before the program was executed
	exitCannot    = 126 // the program was found, but could not be executed
	exitNotFound  = 127 // the program was not found
	exitSignal    = 128 // plus the number of the signal that killed it
)

// An exitCode is an exit code with nothing to say about it.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// A codedError is an error with its exit code.
type codedError struct {
	code int
	error
}

func (e codedError) Unwrap() error { return e.error }

// statusCode returns the error that stands for a program's end, nil for
// success.
func statusCode(status syscall.WaitStatus) error {
	switch {
	case status.Signaled():
		return exitCode(exitSignal + int(status.Signal()))
	case status.ExitStatus() != 0:
		return exitCode(status.ExitStatus())
	}
	return nil
}

// outcome returns the exit code that err stands for, and the line to print, if
// any.
func outcome(err error, words terms.Words) (code int, message string) {
	var bare exitCode
	var coded codedError
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &bare):
		return int(bare), ""
	case errors.As(err, &coded):
		code = coded.code
	default:
		code = exitSprog
	}
	message = said(err, words)
	if !strings.HasPrefix(message, "sprog: ") {
		message = "sprog: " + message
	}
	return code, message
}

// startError gives an error of a start its exit code. found tells whether the
// program's file is there: an interpreter that is missing gives ENOENT as well.
func startError(err error, found func() bool) error {
	var start *sprog.StartError
	var bare exitCode
	switch {
	case errors.As(err, &bare):
		return bare
	case errors.Is(err, sprog.ErrTimeout):
		return codedError{exitTimeout, err}
	}
	if !errors.As(err, &start) || !strings.HasPrefix(start.Step, "exec") || start.Signal != 0 {
		return codedError{exitSprog, err}
	}
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
	if missing && !found() {
		return codedError{exitNotFound, err}
	}
	return codedError{exitCannot, err}
}

// unwritten tells what a file that a flag asks for could not be written of. The exit code stays
// that which err stands for, unless that is success.
func unwritten(flag string, cause, err error) error {
	if cause == nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "sprog: %s: %v\n", flag, cause)
	if err == nil {
		return exitCode(exitUnwritten)
	}
	return err
}
