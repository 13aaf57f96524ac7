//go:build amd64 || arm64

package sprog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

const possibleCPUs = "/sys/devices/system/cpu/possible"

// lookForCPUs refuses CPUs that this machine cannot have: the kernel ignores
// them as long as it knows another one of the list.
func (s *starter) lookForCPUs() *spec.Error {
	if s.describing || s.ask.Attr.CPUs == nil {
		return nil
	}
	text, _ := kernel.Read(possibleCPUs)
	possible, err := ParseCPUList(strings.TrimSpace(text))
	if err != nil {
		return nil // without sysfs the kernel has the word
	}
	for i, n := range s.ask.Attr.CPUs {
		if !slices.Contains(possible, n) {
			e := spec.Invalid(spec.Index("Attr.CPUs", i), strconv.Itoa(n), "is none of this machine's CPUs, "+spec.FormatCPUList(possible))
			e.Path = s.ask.Path
			return e
		}
	}
	return nil
}

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
	size := num(8 * len(words))
	b.add(field, program.SchedSetaffinity, num(0), size, mask)
	b.p.Label(got, "allowed")
	b.add(field, program.SchedGetaffinity, num(0), num(most), got)
	has := b.p.Ahead()
	b.insist(got, words, &has)
	// The size makes it EINVAL, which is also the answer if none is left.
	b.add(field, program.SchedSetaffinity, num(0), num(0), mask).Quiet = true
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
		p.GotoIf("", got.Plus(4*i), num(uint32(words[i/2]>>(i%2*32))), to).Then(&lacks).Quiet = true
		next.Place()
	}
	lacks.Place()
}
