//go:build linux

package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// What cannot be looked up for want of descriptors is not said to be absent.
func TestLookupsWithoutDescriptors(t *testing.T) {
	if err := plain.Poller(); err != nil {
		t.Fatal(err)
	}
	inside := place{root: "/"}
	f := &startFlags{User: "65534", Foreground: true}
	for name, look := range map[string]func() error{
		"user by number":   func() error { _, _, err := place{}.user("65534"); return err },
		"user by name":     func() error { _, _, err := place{}.user("nobody"); return err },
		"user inside":      func() error { _, _, err := inside.user("nobody"); return err },
		"group":            func() error { _, err := place{}.group("daemon"); return err },
		"group inside":     func() error { _, err := inside.group("daemon"); return err },
		"groups of a user": func() error { _, err := f.accountsGroups(); return err },
		"credential":       func() error { _, err := f.credential(); return err },
		"terminal":         func() error { _, err := f.sysProcAttr(openTerminal()); return err },
		"program inside":   func() error { _, err := inside.findProgram("true", []string{"PATH=/bin"}); return err },
		"whether a file is there": func() error {
			if inside.exists("/bin/true") {
				return unix.EMFILE
			}
			return nil
		},
	} {
		restore := noDescriptors(t)
		err := look()
		restore()
		// os/user has the text of an errno in its errors, at most.
		if code, text := outcome(err); !strings.HasSuffix(text, unix.EMFILE.Error()) || code != exitSprog {
			t.Errorf("%s: %q, exit code %d; want EMFILE and %d", name, text, code, exitSprog)
		}
	}
}

// noDescriptors leaves this process none.
func noDescriptors(t *testing.T) (restore func()) {
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
		t.Fatal(err)
	}
	var fill []int
	low := unix.Rlimit{Cur: 64, Max: old.Max}
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &low, nil); err != nil {
		t.Fatal(err)
	}
	for {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			break
		}
		fill = append(fill, fd)
	}
	return func() {
		unix.Prlimit(0, unix.RLIMIT_NOFILE, &old, nil)
		for _, fd := range fill {
			unix.Close(fd)
		}
	}
}
