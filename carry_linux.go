//go:build amd64 || arm64

package sprog

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
	if !b.given.carries {
		return
	}
	p := b.p
	header := p.Uint32s(unix.LINUX_CAPABILITY_VERSION_3, 0)
	own, sets := p.Buffer(24), p.Buffer(32)
	p.Label(own, "own")
	b.add(b.given.stageField, program.Capget, header, own)
	for word, from := range [6]int{0, 1, 1, 3, 4, 4} { // as in capset, but permitted twice
		p.Copy(b.given.stageField, own.Plus(4*from), sets.Plus(4*word))
	}
	b.add(b.given.stageField, program.Capset, header, sets)
	again := p.Here()
	b.add(b.given.stageField, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(0)).Ignore(uint32(unix.EINVAL)).Ignore(uint32(unix.EPERM)) // securebits may forbid it
	p.CountUp(p.Words(0), bits.Len64(b.given.kernelCaps), &again, p.Slot(2))
}

// putCapsBack makes effective, inheritable and ambient what was that before. A
// new user namespace makes them anew.
func (b *builder) putCapsBack() {
	if !b.given.carries || b.ask.NewUserNamespace() {
		return
	}
	b.add(b.given.stageField, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL)).Ignore(uint32(unix.EINVAL))
	var e spec.CapEdits
	e[kernel.Effective] = spec.Edit{Set: b.given.own[kernel.Effective], Clear: kernel.AllCaps}
	e[kernel.Inheritable] = spec.Edit{Set: b.given.own[kernel.Inheritable], Clear: kernel.AllCaps}
	b.capset(b.given.stageField, e)
	for c := range uint64(64) {
		if b.given.own[kernel.Ambient]>>c&1 != 0 {
			b.add(b.given.stageField, program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(c))
		}
	}
}

// findCaps decides whether there is something to take along.
func (s *starter) findCaps() {
	if s.given.standing == (standing{}) {
		s.given.standing = ownStanding()
	}
	if s.given.carries = !s.given.root && s.given.capable; s.given.carries {
		s.given.own = kernel.OwnSets()
	}
}
