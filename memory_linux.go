//go:build amd64 || arm64

package sprog

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The maker of a user namespace has every capability over the processes in it,
// and so has every other process of his user outside of it (cap_capable in
// security/commoncap.c). A child that shares the parent's memory and enters one
// would give that to those who have no right to trace the parent. There are
// three ways:
//
//   - If every process of the user's may trace the parent anyway, nothing is lost.
//   - Memory that is undumpable before the child enters is out of reach: it takes
//     CAP_SYS_PTRACE in the user namespace in which the memory's program was
//     executed, which is the parent's. But the files in /proc that take the id
//     maps then belong to root.
//   - An image that was executed before, outside, has nothing of the parent's in
//     it. It is dumpable while its maps are written.

// guardMemory decides which way a start goes.
func (s *starter) guardMemory() *spec.Error {
	s.given.hides, s.given.standing = false, standing{}
	flags := s.ask.Sys.Cloneflags | s.ask.Sys.Unshareflags
	if s.ask.InPlace || flags&unix.CLONE_NEWUSER == 0 {
		return nil
	}
	s.given.standing = ownStanding()
	s.given.root = s.given.root && !s.tried.procIsOuter
	changes := s.ask.WritesOwnFiles() && s.ask.ChangesCredentials() // makes the memory undumpable, for other starts as well
	switch maps := s.ask.Meets() || s.ask.WritesOwnFiles(); {
	case s.given.stageField != "":
	case s.given.root || !maps:
		s.given.hides = s.given.guarded && reachesHidden(s.ask)
	case len(s.ask.Attr.Join) > 0: // undumpable in any case
	case (changes || s.given.guarded) && s.ask.MayHaveStages():
		s.given.stageField = spec.Field("Cloneflags")
		if s.ask.Sys.Cloneflags&unix.CLONE_NEWUSER == 0 {
			s.given.stageField = spec.Field("Unshareflags")
		}
	}
	return nil
}

// reachesHidden reports whether this process can do its part while the memory is undumpable:
// to take a listener from the child, it has to have the right to trace it.
func reachesHidden(r *spec.Start) bool { return !r.Listens() || kernel.HasCap(unix.CAP_SYS_PTRACE) }

// readsProc reports whether id maps are written through the child's files in /proc
// while it shares the parent's memory, by one or the other.
func (s *starter) readsProc() bool {
	return s.given.meetsEarly() || s.ask.WritesOwnFiles() && s.given.stageField == ""
}

// A standing is what this process is to other processes of its user's.
type standing struct {
	// root says that it owns the files in /proc that belong to root, and so does the
	// child. It may have a right to write to them otherwise (CAP_DAC_OVERRIDE), which the
	// child has not got inside.
	root bool
	// capable says that it holds capabilities.
	capable bool
	// guarded says that there may be some that have no right to trace it: those that lack a
	// capability of its or one of its ids, or any, where it is not dumpable or Yama restricts
	// them (ptrace(2)). Other security modules judge the child as they do the parent.
	guarded bool
}

// ownStanding looks anew for each start: it can change. Tests put another answer.
var ownStanding = func() standing {
	sets, err := kernel.OwnCaps()
	caps := err != nil || sets[0].Permitted|sets[1].Permitted != 0
	return standing{os.Geteuid() == 0, caps, caps || mixesIDs() || !machine.IsDumpable() || yama()}
}

// mixesIDs reports whether this process has different ids. A tracer has to have all
// of them.
func mixesIDs() bool {
	ruid, euid, suid := unix.Getresuid()
	rgid, egid, sgid := unix.Getresgid()
	return ruid != euid || suid != euid || rgid != egid || sgid != egid
}

// yama reports whether Yama may restrict tracing. Where /proc shows no settings, it is
// taken to be so.
func yama() bool {
	return yamaSays.Ask(func() bool {
		scope, err := kernel.Read("/proc/sys/kernel/yama/ptrace_scope")
		if err == unix.ENOENT {
			return !kernel.Exists("/proc/sys/kernel/ostype")
		}
		return err != nil || strings.TrimSpace(scope) != "0"
	})
}

var yamaSays kernel.Setting

