//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) keepCaps() {
	if b.ask.KeepsCaps() {
		b.add(b.ask.CapsField(), program.Prctl, num(unix.PR_SET_KEEPCAPS), num(1))
	}
}

func (b *builder) dropBounding() {
	drop := b.ask.Caps[kernel.Bounding].Loses() & b.given.kernelCaps
	for c := range uint64(64) {
		if drop>>c&1 != 0 {
			b.add("Attr.Caps.Bounding", program.Prctl, num(unix.PR_CAPBSET_DROP), num(c))
		}
	}
}

// capabilities makes all sets but the bounding one, and the secure bits.
func (b *builder) capabilities() {
	e := b.ask.Caps
	if !b.ask.ChangesCaps() {
		b.ambientCaps()
		return
	}
	if b.ask.Attr.Securebits == nil {
		b.capset(b.ask.CapsField(), e)
		b.changeAmbient(e[kernel.Ambient])
		return
	}
	before := e
	before[kernel.Permitted], before[kernel.Effective] = spec.Edit{}, spec.Edit{}
	if b.ask.DropsEffective() {
		before[kernel.Effective].Set = 1 << unix.CAP_SETPCAP
	}
	b.capset(b.ask.CapsField(), before)
	b.changeAmbient(e[kernel.Ambient])
	b.securebits()
	e[kernel.Inheritable] = spec.Edit{}
	b.capset(b.ask.CapsField(), e)
}

// capset sets the effective, permitted and inheritable sets, to what they are
// with the edits done.
func (b *builder) capset(name string, e spec.CapEdits) {
	if e[kernel.Effective].IsZero() && e[kernel.Permitted].IsZero() && e[kernel.Inheritable].IsZero() {
		return
	}
	p := b.p
	if b.made.second == nil && e[kernel.Permitted].Clear != 0 {
		// A process without these capabilities could trace the child then
		// (cap_ptrace_access_check), and through the memory that they share
		// the parent. The parent's flag is restored, see Launch.Credentials.
		b.add(name, program.Prctl, num(unix.PR_SET_DUMPABLE), num(0))
	}
	header := p.Uint32s(unix.LINUX_CAPABILITY_VERSION_3, 0)
	own, sets := p.Buffer(24), p.Buffer(32)
	p.Label(own, "own")
	b.add(name, program.Capget, header, own)
	// The sets are two times effective, permitted, inheritable, 32 bits each.
	// A result is stored as 64 bits, so the words are copied in ascending
	// order: each overwrites the excess of the one before.
	for word := range 6 {
		set, clear := uint32(e[word%3].Set>>(word/3*32)), uint32(e[word%3].Clear>>(word/3*32))
		move := p.Copy(name, own.Plus(4*word), sets.Plus(4*word))
		move.Args[2], move.Args[3] = num(set), num(clear)
	}
	b.add(name, program.Capset, header, sets)
}

func (b *builder) changeAmbient(e spec.Edit) {
	drop, name := e.Loses()&b.given.kernelCaps, "Attr.Caps.Ambient"
	if e.Clear == kernel.AllCaps {
		b.add(name, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL))
		drop = 0
	}
	for c := range uint64(64) {
		switch {
		case drop>>c&1 != 0:
			b.add(name, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_LOWER), num(c))
		case e.Set>>c&1 != 0:
			b.add(name, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(c))
		}
	}
}

// capsBefore are the sets that the child has before any of this.
func capsBefore(r *spec.Start) (sets [kernel.CapSets]uint64) {
	if r.NewUserNamespace() || r.JoinsUser {
		sets[kernel.Effective], sets[kernel.Permitted], sets[kernel.Bounding] = kernel.Caps(), kernel.Caps(), kernel.Caps()
		return sets
	}
	sets = kernel.OwnSets()
	if r.SecondStage() != "" && unix.Geteuid() == 0 { // its execve has made them anew
		sets[kernel.Permitted] = sets[kernel.Bounding] | sets[kernel.Inheritable]
		sets[kernel.Effective] = sets[kernel.Permitted]
	}
	return sets
}

// checkRights refuses what this process has no right to ask for. A plan is
// made without a look at that.
func (s *starter) checkRights() *spec.Error {
	if !s.ask.ChangesCaps() {
		return nil
	}
	if s.ask.JoinsUser = s.given.joins.joins(spec.UserNamespace); s.ask.JoinsUser {
		if err := checkCaps(s.ask); err != nil { // which takes other sets for the present ones
			err.Path = s.ask.Path
			return err
		}
	}
	if s.describing {
		return nil
	}
	e, before := s.ask.Caps, capsBefore(s.ask)
	setpcap := before[kernel.Effective]>>unix.CAP_SETPCAP&1 != 0
	within := before[kernel.Inheritable] | before[kernel.Bounding]
	if !setpcap {
		within &= before[kernel.Inheritable] | before[kernel.Permitted]
	}
	for _, c := range []struct {
		set    int
		bad    uint64
		reason string
	}{
		{kernel.Ambient, e[kernel.Ambient].Set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Effective, e[kernel.Effective].Set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Permitted, e[kernel.Permitted].Set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Inheritable, e[kernel.Inheritable].Set &^ within, "is not in this process's bounding set, or permitted to it"},
		{kernel.Bounding, e[kernel.Bounding].Set &^ before[kernel.Bounding], "is not in this process's bounding set, which can only shrink"},
	} {
		if c.bad != 0 {
			return &spec.Error{Path: s.ask.Path, Field: "Attr.Caps." + spec.CapSetNames[c.set], Object: spec.OneCap(c.bad), Err: spec.Denied(c.reason)}
		}
	}
	if drop := e[kernel.Bounding].Loses() & kernel.Caps(); drop != 0 && !setpcap {
		return &spec.Error{Path: s.ask.Path, Field: "Attr.Caps.Bounding", Object: spec.OneCap(drop), Err: spec.Denied("cannot be dropped without CAP_SETPCAP")}
	}
	if s.ask.Attr.Securebits != nil && before[kernel.Permitted]>>unix.CAP_SETPCAP&1 == 0 && !s.ask.Secure.Unprivileged() {
		return &spec.Error{Path: s.ask.Path, Field: "Attr.Securebits", Err: spec.Denied("cannot be changed without CAP_SETPCAP")}
	}
	return nil
}
