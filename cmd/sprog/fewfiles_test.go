//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// lookups are what has to be looked up for a start.
func lookups() map[string]func() error {
	inside := place{root: "/"}
	f := &startFlags{User: "65534", Foreground: true}
	return map[string]func() error{
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
	}
}

// What cannot be looked up for want of descriptors is not said to be absent. Each lookup is
// the first of a process, as in the command.
func TestLookupsWithoutDescriptors(t *testing.T) {
	for name := range lookups() {
		out, err := exec.Command("lookup-without-descriptors", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		// Who looks into another root has descriptors of his own.
		want := fmt.Sprintf("%v\n%d", unix.EMFILE, exitSprog)
		if strings.HasSuffix(name, " inside") {
			want = "\n0"
		}
		if got := string(out); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q; want %q at its end", name, got, want)
		}
	}
}

// lookupWithoutDescriptors does one of the lookups, and prints the error and the exit code.
func lookupWithoutDescriptors() {
	err := plain.Poller()
	if err == nil {
		err = noDescriptors()
	}
	if err == nil {
		err = lookups()[os.Args[1]]()
	}
	code, text := outcome(err, nil)
	fmt.Printf("%s\n%d", text, code)
}

// noDescriptors leaves this process none.
func noDescriptors() error {
	low := unix.Rlimit{Cur: 64, Max: 64}
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &low, nil); err != nil {
		return err
	}
	for {
		if _, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return nil
		}
	}
}
