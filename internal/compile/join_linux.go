//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// join joins namespaces, while the child still shares the parent's descriptors
// and has their numbers. Processes inside may be allowed to trace one that is
// in with them. The memory is the parent's, and must be out of their reach
// before.
func (b *builder) join() {
	j := &b.given.Joins
	if len(j.List) == 0 {
		return
	}
	b.add("Attr.Join", program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
	for _, n := range j.List {
		at := b.p.Hole(n.Name)
		b.made.joined = append(b.made.joined, at)
		b.add(n.Field, program.Setns, at, Num(n.Kind))
	}
	if b.given.Joins.MakesSibling {
		b.makeSibling()
	}
}

// joinLate joins what is joined in the second stage, first of all there: it
// was executed in the namespaces of the caller, so that undumpable means out of
// reach for whoever is root in another user namespace.
func (b *builder) joinLate() {
	if !b.ask.InPlace {
		b.joinRest()
	}
}

func (b *builder) joinRest() {
	j := &b.given.Joins
	if len(j.Late) == 0 {
		return
	}
	b.add("Attr.Join", program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
	for _, n := range j.Late {
		b.add(n.Field, program.Setns, Num(b.fds.at(n.Hole)), Num(n.Kind))
	}
}

// makeSibling has the child make another child of the parent's, in the PID
// namespace just joined, and in new namespaces if there are to be any. That one goes on.
func (b *builder) makeSibling() {
	m, p := &b.made, b.p
	m.ChildPid, m.ChildPidFD, m.ChildLeft = p.Words(0), p.Words(1<<32-1), p.Words(1)
	name := "Attr.Join"
	flags := unix.CLONE_VM | unix.CLONE_FILES | unix.CLONE_PARENT | unix.CLONE_CHILD_CLEARTID | b.given.BornInto()
	if b.given.BornInto() != 0 {
		name = spec.Field("Cloneflags")
	}
	if b.given.Copied {
		flags &^= unix.CLONE_FILES
	}
	if !b.given.NoPidFD {
		flags |= unix.CLONE_PIDFD
	}
	if b.given.Lacks.Has(kernel.NoClone3) {
		// The place of the address that is cleared depends on the
		// architecture; without CLONE_SETTLS the other one is ignored.
		b.add(name, program.Clone, Num(flags), Num(0), m.ChildPidFD, m.ChildLeft, m.ChildLeft).Into(m.ChildPid).Of(program.OfBirth).Sibling = true
		return
	}
	// The kernel notes the number before the new process runs, whatever
	// becomes of the old one.
	flags |= unix.CLONE_PARENT_SETTID
	args := p.Words(flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	for i, at := range []program.Arg{m.ChildPidFD, m.ChildLeft, m.ChildPid} {
		p.Point(args.Plus(8+8*i), at)
	}
	b.add(name, program.Clone3, args, Num(88)).Into(m.ChildPid).Of(program.OfBirth).Sibling = true
}
