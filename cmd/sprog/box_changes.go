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
	refused, err := changes.Apply(ctx, &b.Project)
	tellProtected(before) // what is a repository only with all of it applied
	if err != nil {
		return err
	}
	if len(refused) > 0 {
		fmt.Fprintf(os.Stderr, "sprog: box: your tools would execute these, which stay as they were: %s\n", strings.Join(quotedAll(refused), ", "))
	}
	return changes.Discard()
}
