//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const numaField = "Attr.NUMA"

// number is the kernel's for a mode.
func (m NUMAMode) number() (n int, known bool) {
	n, known = map[NUMAMode]int{
		NUMADefault: unix.MPOL_DEFAULT, NUMABind: unix.MPOL_BIND, NUMAPreferred: unix.MPOL_PREFERRED,
		NUMAPreferredMany: unix.MPOL_PREFERRED_MANY, NUMAInterleave: unix.MPOL_INTERLEAVE,
		NUMAWeightedInterleave: unix.MPOL_WEIGHTED_INTERLEAVE, NUMALocal: unix.MPOL_LOCAL,
	}[m]
	return n, known
}

// mostNodes is more than any kernel is built for.
const mostNodes = 1024

func (r *request) checkNUMA() *StartError {
	n := r.attr.NUMA
	if n == nil {
		return nil
	}
	nodes := numaField + ".Nodes"
	_, known := n.Mode.number()
	switch has := n.Mode != NUMADefault && n.Mode != NUMALocal; {
	case !known:
		return invalidf(numaField+".Mode", strconv.Quote(string(n.Mode)), "is no memory policy")
	case has && len(n.Nodes) == 0:
		return invalidf(nodes, "", "is empty, and "+string(n.Mode)+" needs nodes")
	case !has && len(n.Nodes) > 0:
		return invalidf(nodes, formatCPUList(n.Nodes), "has nodes, and "+string(n.Mode)+" takes none")
	case n.Mode == NUMAPreferred && len(n.Nodes) > 1:
		return invalidf(nodes, formatCPUList(n.Nodes), "is more than one node: MPOL_PREFERRED_MANY takes several")
	case !has && (n.StaticNodes || n.RelativeNodes):
		return invalidf(numaField, string(n.Mode), "has no nodes that could be static or relative")
	case n.StaticNodes && n.RelativeNodes:
		return invalidf(numaField, "", "cannot have nodes that are both static and relative")
	}
	return checkNumbers(nodes, n.Nodes, mostNodes)
}

// numa sets the memory policy. As with CPUs, the kernel leaves out nodes that
// cannot be had, and the child looks at what it got.
func (b *builder) numa() {
	n := b.ask.attr.NUMA
	if n == nil {
		return
	}
	mode, _ := n.Mode.number()
	if len(n.Nodes) == 0 {
		b.add(numaField, program.SetMempolicy, num(mode), num(0), num(0))
		return
	}
	if n.StaticNodes {
		mode |= unix.MPOL_F_STATIC_NODES
	}
	if n.RelativeNodes {
		mode |= unix.MPOL_F_RELATIVE_NODES
	}
	words := bitmap(n.Nodes)
	mask, got := b.p.Words(words...), b.p.Buffer(mostNodes/8)
	// The number of bits is one more than the kernel looks at.
	b.add(numaField, program.SetMempolicy, num(mode), mask, num(64*len(words)+1))
	b.p.Label(got, "allowed")
	b.add(numaField, program.GetMempolicy, num(0), got, num(mostNodes+1), num(0), num(0))
	has := b.p.Ahead()
	b.insist(got, words, &has)
	// So many bits are EINVAL, which is also the answer if no node is left.
	b.add(numaField, program.SetMempolicy, num(mode), mask, num(1<<31)).Quiet = true
	has.Place()
}
