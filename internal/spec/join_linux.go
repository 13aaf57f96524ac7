//go:build amd64 || arm64

package spec

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Named is the set of kinds that are asked for by name.
func (r *Start) Named() (kinds NamespaceKind) {
	for _, n := range r.Attr.Join {
		kinds |= n.Kinds
	}
	return kinds
}

func (r *Start) checkJoin() *Error {
	var seen NamespaceKind
	all := false
	for i, n := range r.Attr.Join {
		name := Index("Attr.Join", i)
		if err := n.check(name); err != nil {
			return err
		}
		switch {
		case n.Kinds&seen != 0:
			return Invalid(name, (n.Kinds & seen).String(), "is joined twice")
		case n.Kinds == 0 && all:
			return Invalid(name, "", "names no kind, as another does: both would mean all")
		}
		seen |= n.Kinds
		all = all || n.Kinds == 0
	}
	return r.CheckJoinAndNew(seen)
}

// CheckJoinAndNew refuses what the kernel has no way to do.
func (r *Start) CheckJoinAndNew(joined NamespaceKind) *Error {
	sys := r.Sys
	switch {
	case joined&PIDNamespace != 0 && r.InPlace:
		return Invalid("Attr.Join", "pid", "is for a process that is made in it, which an Exec does not do")
	case joined&PIDNamespace != 0 && sys.Cloneflags&unix.CLONE_NEWPID != 0:
		return Invalid(Field("Cloneflags"), "CLONE_NEWPID", "cannot be combined with joining a PID namespace ({Attr.Join}): a process changes its own once")
	case joined&UserNamespace != 0 && r.HasMaps():
		return Invalid("Attr.Join", "user", "cannot be combined with id maps of a new user namespace: from outside of the joined one they cannot be written")
	}
	return nil
}

func (n *Namespace) check(name string) *Error {
	sources := 0
	for _, given := range []bool{n.Path != "", n.File != nil, n.PID != 0, n.PidFD != nil} {
		if given {
			sources++
		}
	}
	ofFile := n.Path != "" || n.File != nil
	switch {
	case sources != 1:
		return Invalid(name, "", "needs one of {Path|Attr.Join.Path}, {File|Attr.Join.File}, {PID|Attr.Join.PID} and {PidFD|Attr.Join.PidFD}")
	case n.Kinds&^AllKinds != 0:
		return Invalid(name, "0x"+strconv.FormatUint(uint64(n.Kinds&^AllKinds), 16), "is no kind of namespace")
	case ofFile && bits.OnesCount32(uint32(n.Kinds)) != 1:
		return Invalid(name, n.Path, "needs the kind of the namespace in {Kinds|Attr.Join.Kinds}")
	case strings.IndexByte(n.Path, 0) >= 0:
		return Invalid(name, strconv.Quote(n.Path), "contains a NUL byte")
	case n.PID < 0:
		return Invalid(name, Itoa(n.PID), "is no process")
	}
	return nil
}

// A Joined namespace is one that the child joins.
type Joined struct {
	Kind  NamespaceKind
	Fd    int // or -1, of a plan
	Hole  int // what the steps of the second stage know it by
	Name  string
	Field string
	Given bool // the descriptor is the caller's, and stays open
}

// Holds reports whether a list has a namespace of a kind.
func Holds(list []Joined, kind NamespaceKind) bool {
	return slices.ContainsFunc(list, func(n Joined) bool { return n.Kind == kind })
}
