//go:build linux

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sprog-dev/sprog/internal/flags"
)

// refuseView refuses what of a view stands for this process's directory, its user's home or this machine's
// layout.
func (c *compileCmd) refuseView(line *flags.Line) error {
	if !c.hasView() {
		return nil
	}
	for _, g := range line.Given {
		switch name := g.Name(); {
		case name == "private-home":
			return errors.New("--private-home cannot be compiled: the home is this process's: use --tmpfs")
		case name == "system" && !c.Freeze:
			return errors.New("--system cannot be compiled: it is what this machine has: use --ro-bind, or --freeze takes what there is now")
		case isRelative(name, g.Value):
			return fmt.Errorf("--%s %s cannot be compiled: a path in it begins in this process's directory: give all of it", name, g.Value)
		}
	}
	if !strings.HasPrefix(string(c.Dir), "/") {
		return errors.New("what the program sees cannot be compiled without --dir: the directory of the launcher's caller may not be in it")
	}
	return nil
}

// isRelative reports whether a path in the value of a flag for the view begins in the working directory.
func isRelative(name, value string) bool {
	var paths []string
	switch name {
	case "bind", "ro-bind", "dev-bind":
		paths = strings.Split(strings.TrimSuffix(value, ":ro"), ":")
	case "read-write", "mask", "tmpfs", "proc", "dev", "data-at", "symlink":
		paths = []string{value}
	case "root":
		if value != "empty" && value != "host" {
			paths = []string{value}
		}
	case "mount-proc":
		if value != "" {
			paths = []string{value}
		}
	case "overlay", "mount":
		for option := range strings.SplitSeq(value, ",") {
			key, list, has := strings.Cut(option, "=")
			switch {
			case strings.HasPrefix(key, "/"), name == "overlay" && has: // DST=LOWER:LOWER, upper=DIR
				paths = append(paths, strings.Split(list, ":")...)
			case key == "src", key == "source", key == "dst", key == "target", key == "destination", key == "lower", key == "upper", key == "work":
				paths = append(paths, strings.Split(list, ":")...)
			}
		}
	}
	for _, path := range paths {
		if !strings.HasPrefix(path, "/") {
			return true
		}
	}
	return false
}
