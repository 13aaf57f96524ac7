//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// hasView reports whether the program sees something else than the caller.
func (f *startFlags) hasView() bool { return f.View.asked() || f.sandbox.hasView() }

// impliedNamespaces are those that flags need without saying so.
func (f *startFlags) impliedNamespaces() (flags uintptr) {
	if !f.hasView() {
		return 0
	}
	flags = unix.CLONE_NEWNS
	if f.View.makesProc() && !f.becomes && !f.Join.joins(sprog.PIDNamespace) {
		flags |= unix.CLONE_NEWPID
	}
	if !f.Join.joinsUser() && !hasSysAdmin() {
		flags |= unix.CLONE_NEWUSER
	}
	return flags
}

// mountFlag is the flag that an entry of Attr.Mounts comes from, or "".
func (f *startFlags) mountFlag(field string) string {
	index, is := strings.CutPrefix(field, "Attr.Mounts[")
	index, _, closed := strings.Cut(index, "]")
	n, err := strconv.Atoi(index)
	if !is || !closed || err != nil {
		return ""
	}
	if f.sandbox.hasView() {
		if n -= len(f.sandbox.mounts); n < 0 {
			return "sprog box"
		}
	}
	if _, names := f.View.named(); n < len(names) {
		return "--" + names[n]
	}
	return ""
}

// setView fills in what the program sees of the file system.
func (f *startFlags) setView(attr *sprog.Attr) {
	attr.Root, attr.Mounts = f.viewed()
	for _, m := range attr.Mounts {
		if m.Dev != nil {
			m.Dev.ConsolePTY = f.TTY
		}
	}
}

// tellView says where the kernel makes no new /proc, and what is there instead.
func (f *startFlags) tellView(cmd *sprog.Cmd) {
	if cmd.Birth.View == nil {
		return
	}
	for _, i := range cmd.Birth.View.Fallbacks {
		m := &cmd.Attr.Mounts[i]
		instead := "it is empty"
		if m.Proc.Fallback == sprog.ProcOfCaller {
			instead = "the program sees the names and command lines of processes outside"
		}
		fmt.Fprintf(os.Stderr, "sprog: the kernel makes no new %s here, as in a container that hides parts of its own: %s\n", m.Target, instead)
	}
}

// viewed is the view that all flags make together.
func (f *startFlags) viewed() (*sprog.Root, []sprog.Mount) {
	root, mounts := f.View.root(), f.View.mounts()
	if f.sandbox.hasView() {
		root, mounts = cmp.Or(root, f.sandbox.root), slices.Concat(f.sandbox.mounts, mounts)
	}
	return root, mounts
}

// viewPlace is where the program's files are outside of its view, or nil.
func (f *startFlags) viewPlace() *seenFrom {
	root, mounts := f.viewed()
	if root == nil && len(mounts) == 0 {
		return nil
	}
	return &seenFrom{root, mounts}
}
