//go:build amd64 || arm64

package spec

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// Number is the kernel's for a mode.
func (m NUMAMode) Number() (n int, known bool) {
	n, known = map[NUMAMode]int{
		NUMADefault: unix.MPOL_DEFAULT, NUMABind: unix.MPOL_BIND, NUMAPreferred: unix.MPOL_PREFERRED,
		NUMAPreferredMany: unix.MPOL_PREFERRED_MANY, NUMAInterleave: unix.MPOL_INTERLEAVE,
		NUMAWeightedInterleave: unix.MPOL_WEIGHTED_INTERLEAVE, NUMALocal: unix.MPOL_LOCAL,
	}[m]
	return n, known
}

// MostNodes is more than any kernel is built for.
const MostNodes = 1024

func (r *Start) checkNUMA() *Error {
	n := r.Attr.NUMA
	if n == nil {
		return nil
	}
	nodes := NUMAField + ".Nodes"
	_, known := n.Mode.Number()
	switch has := n.Mode != NUMADefault && n.Mode != NUMALocal; {
	case !known:
		return Invalid(NUMAField+".Mode", strconv.Quote(string(n.Mode)), "is no memory policy")
	case has && len(n.Nodes) == 0:
		return Invalid(nodes, "", terms.Sprintf("is empty, and %s needs nodes", n.Mode))
	case !has && len(n.Nodes) > 0:
		return Invalid(nodes, FormatCPUList(n.Nodes), terms.Sprintf("has nodes, and %s takes none", n.Mode))
	case n.Mode == NUMAPreferred && len(n.Nodes) > 1:
		return Invalid(nodes, FormatCPUList(n.Nodes), "is more than one node: MPOL_PREFERRED_MANY takes several")
	case !has && (n.StaticNodes || n.RelativeNodes):
		return Invalid(NUMAField, string(n.Mode), "has no nodes that could be static or relative")
	case n.StaticNodes && n.RelativeNodes:
		return Invalid(NUMAField, "", "cannot have nodes that are both static and relative")
	}
	return checkNumbers(nodes, n.Nodes, MostNodes)
}
