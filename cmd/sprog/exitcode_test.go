//go:build linux

package main

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog"
)

func TestOutcomeOfStartErrors(t *testing.T) {
	start := func(step string, err error) error {
		return fmt.Errorf("wrapped: %w", &sprog.StartError{Path: "/x", Step: step, Err: err})
	}
	for _, tt := range []struct {
		err   error
		found bool
		want  int
	}{
		{start("execve", syscall.ENOENT), false, 127},
		{start("execve", syscall.ENOTDIR), false, 127},
		{start("execve", syscall.ENOENT), true, 126}, // its interpreter is missing
		{start("execve", syscall.EACCES), true, 126},
		{start("execve", syscall.ENOEXEC), true, 126},
		{start("execve", syscall.E2BIG), true, 126},
		{start("execveat", syscall.ENOENT), false, 127},
		{start("chdir", syscall.ENOENT), true, 125},
		{start("", errors.New("refused")), true, 125},
		{&sprog.StartError{Step: "execve", Signal: syscall.SIGKILL, Err: errors.New("killed")}, true, 125},
		{errors.New("something else"), true, 125},
	} {
		code, message := outcome(startError(tt.err, func() bool { return tt.found }), nil)
		if code != tt.want || message == "" {
			t.Errorf("outcome(%v, found %t) = %d, %q; want %d and a message", tt.err, tt.found, code, message, tt.want)
		}
	}
}

func TestOutcomeOfPrograms(t *testing.T) {
	for status, want := range map[syscall.WaitStatus]int{0: 0, 7 << 8: 7, 255 << 8: 255, 15: 143, 9: 137, 11 | 0x80: 139} {
		code, message := outcome(statusCode(status), nil)
		if code != want || message != "" {
			t.Errorf("outcome(status %#x) = %d, %q; want %d and no message", status, code, message, want)
		}
	}
}
