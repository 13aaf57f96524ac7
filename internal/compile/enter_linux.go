//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// EntersLate reports whether new namespaces are not what the child is born into,
// but what its second stage enters: those with a user namespace among them, and those that are to
// be made in joined ones. The image was executed outside then: undumpable, it
// cannot be traced by root inside, whom no filter of the program's need bind.
// That is of use to an init; any other would do no harm, and goes the same way.
func (g *Input) EntersLate() bool {
	flags := g.Ask.Sys.Cloneflags & uintptr(spec.AllKinds)
	return g.StageField != "" && !g.Ask.InPlace && (flags&unix.CLONE_NEWUSER != 0 || flags != 0 && len(g.Ask.Attr.Join) > 0)
}

// MeetsEarly reports whether the child waits for its parent in the first stage.
func (g *Input) MeetsEarly() bool { return g.Ask.Meets() && !g.MeetsLate() }

// MeetsLate reports whether it does so in the second stage: where that comes to be in the
// namespaces, and where it may have to wait long.
func (g *Input) MeetsLate() bool {
	late := g.EntersLate() || g.Ask.Attr.Meet != nil || len(g.Ask.Attr.Join) > 0
	return g.Ask.Meets() && g.StageField != "" && !g.Ask.InPlace && late
}

// BornInto are the flags of SysProcAttr's that the child is cloned with.
func (g *Input) BornInto() uint64 {
	flags := spec.BirthFlags(g.Ask.Sys.Cloneflags)
	if g.EntersLate() {
		flags &^= uint64(spec.AllKinds)
	}
	return flags
}

// MakesSiblingLate reports whether the second stage has to make a process to be in the namespaces,
// since it cannot enter them itself.
func (g *Input) MakesSiblingLate() bool {
	born := uintptr(unix.CLONE_NEWPID | unix.CLONE_NEWTIME)
	return g.EntersLate() && g.Ask.Sys.Cloneflags&born != 0 || g.StageField != "" && !g.Ask.InPlace && g.Joins.Has(spec.PIDNamespace)
}

// enterLate enters the new namespaces in the second stage, and meets the parent there.
func (b *builder) enterLate() {
	switch {
	case b.given.EntersLate():
		b.enterNamespaces("SysProcAttr.Cloneflags", spec.BirthFlags(b.ask.Sys.Cloneflags)&uint64(spec.AllKinds))
	case b.given.MakesSiblingLate():
		b.enterNamespaces("Attr.Join", 0)
	}
	if b.given.MeetsLate() {
		b.meetLate()
	}
}

// enterNamespaces makes namespaces, and a process in them where it takes one.
func (b *builder) enterNamespaces(name string, flags uint64) {
	sibling := b.given.MakesSiblingLate()
	opens := b.given.MeetsLate() && !b.given.Root && flags&unix.CLONE_NEWUSER != 0 // for its maps to be written
	if (sibling || !opens) && len(b.given.Joins.Late) == 0 {                       // after a join it is so
		b.add(name, program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
	}
	if sibling {
		b.siblingLate(name, flags)
	} else {
		b.add(name, program.Unshare, Num(flags))
	}
	if sibling && opens {
		// The process that has made this one has the rights of the parent, and
		// the same memory. The parent answers when it is gone.
		b.tellAndWait(name, stage2.SiblingMade)
		b.add(name, program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(1))
	}
}

// meetLate has the parent do its part, with the sockets that it gets.
func (b *builder) meetLate() {
	b.sockets()
	name := b.ask.MeetField()
	b.made.MeetAt = b.p.Len()
	b.tellAndWait(name, stage2.Entered)
	if b.given.EntersLate() {
		name = spec.Field("Cloneflags")
	}
	b.add(name, program.Close, Num(b.fds.at(b.given.WaitFD)))
	b.fds.setOpen(b.fds.at(b.given.WaitFD), false)
}

// siblingLate has the second stage make a sibling, in the namespaces, which goes on.
func (b *builder) siblingLate(name string, flags uint64) {
	p := b.p
	flags |= unix.CLONE_VM | unix.CLONE_FILES | unix.CLONE_PARENT | unix.CLONE_PARENT_SETTID
	if b.given.Lacks.Has(kernel.NoClone3) {
		b.add(name, program.Clone, Num(flags), Num(0), Num(stage2.SiblingAt)).Into(p.Words(0)).Of(program.OfBirth).Sibling = true
	} else {
		const parentTID = 3 // of struct clone_args
		args := [11]uint64{0: flags, parentTID: stage2.SiblingAt}
		b.add(name, program.Clone3, p.Words(args[:]...), Num(88)).Into(p.Words(0)).Of(program.OfBirth).Sibling = true
	}
}

// tellAndWait tells the parent a word and waits for its answer. Should the
// parent be gone, the child goes, too.
func (b *builder) tellAndWait(field, word string) {
	p := b.p
	got, wait, answered := p.Words(0), b.fds.at(b.given.WaitFD), p.Ahead()
	b.add(field, program.Write, Num(b.made.Report), p.Str(word), Num(len(word)))
	b.add(field, program.Read, Num(wait), p.Buffer(1), Num(1)).Into(got)
	p.GotoIf(field, got, Num(1), &answered).Quiet = true
	b.add(field, program.ExitGroup, Num(125)).Quiet = true
	answered.Place()
}
