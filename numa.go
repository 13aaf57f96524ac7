package sprog

// A NUMAMode is a memory policy of set_mempolicy(2), by the kernel's name of
// it.
type NUMAMode string

const (
	NUMADefault            NUMAMode = "MPOL_DEFAULT"             // the system's: the node that the process runs on
	NUMABind               NUMAMode = "MPOL_BIND"                // the nodes and no others
	NUMAPreferred          NUMAMode = "MPOL_PREFERRED"           // the node while it has room
	NUMAPreferredMany      NUMAMode = "MPOL_PREFERRED_MANY"      // the nodes while they have room; Linux 5.15
	NUMAInterleave         NUMAMode = "MPOL_INTERLEAVE"          // the nodes in turn
	NUMAWeightedInterleave NUMAMode = "MPOL_WEIGHTED_INTERLEAVE" // in turn by their weights; Linux 6.9
	NUMALocal              NUMAMode = "MPOL_LOCAL"               // the node that the process runs on; Linux 3.8
)

// A NUMA is the policy by which the child and its descendants get memory on
// the nodes of the machine; see set_mempolicy(2) and numa(7). It goes for
// the program's own memory too, but not for pages that files have in
// the page cache already.
type NUMA struct {
	Mode NUMAMode

	// Nodes are the nodes: one for NUMAPreferred, none for NUMADefault and
	// NUMALocal, at least one for the others. A node that is offline, or
	// not in the child's cpuset, is an error. See [ParseCPUList].
	Nodes []int

	// StaticNodes keeps the nodes as they are when the cpuset's change
	// (MPOL_F_STATIC_NODES). RelativeNodes takes them as numbers within the
	// cpuset's (MPOL_F_RELATIVE_NODES). Only for modes that have nodes,
	// and one at most; with either, the kernel does not tell whether
	// a node is missing.
	StaticNodes, RelativeNodes bool
}
