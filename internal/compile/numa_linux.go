//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// numa sets the memory policy. As with CPUs, the kernel leaves out nodes that
// are not there for the child, which looks at what it got.
func (b *builder) numa() {
	n := b.ask.Attr.NUMA
	if n == nil {
		return
	}
	mode, _ := n.Mode.Number()
	if len(n.Nodes) == 0 {
		b.add(spec.NUMAField, program.SetMempolicy, Num(mode), Num(0), Num(0))
		return
	}
	if n.StaticNodes {
		mode |= unix.MPOL_F_STATIC_NODES
	}
	if n.RelativeNodes {
		mode |= unix.MPOL_F_RELATIVE_NODES
	}
	words := bitmap(n.Nodes)
	mask, got := b.p.Words(words...), b.p.Buffer(spec.MostNodes/8)
	// The number of bits is one more than the kernel looks at.
	b.add(spec.NUMAField, program.SetMempolicy, Num(mode), mask, Num(64*len(words)+1))
	b.p.Label(got, "allowed")
	b.add(spec.NUMAField, program.GetMempolicy, Num(0), got, Num(spec.MostNodes+1), Num(0), Num(0))
	has := b.p.Ahead()
	b.insist(got, words, &has)
	// So many bits are EINVAL, which is also the answer if no node is left.
	b.add(spec.NUMAField, program.SetMempolicy, Num(mode), mask, Num(1<<31)).Quiet = true
	has.Place()
}
