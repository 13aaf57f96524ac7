//go:build amd64 || arm64

package kernel

import (
	"sync"

	"golang.org/x/sys/unix"
)

// AllCaps are all that a kernel can have.
const AllCaps = ^uint64(0)

// Caps are the capabilities of the running kernel.
var Caps = sync.OnceValue(func() uint64 {
	for c := 63; c > 0; c-- {
		if _, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err == nil {
			return AllCaps >> (63 - c)
		}
	}
	return 0
})

// Indexes of the five sets. The first three are in the order in which capset(2)
// has them.
const (
	Effective = iota
	Permitted
	Inheritable
	Ambient
	Bounding
	CapSets
)

// OwnSets are the capabilities of this process.
func OwnSets() (sets [CapSets]uint64) {
	own, _ := OwnCaps()
	for i, half := range own {
		sets[Effective] |= uint64(half.Effective) << (32 * i)
		sets[Permitted] |= uint64(half.Permitted) << (32 * i)
		sets[Inheritable] |= uint64(half.Inheritable) << (32 * i)
	}
	for c := range uint64(64) {
		if Caps()>>c&1 != 0 {
			sets[Bounding] |= askCap(unix.PR_CAPBSET_READ, c, 0) << c
		}
		if sets[Permitted]&sets[Inheritable]>>c&1 != 0 { // or it cannot be ambient, capabilities(7)
			sets[Ambient] |= askCap(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_IS_SET, c) << c
		}
	}
	return sets
}

func askCap(op int, a, b uint64) uint64 {
	n, err := unix.PrctlRetInt(op, uintptr(a), uintptr(b), 0, 0)
	if err != nil || n != 1 {
		return 0
	}
	return 1
}

// HasCap reports whether this thread has a capability, over its own user
// namespace.
func HasCap(c int) bool {
	own, err := OwnCaps()
	return err == nil && own[c>>5].Effective>>(c&31)&1 != 0
}

// OwnCaps are the first three sets of this thread.
func OwnCaps() (sets [2]unix.CapUserData, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err = unix.Capget(&header, &sets[0])
	return sets, err
}
