//go:build amd64 || arm64

package compile

import (
	"math/bits"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The execve of the second stage takes capabilities away from whoever is not
// root, which later steps may need. So it takes them along as ambient ones.

// carryCaps makes what is permitted inheritable and ambient.
func (b *builder) carryCaps() {
	if !b.given.Carries {
		return
	}
	p := b.p
	header := p.Uint32s(unix.LINUX_CAPABILITY_VERSION_3, 0)
	own, sets := p.Buffer(24), p.Buffer(32)
	p.Label(own, "own")
	b.addStage(program.Capget, header, own)
	for word, from := range [6]int{0, 1, 1, 3, 4, 4} { // as in capset, but permitted twice
		p.Copy(b.given.StageField, own.Plus(4*from), sets.Plus(4*word))
	}
	b.addStage(program.Capset, header, sets)
	again := p.Here()
	b.addStage(program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_RAISE), Num(0)).Ignore(uint32(unix.EINVAL)).Ignore(uint32(unix.EPERM)) // securebits may forbid it
	p.CountUp(p.Words(0), Num(bits.Len64(b.given.KernelCaps)), &again, p.Slot(2))
}

// putCapsBack makes effective, inheritable and ambient what was that before. A
// new user namespace makes them anew.
func (b *builder) putCapsBack() {
	if !b.given.Carries || b.ask.NewUserNamespace() {
		return
	}
	b.addStage(program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_CLEAR_ALL)).Ignore(uint32(unix.EINVAL))
	var e spec.CapEdits
	e[kernel.Effective] = spec.Edit{Set: b.given.Own[kernel.Effective], Clear: kernel.AllCaps}
	e[kernel.Inheritable] = spec.Edit{Set: b.given.Own[kernel.Inheritable], Clear: kernel.AllCaps}
	from := b.p.Len()
	b.capset(b.given.StageField, e)
	for i := from; i < b.p.Len(); i++ {
		b.p.Steps[i].Of(program.OfStage)
	}
	for c := range uint64(64) {
		if b.given.Own[kernel.Ambient]>>c&1 != 0 {
			b.addStage(program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_RAISE), Num(c))
		}
	}
}
