//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// The order is what capabilities(7) makes it. Bounding is dropped first, while
// CAP_SETPCAP is effective; a change of the user takes it away. Then, after
// that change, the inheritable set is made within bounding and permitted, ambient
// within inheritable and permitted, and only then the flags that may forbid
// ambient capabilities to be raised. What is permitted and effective in
// the end comes last where there are flags to set: they need CAP_SETPCAP too.

// keepsCaps reports whether capabilities have to be kept over a change of the
// user.
func (r *request) keepsCaps() bool {
	if !r.changesCaps() {
		return len(r.sys.AmbientCaps) > 0
	}
	return r.dropsEffective() && (r.caps.adds() || r.attr.Securebits != nil)
}

func (b *builder) keepCaps() {
	if b.ask.keepsCaps() {
		b.add(b.ask.capsField(), program.Prctl, num(unix.PR_SET_KEEPCAPS), num(1))
	}
}

// capsField is the field that a step for several of them belongs to.
func (r *request) capsField() string {
	switch {
	case r.attr.Caps != nil:
		return "Attr.Caps"
	case r.attr.Securebits != nil:
		return "Attr.Securebits"
	}
	return field("AmbientCaps")
}

func (b *builder) dropBounding() {
	drop := b.ask.caps[kernel.Bounding].loses() & kernel.Caps()
	for c := range uint64(64) {
		if drop>>c&1 != 0 {
			b.add("Attr.Caps.Bounding", program.Prctl, num(unix.PR_CAPBSET_DROP), num(c))
		}
	}
}

// capabilities makes all sets but the bounding one, and the secure bits.
func (b *builder) capabilities() {
	e := b.ask.caps
	if !b.ask.changesCaps() {
		b.ambientCaps()
		return
	}
	if b.ask.attr.Securebits == nil {
		b.capset(b.ask.capsField(), e)
		b.changeAmbient(e[kernel.Ambient])
		return
	}
	before := e
	before[kernel.Permitted], before[kernel.Effective] = edit{}, edit{}
	if b.ask.dropsEffective() {
		before[kernel.Effective].set = 1 << unix.CAP_SETPCAP
	}
	b.capset(b.ask.capsField(), before)
	b.changeAmbient(e[kernel.Ambient])
	b.securebits()
	e[kernel.Inheritable] = edit{}
	b.capset(b.ask.capsField(), e)
}

// capset sets the effective, permitted and inheritable sets, to what they are
// with the edits done.
func (b *builder) capset(name string, e capEdits) {
	if e[kernel.Effective].isZero() && e[kernel.Permitted].isZero() && e[kernel.Inheritable].isZero() {
		return
	}
	p := b.p
	if b.made.second == nil && e[kernel.Permitted].clear != 0 {
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
		set, clear := uint32(e[word%3].set>>(word/3*32)), uint32(e[word%3].clear>>(word/3*32))
		move := p.Copy(name, own.Plus(4*word), sets.Plus(4*word))
		move.Args[2], move.Args[3] = num(set), num(clear)
	}
	b.add(name, program.Capset, header, sets)
}

func (b *builder) changeAmbient(e edit) {
	drop, name := e.loses()&kernel.Caps(), "Attr.Caps.Ambient"
	if e.clear == kernel.AllCaps {
		b.add(name, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL))
		drop = 0
	}
	for c := range uint64(64) {
		switch {
		case drop>>c&1 != 0:
			b.add(name, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_LOWER), num(c))
		case e.set>>c&1 != 0:
			b.add(name, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(c))
		}
	}
}

// capsBefore are the sets that the child has before any of this.
func capsBefore(r *request) (sets [kernel.CapSets]uint64) {
	if r.newUserNamespace() || r.joinsUser {
		sets[kernel.Effective], sets[kernel.Permitted], sets[kernel.Bounding] = kernel.Caps(), kernel.Caps(), kernel.Caps()
		return sets
	}
	sets = kernel.OwnSets()
	if r.secondStage() != "" && unix.Geteuid() == 0 { // its execve has made them anew
		sets[kernel.Permitted] = sets[kernel.Bounding] | sets[kernel.Inheritable]
		sets[kernel.Effective] = sets[kernel.Permitted]
	}
	return sets
}

func (r *request) newUserNamespace() bool {
	return (r.sys.Cloneflags|r.sys.Unshareflags)&unix.CLONE_NEWUSER != 0
}

// checkRights refuses what this process has no right to ask for. A plan is
// made without a look at that.
func (s *starter) checkRights() *StartError {
	if !s.ask.changesCaps() {
		return nil
	}
	if s.ask.joinsUser = s.given.joins.joins(UserNamespace); s.ask.joinsUser {
		if err := checkCaps(s.ask); err != nil { // which takes other sets for the present ones
			err.Path = s.ask.path
			return err
		}
	}
	if s.describing {
		return nil
	}
	e, before := s.ask.caps, capsBefore(s.ask)
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
		{kernel.Ambient, e[kernel.Ambient].set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Effective, e[kernel.Effective].set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Permitted, e[kernel.Permitted].set &^ before[kernel.Permitted], "is not permitted to this process"},
		{kernel.Inheritable, e[kernel.Inheritable].set &^ within, "is not in this process's bounding set, or permitted to it"},
		{kernel.Bounding, e[kernel.Bounding].set &^ before[kernel.Bounding], "is not in this process's bounding set, which can only shrink"},
	} {
		if c.bad != 0 {
			return &StartError{Path: s.ask.path, Field: "Attr.Caps." + capSetNames[c.set], Object: oneCap(c.bad), Err: denied(c.reason)}
		}
	}
	if drop := e[kernel.Bounding].loses() & kernel.Caps(); drop != 0 && !setpcap {
		return &StartError{Path: s.ask.path, Field: "Attr.Caps.Bounding", Object: oneCap(drop), Err: denied("cannot be dropped without CAP_SETPCAP")}
	}
	if s.ask.attr.Securebits != nil && before[kernel.Permitted]>>unix.CAP_SETPCAP&1 == 0 && !s.ask.secure.unprivileged() {
		return &StartError{Path: s.ask.path, Field: "Attr.Securebits", Err: denied("cannot be changed without CAP_SETPCAP")}
	}
	return nil
}
