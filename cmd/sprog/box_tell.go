//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
)

// observe notes what is to be compared at the end. The function that it returns tells of that.
func (c *boxCmd) observe(b *box.Box) func(error) {
	before, start := b.Project.Unprotected(), time.Now()
	return func(err error) {
		if !c.OverlayProject {
			tellProtected(before) // whatever has ended the program
		}
		code := exitCode(0)
		if err != nil && !errors.As(err, &code) {
			return // of a program that has not run
		}
		if c.OverlayProject {
			c.tellChanges(b)
		}
		if code != 0 && code != exitTimeout && !interrupted(code) && !c.toldOff() {
			c.tellCauses(start)
		}
	}
}

// interrupted reports whether a signal has ended the program that somebody sent, or that comes of a pipe.
func interrupted(code exitCode) bool {
	return slices.Contains([]syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE, syscall.SIGTERM}, syscall.Signal(code-128))
}

// tellProtected tells of what the user's tools would execute and could not be protected.
func tellProtected(before box.State) {
	if renamed := before.Quarantine(); len(renamed) > 0 {
		fmt.Fprintf(os.Stderr, "sprog: box: the program made files that git would obey, which are out of the way now: %s\n", strings.Join(quotedAll(renamed), ", "))
	}
	if changed := before.Changed(); len(changed) > 0 {
		fmt.Fprintf(os.Stderr, "sprog: box: look at these before you go on, as your tools may execute them, and they were not there or could not be protected: %s\n",
			strings.Join(quotedAll(changed), ", "))
	}
}

// toldOff reports whether nobody reads what the box has to say.
func (c *boxCmd) toldOff() bool { return c.Ending.Result == dash }

// tellChanges says what has become of them.
func (c *boxCmd) tellChanges(b *box.Box) {
	changes, err := box.OpenChanges(b.Changes, false)
	if err != nil { // this run holds them
		changes = box.HeldChanges(b.Changes)
	} else {
		defer changes.Close()
	}
	if list, err := changes.List(b.Project.Dir); err == nil {
		many, them := fmt.Sprint(len(list), " changes are"), "them"
		if len(list) == 1 {
			many, them = "1 change is", "it"
		}
		fmt.Fprintf(os.Stderr, "sprog: box: %s kept apart: sprog box --diff shows %s, --apply makes %s, --discard drops %s\n", many, them, them, them)
	}
}

// tellCauses says what the box may have denied a program that has failed, and which flag would allow
// that.
func (c *boxCmd) tellCauses(start time.Time) {
	var causes []string
	if tried := c.sandbox.triedNetwork(); tried {
		causes = append(causes, "it tried to reach the network (--net)")
	} else if !c.Net {
		causes = append(causes, "the network (--net)")
	}
	causes = append(causes, "files in your home directory or in /run (--ro DIR, --rw DIR)", "writing outside of the project (--rw DIR)")
	if calls := refusedSince(start); c.sandbox.logs && calls != "" {
		causes = append(causes, "system calls, as the kernel's log has them (--seccomp FILE, with a filter of your own): "+calls)
	}
	if names := withheld(c.Env); len(names) > 0 {
		causes = append(causes, fmt.Sprintf("variables (--env NAME): %s", strings.Join(names, " ")))
	}
	fmt.Fprintf(os.Stderr, "sprog: box: the program failed. If it lacked something, the box does not have:\n  %s\n", strings.Join(causes, "\n  "))
}

// withheld are some of the variables that the program did not get.
func withheld(asked envList) (names []string) {
	const most = 12
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		given := func(s string) bool { return s == name || strings.HasPrefix(s, name+"=") }
		if !shellName(name) || box.Passes(variable) || slices.ContainsFunc(asked, given) || strings.HasPrefix(name, "_") {
			continue
		}
		names = append(names, name)
	}
	slices.SortStableFunc(names, func(a, b string) int { // what one would miss first
		return cmp.Compare(b2i(box.IsSecret(b)), b2i(box.IsSecret(a)))
	})
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return names
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// shellName reports whether a shell could set a variable.
func shellName(name string) bool {
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func quotedAll(paths []string) (list []string) {
	for _, path := range paths {
		list = append(list, fmt.Sprintf("%q", path))
	}
	return list
}
