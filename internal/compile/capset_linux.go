//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) keepCaps() {
	if b.ask.KeepsCaps() {
		b.add(b.ask.CapsField(), program.Prctl, Num(unix.PR_SET_KEEPCAPS), Num(1))
	}
}

func (b *builder) dropBounding() {
	drop := b.ask.Caps[kernel.Bounding].Loses() & b.given.KernelCaps
	for c := range uint64(64) {
		if drop>>c&1 == 0 {
			continue
		}
		if c == unknown && drop>>c == ^uint64(0)>>c {
			b.dropUnknown()
			return
		}
		step := b.add("Attr.Caps.Bounding", program.Prctl, Num(unix.PR_CAPBSET_DROP), Num(c))
		if b.ask.Launcher != nil && c > knownToAll {
			step.Ignore(uint32(unix.EINVAL)) // the kernel has no such capability
		}
	}
}

// dropUnknown drops those that have no name yet, as far as the kernel has them.
func (b *builder) dropUnknown() {
	c, again := b.p.Words(unknown), b.p.Here()
	b.add("Attr.Caps.Bounding", program.Prctl, Num(unix.PR_CAPBSET_DROP), Num(unknown)).Ignore(uint32(unix.EINVAL))
	b.p.CountUp(c, Num(64), &again, b.p.Slot(1))
}

// unknown is the first capability that has no name yet.
const unknown = unix.CAP_LAST_CAP + 1

// knownToAll is the last capability of all kernels that a launcher can run on: CAP_AUDIT_READ, of Linux
// 3.16. It does not know which of the later ones its kernel has.
const knownToAll = unix.CAP_AUDIT_READ

// capabilities makes all sets but the bounding one, and the secure bits.
//
// The order is what capabilities(7) makes it. The bounding set is cut first, while
// CAP_SETPCAP is effective; a change of the user takes that away. Then, after that
// change, the inheritable set is made within the bounding and the permitted one, the
// ambient set within the inheritable and the permitted one, and only then the flags
// that may forbid to raise ambient capabilities. What is permitted and effective in
// the end comes last where there are flags to set: they need CAP_SETPCAP, too.
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
	if b.made.Second == nil && e[kernel.Permitted].Clear != 0 {
		// A process without these capabilities could trace the child then
		// (cap_ptrace_access_check), and through the memory that they share
		// the parent. The parent's flag is restored: see Credentials in
		// machine.Launch.
		b.add(name, program.Prctl, Num(unix.PR_SET_DUMPABLE), Num(0))
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
		move.Args[2], move.Args[3] = Num(set), Num(clear)
	}
	b.add(name, program.Capset, header, sets)
}

func (b *builder) changeAmbient(e spec.Edit) {
	drop, name := e.Loses()&b.given.KernelCaps, "Attr.Caps.Ambient"
	if e.Clear == kernel.AllCaps {
		b.add(name, program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_CLEAR_ALL))
		drop = 0
	}
	for c := range uint64(64) {
		switch {
		case drop>>c&1 != 0:
			step := b.add(name, program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_LOWER), Num(c))
			if b.ask.Launcher != nil && c > knownToAll {
				step.Ignore(uint32(unix.EINVAL))
			}
		case e.Set>>c&1 != 0:
			b.add(name, program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_RAISE), Num(c))
		}
	}
}
