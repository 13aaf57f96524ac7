//go:build linux

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/ownproc"
)

// A joinList is what --join names.
type joinList []sprog.Namespace

// Decode parses PID, NS,...=PID and NS=PATH.
func (l *joinList) Set(s string) error {
	names, of, found := strings.Cut(s, "=")
	if !found {
		names, of = "", s
	}
	n := sprog.Namespace{Path: of}
	if pid, err := strconv.ParseInt(of, 10, 32); err == nil {
		n.Path, n.PID = "", int(pid)
	} else if isNumeral(of) {
		return fmt.Errorf("%q: no process has such a number", s)
	}
	if of == "" || !found && n.PID <= 0 {
		return fmt.Errorf("%q is not PID, NS,...=PID or NS=PATH", s)
	}
	for name := range strings.SplitSeq(names, ",") {
		flag, err := parseNamespace(name)
		if found && err != nil {
			return err
		}
		n.Kinds |= sprog.NamespaceKind(flag)
	}
	if n.Path != "" && n.Kinds&(n.Kinds-1) != 0 {
		return fmt.Errorf("%q: a file is one namespace", s)
	}
	*l = append(*l, n)
	return nil
}

// check looks whether the processes are there: their roots are needed before
// the start says so.
func (l joinList) check() error {
	for _, n := range l {
		if n.PID > 0 && unix.Kill(n.PID, 0) == unix.ESRCH {
			return fmt.Errorf("--join: there is no process %d", n.PID)
		}
	}
	return nil
}

// joinsUser reports whether a user namespace is joined.
func (l joinList) joinsUser() bool {
	return l.joins(sprog.UserNamespace)
}

// joins reports whether a namespace of a kind is joined.
func (l joinList) joins(kind sprog.NamespaceKind) bool {
	return slices.ContainsFunc(l, func(n sprog.Namespace) bool { return n.Kinds == 0 || n.Kinds&kind != 0 })
}

// root is the root directory of the mount namespace that is joined, as far as
// it can be reached from here.
func (l joinList) root() string {
	all := ""
	for _, n := range l {
		switch {
		case n.Kinds&sprog.MountNamespace != 0 && n.PID == 0:
			return ""
		case n.Kinds&sprog.MountNamespace != 0:
			return rootOf(n.PID)
		case n.Kinds == 0:
			all = rootOf(n.PID)
		}
	}
	return all
}

// rootOf is where the root directory of a process is seen, or "".
func rootOf(pid int) string {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		pid, err = ownproc.NumberOf(pidfd)
		unix.Close(pidfd)
	}
	if err != nil && err != unix.ENOSYS { // before Linux 5.3
		return ""
	}
	return "/proc/" + strconv.Itoa(pid) + "/root"
}
