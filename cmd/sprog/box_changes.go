//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
	"github.com/sprog-dev/sprog/internal/flags"
)

// changes shows, makes or drops what a run with --overlay-project has changed.
func (c *boxCmd) changes(b *box.Box, line *flags.Line) error {
	if len(line.Rest) > 0 {
		return mistake("drop the program: {--diff --apply --discard} starts none")
	}
	changes, err := box.OpenChanges(b.Changes, false)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no changes to %s are kept apart: sprog box --overlay-project keeps them", b.Project.Dir)
	}
	if err != nil {
		return err
	}
	defer changes.Close()
	switch {
	case c.Diff:
		return changes.Diff(b.Project.Dir, os.Stdout)
	case c.Discard:
		return changes.Discard()
	}
	before := b.Project.Unprotected()
	ctx, end := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer end()
	done, err := changes.Apply(ctx, &b.Project, c.Force)
	tellProtected(before) // what is a repository only with all of it applied
	fmt.Fprintf(os.Stderr, "sprog: box: %s applied\n", manyChanges(done.Made))
	if len(done.Protected) > 0 {
		fmt.Fprintf(os.Stderr, "sprog: box: your tools would execute these, which stay kept apart until --discard: %s\n", strings.Join(quotedAll(done.Protected), ", "))
	}
	if len(done.Changed) > 0 {
		err = errors.Join(err, fmt.Errorf("these were changed in the project since the run, and the program's stay kept apart: %s (--apply --force takes the program's)", strings.Join(quotedAll(done.Changed), ", ")))
	}
	return err
}

// manyChanges is the subject of a sentence about changes.
func manyChanges(n int) string {
	switch n {
	case 0:
		return "no changes are"
	case 1:
		return "1 change is"
	}
	return fmt.Sprint(n, " changes are")
}