// entersLate reports whether new namespaces are not what the child is born into,
// but what its second stage enters: those with a user namespace among them, and those that are to
// be made in joined ones. The image was executed outside then: undumpable, it
// cannot be traced by root inside, whom no filter of the program's need bind.
// That is of use to an init; any other would do no harm, and goes the same way.
func (g *given) entersLate() bool {
	flags := g.ask.Sys.Cloneflags & uintptr(spec.AllKinds)
	return g.stageField != "" && !g.ask.InPlace && (flags&unix.CLONE_NEWUSER != 0 || flags != 0 && len(g.ask.Attr.Join) > 0)
}

// meetsEarly reports whether the child waits for its maps in the first stage.
func (g *given) meetsEarly() bool { return g.ask.Meets() && !g.entersLate() }

// bornInto are the flags of SysProcAttr's that the child is cloned with.
func (g *given) bornInto() uint64 {
	flags := spec.BirthFlags(g.ask.Sys.Cloneflags)
	if g.entersLate() {
		flags &^= uint64(spec.AllKinds)
	}
	return flags
}

// relaysLate reports whether the second stage has to make a process to be in the namespaces,
// since it cannot enter them itself.
func (g *given) relaysLate() bool {
	born := uintptr(unix.CLONE_NEWPID | unix.CLONE_NEWTIME)
	return g.entersLate() && g.ask.Sys.Cloneflags&born != 0 || g.stageField != "" && !g.ask.InPlace && g.joins.joins(spec.PIDNamespace)
}

// enterLate enters the new namespaces in the second stage, and has the parent
// write the maps.
func (b *builder) enterLate() {
	name, flags := spec.Field("Cloneflags"), uint64(0)
	switch {
	case b.given.entersLate():
		flags = spec.BirthFlags(b.ask.Sys.Cloneflags) & uint64(spec.AllKinds)
	case b.given.relaysLate():
		name = "Attr.Join"
	default:
		return
	}
	relays, opens := b.given.relaysLate(), b.ask.Meets() && !b.given.root
	if (relays || !opens) && len(b.given.joins.late) == 0 { // after a join it is so
		b.add(name, program.Prctl, num(unix.PR_SET_DUMPABLE), num(0))
	}
	if relays {
		b.relayLate(name, flags)
	} else {
		b.add(name, program.Unshare, num(flags))
	}
	if relays && opens {
		// The process that has made this one has the rights of the parent, and
		// the same memory. The parent answers when it is gone.
		b.tellAndWait(name, machine.Relayed)
		b.add(name, program.Prctl, num(unix.PR_SET_DUMPABLE), num(1))
	}
	if b.ask.Meets() {
		b.made.meetAt = b.p.Len()
		b.tellAndWait(b.ask.MapFiles()[0].Field, machine.Entered)
		b.add(name, program.Close, num(b.table.at(b.given.waitFD)))
		b.table.setOpen(b.table.at(b.given.waitFD), false)
	}
}

// relayLate has the second stage make another process, in the namespaces, which goes on.
func (b *builder) relayLate(name string, flags uint64) {
	p := b.p
	flags |= unix.CLONE_VM | unix.CLONE_FILES | unix.CLONE_PARENT | unix.CLONE_PARENT_SETTID
	if b.given.lacks.Has(kernel.NoClone3) {
		b.add(name, program.Clone, num(flags), num(0), num(machine.RelayedAt)).Into(p.Words(0)).Relay = true
	} else {
		const parentTID = 3 // of struct clone_args
		args := [11]uint64{0: flags, parentTID: machine.RelayedAt}
		b.add(name, program.Clone3, p.Words(args[:]...), num(88)).Into(p.Words(0)).Relay = true
	}
}

// tellAndWait tells the parent a word and waits for its answer. Should the
// parent be gone, the child goes, too.
func (b *builder) tellAndWait(field, word string) {
	p := b.p
	got, wait, answered := p.Words(0), b.table.at(b.given.waitFD), p.Ahead()
	b.add(field, program.Write, num(b.made.report), p.Str(word), num(len(word)))
	b.add(field, program.Read, num(wait), p.Buffer(1), num(1)).Into(got)
	p.GotoIf(field, got, num(1), &answered).Quiet = true
	b.add(field, program.ExitGroup, num(125)).Quiet = true
	answered.Place()
}
