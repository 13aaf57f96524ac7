//go:build amd64 || arm64

package compile

import (
	"slices"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// affinity sets the CPUs. The kernel leaves out those that are offline, or
// not in the child's cpuset, as long as there is another; so the child looks
// at what it got.
func (b *builder) affinity() {
	const field, most = "Attr.CPUs", spec.MostCPUs / 8
	if b.ask.Attr.CPUs == nil {
		return
	}
	words := bitmap(b.ask.Attr.CPUs)
	mask, got := b.p.Words(words...), b.p.Buffer(most)
	size := Num(8 * len(words))
	b.add(field, program.SchedSetaffinity, Num(0), size, mask)
	b.p.Label(got, "allowed")
	b.add(field, program.SchedGetaffinity, Num(0), Num(most), got)
	has := b.p.Ahead()
	b.insist(got, words, &has)
	// The size makes it EINVAL, which is also the answer if none is left.
	b.add(field, program.SchedSetaffinity, Num(0), Num(0), mask).Quiet = true
	has.Place()
}

// bitmap is the set of numbers as the kernel takes it.
func bitmap(list []int) []uint64 {
	words := make([]uint64, slices.Max(list)/64+1)
	for _, n := range list {
		words[n/64] |= 1 << (n % 64)
	}
	return words
}

// insist goes on with has if the buffer has these words, and otherwise with the
// following step.
func (b *builder) insist(got program.Arg, words []uint64, has *program.Target) {
	p, halves := b.p, 2*len(words)
	lacks := p.Ahead()
	for i := range halves {
		next := p.Ahead()
		to := &next
		if i == halves-1 {
			to = has
		}
		p.GotoIf("", got.Plus(4*i), Num(uint32(words[i/2]>>(i%2*32))), to).Then(&lacks).Quiet = true
		next.Place()
	}
	lacks.Place()
}
