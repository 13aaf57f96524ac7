//go:build amd64 || arm64

package sprog

import (
	"unsafe"

	"golang.org/x/sys/unix"

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
	drop := b.ask.caps[bounding].loses() & kernelCaps()
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
		b.changeAmbient(e[ambient])
		return
	}
	before := e
	before[permitted], before[effective] = edit{}, edit{}
	if b.ask.dropsEffective() {
		before[effective].set = 1 << unix.CAP_SETPCAP
	}
	b.capset(b.ask.capsField(), before)
	b.changeAmbient(e[ambient])
	b.securebits()
	e[inheritable] = edit{}
	b.capset(b.ask.capsField(), e)
}

// capset sets the effective, permitted and inheritable sets, to what they are
// with the edits done.
func (b *builder) capset(name string, e capEdits) {
	if e[effective].isZero() && e[permitted].isZero() && e[inheritable].isZero() {
		return
	}
	p := b.p
	if b.made.second == nil && e[permitted].clear != 0 {
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
	for word := range uint64(6) {
		set, clear := uint32(e[word%3].set>>(word/3*32)), uint32(e[word%3].clear>>(word/3*32))
		at := program.Arg{Kind: program.Address, Value: own.Value + 4*word}
		p.Add(name, program.Move, at, num(0), num(set), num(clear)).Quiet = true
		p.FeedData(p.Len()-1, program.Arg{Kind: program.Address, Value: sets.Value + 4*word})
	}
	b.add(name, program.Capset, header, sets)
}

func (b *builder) changeAmbient(e edit) {
	drop, name := e.loses()&kernelCaps(), "Attr.Caps.Ambient"
	if e.clear == allCaps {
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
func (r *request) capsBefore() (sets [capSets]uint64) {
	if r.newUserNamespace() || r.joinsUser {
		sets[effective], sets[permitted], sets[bounding] = kernelCaps(), kernelCaps(), kernelCaps()
		return sets
	}
	sets = ownSets()
	if r.secondStage() != "" && unix.Geteuid() == 0 { // its execve has made them anew
		sets[permitted] = sets[bounding] | sets[inheritable]
		sets[effective] = sets[permitted]
	}
	return sets
}

// ownSets are the capabilities of this process.
func ownSets() (sets [capSets]uint64) {
	var own [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	unix.Capget(&header, unsafe.SliceData(own[:]))
	for i, half := range own {
		sets[effective] |= uint64(half.Effective) << (32 * i)
		sets[permitted] |= uint64(half.Permitted) << (32 * i)
		sets[inheritable] |= uint64(half.Inheritable) << (32 * i)
	}
	for c := range uint64(64) {
		if kernelCaps()>>c&1 != 0 {
			sets[bounding] |= askCap(unix.PR_CAPBSET_READ, c, 0) << c
			sets[ambient] |= askCap(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c) << c
		}
	}
	return sets
}

func askCap(op int, a, b uint64) uint64 {
	n, err := unix.PrctlRetInt(op, uintptr(a), uintptr(b), 0, 0)
	if err != nil || n != 1 {
		return 0
	}
	return 1
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
		if err := s.ask.checkCaps(); err != nil { // which takes other sets for the present ones
			err.Path = s.ask.path
			return err
		}
	}
	if s.describing {
		return nil
	}
	e, before := s.ask.caps, s.ask.capsBefore()
	setpcap := before[effective]>>unix.CAP_SETPCAP&1 != 0
	within := before[inheritable] | before[bounding]
	if !setpcap {
		within &= before[inheritable] | before[permitted]
	}
	for _, c := range []struct {
		set    int
		bad    uint64
		reason string
	}{
		{ambient, e[ambient].set &^ before[permitted], "is not permitted to this process"},
		{effective, e[effective].set &^ before[permitted], "is not permitted to this process"},
		{permitted, e[permitted].set &^ before[permitted], "is not permitted to this process"},
		{inheritable, e[inheritable].set &^ within, "is not in this process's bounding set, or permitted to it"},
		{bounding, e[bounding].set &^ before[bounding], "is not in this process's bounding set, which can only shrink"},
	} {
		if c.bad != 0 {
			return &StartError{Path: s.ask.path, Field: "Attr.Caps." + capSetNames[c.set], Object: oneCap(c.bad), Err: denied(c.reason)}
		}
	}
	if drop := e[bounding].loses() & kernelCaps(); drop != 0 && !setpcap {
		return &StartError{Path: s.ask.path, Field: "Attr.Caps.Bounding", Object: oneCap(drop), Err: denied("cannot be dropped without CAP_SETPCAP")}
	}
	if s.ask.attr.Securebits != nil && before[permitted]>>unix.CAP_SETPCAP&1 == 0 && !s.ask.secure.unprivileged() {
		return &StartError{Path: s.ask.path, Field: "Attr.Securebits", Err: denied("cannot be changed without CAP_SETPCAP")}
	}
	return nil
}
