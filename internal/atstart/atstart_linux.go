//go:build amd64 || arm64

package atstart

import "unsafe"

// numSlots is enough for a few starts at the same time that each pass some
// descriptors. Without a free slot a start copies a larger table, no more.
const numSlots = 16

// call6 makes a system call. The result is a negated errno if it is in
// [-4095, -1].
//
//go:noescape
func call6(nr, a0, a1, a2, a3, a4, a5 uintptr) int

func init() {
	readNofile()
	keepSlots()
}

func readNofile() {
	const rlimitNofile = 7
	var lim [2]uint64
	if call6(sysPrlimit64, 0, rlimitNofile, 0, uintptr(unsafe.Pointer(&lim)), 0, 0) == 0 {
		NofileCur, NofileMax, NofileKnown = lim[0], lim[1], true
	}
}

// keepSlots takes consecutive numbers, or none. It makes no call that the
// runtime has not made before: a filter may kill for any other.
func keepSlots() {
	const (
		cloexec       = 0x80000
		atFdcwd       = -100
		fDupfdCloexec = 1030
		fewFiles      = 256 // a process that may open fewer needs them itself
	)
	if !NofileKnown || NofileCur < fewFiles {
		return
	}
	name, here := [...]byte{'/', 'd', 'e', 'v', '/', 'n', 'u', 'l', 'l', 0}, atFdcwd
	file := call6(sysOpenat, uintptr(here), uintptr(unsafe.Pointer(&name)), SlotFlags|cloexec, 0, 0, 0)
	if file < 0 {
		return
	}
	first := call6(sysFcntl, uintptr(file), fDupfdCloexec, 3, 0, 0, 0)
	end := first + 1
	for ; first >= 0 && end < first+numSlots; end++ {
		if fd := call6(sysFcntl, uintptr(file), fDupfdCloexec, uintptr(end), 0, 0, 0); fd != end {
			call6(sysClose, uintptr(fd), 0, 0, 0, 0, 0)
			break
		}
	}
	call6(sysClose, uintptr(file), 0, 0, 0, 0, 0)
	if first >= 0 {
		FirstSlot, EndSlot = first, end
	}
}
