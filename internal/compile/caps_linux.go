//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// ambientCaps adds the capabilities to the permitted and inheritable sets,
// where they have to be before they can be raised in the ambient set
// (capabilities(7)).
func (b *builder) ambientCaps() {
	caps := b.ask.Sys.AmbientCaps
	if len(caps) == 0 {
		return
	}
	var add [2]uint32
	for _, c := range caps {
		add[c>>5] |= 1 << (c & 31)
	}
	name, p := spec.Field("AmbientCaps"), b.p
	header := p.Uint32s(unix.LINUX_CAPABILITY_VERSION_3, 0)
	own, sets := p.Buffer(24), p.Buffer(32)
	p.Label(own, "own")
	b.add(name, program.Capget, header, own)
	// The sets are two times effective, permitted, inheritable, 32 bits each.
	// A result is stored as 64 bits, so the words are copied in ascending
	// order: each overwrites the excess of the one before.
	for word := range 6 {
		var bits uint32
		if word%3 != 0 {
			bits = add[word/3]
		}
		p.Copy(name, own.Plus(4*word), sets.Plus(4*word)).Args[2] = Num(bits)
	}
	b.add(name, program.Capset, header, sets)
	for _, c := range caps {
		b.add(name, program.Prctl, Num(unix.PR_CAP_AMBIENT), Num(unix.PR_CAP_AMBIENT_RAISE), Num(c))
	}
}
