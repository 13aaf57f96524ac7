//go:build linux

package main

import (
	"path/filepath"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/bwrap"
	"github.com/sprog-dev/sprog/internal/flags"
)

// bubblewrap runs the command as bwrap, if it is called so. The options are bubblewrap's, which has a
// syntax of its own.
func bubblewrap(args []string) (code int, is bool) {
	switch {
	case len(args) > 0 && filepath.Base(args[0]) == "bwrap":
		return bwrap.Run(args[0], args[1:]), true
	case len(args) > 1 && args[1] == "bwrap":
		return bwrap.Run(args[0]+" bwrap", args[2:]), true
	}
	return 0, false
}

// A bwrapCmd is sprog bwrap for help and pages: its command lines are read elsewhere.
type bwrapCmd struct{}

// Run is not come to: see bubblewrap.
func (bwrapCmd) Run(*flags.Line) error { return nil }
