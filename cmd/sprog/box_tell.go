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

	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
)

// observe notes what is to be compared at the end. The function that it returns tells of that.
func (c *boxCmd) observe(b *box.Box) func(error) {
	if !c.OverlayProject {
		c.sandbox.guard = b.Project.Guard()
	}
	before := b.Project.Unprotected()
	return func(err error) {
		caught := c.sandbox.guard.End()
		if len(caught) > 0 {
			fmt.Fprintf(os.Stderr, "sprog: box: the program was ended when it made a file by which git outside would obey another configuration. It is out of the way now: %s\n", strings.Join(quotedAll(caught), ", "))
		}
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
		failed := len(caught) == 0 && code != 0 && code != exitTimeout && !interrupted(code)
		if (failed || c.Why) && !c.toldOff() {
			c.tellCauses()
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
	list, err := changes.List(b.Project.Dir)
	if err != nil {
		return
	}
	many, them := manyChanges(len(list)), "them"
	switch len(list) {
	case 0:
		fmt.Fprintln(os.Stderr, "sprog: box: the program has made no changes")
		return
	case 1:
		them = "it"
	}
	fmt.Fprintf(os.Stderr, "sprog: box: %s kept apart: sprog box --diff shows %s, --apply makes %s, --discard drops %s\n", many, them, them, them)
}

// tellCauses says what a program that has failed was denied, as far as that is known, and which flag would
// allow it. Where nothing is known of it says how to learn more, in one line: people run a
// failing test again and again.
func (c *boxCmd) tellCauses() {
	const most = 12
	causes := c.causes()
	if len(causes) > most {
		causes = append(causes[:most], fmt.Sprintf("and %d more", len(causes)-most))
	}
	switch {
	case len(causes) > 0:
		fmt.Fprintf(os.Stderr, "sprog: box: the program asked for what it does not have here:\n  %s\n", strings.Join(causes, "\n  "))
	case c.Why:
		fmt.Fprintln(os.Stderr, "sprog: box: the program asked for no file and no server that the box keeps from it")
	case c.sandbox.root != nil && !c.sandbox.denied.readable():
		fmt.Fprintln(os.Stderr, "sprog: box: if the program lacked something here, sprog box --why tells what")
	}
	if names := withheld(c.Env); c.Why && len(names) > 0 {
		fmt.Fprintf(os.Stderr, "sprog: box: variables that it did not get (--env NAME): %s\n", strings.Join(names, " "))
	}
}

// causes are what was denied, a line each.
func (c *boxCmd) causes() (list []string) {
	s := c.sandbox
	list = append(s.watch.lacking(), s.denied.byLandlock(boxFlag)...)
	if tried := s.triedNetwork(); tried != "" && !slices.ContainsFunc(list, func(line string) bool { return strings.HasSuffix(line, "(--net)") }) {
		list = append(list, tried+" (--net)")
	}
	for _, call := range s.denied.refused() {
		list = append(list, "the system call "+call)
	}
	return list
}

// withheld are some of the variables that the program did not get.
func withheld(asked envList) (names []string) {
	const most = 12
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		given := func(s string) bool { return s == name || strings.HasPrefix(s, name+"=") }
		if !shellName(name) || name == "SHLVL" || name == "OLDPWD" || box.Passes(variable) || slices.ContainsFunc(asked, given) || strings.HasPrefix(name, "_") {
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
