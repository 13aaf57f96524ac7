//go:build amd64 || arm64

package machine

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
)

// slots lends out the low descriptor numbers that were kept when the process
// started. The last one is never lent: it keeps the file that marks the others.
var slots struct {
	mu   sync.Mutex
	lent [64]bool
}

// EndSlot is the end of the low numbers: descriptors below it are the
// process's first ones or slots.
func EndSlot() int { return atstart.EndSlot }

// Borrow makes fd available at a low number until Return. It reports false
// where there is none.
func Borrow(fd int) (slot int, ok bool, err error) {
	slots.mu.Lock()
	defer slots.mu.Unlock()
	for slot = atstart.FirstSlot; slot < atstart.EndSlot-1; slot++ {
		if slots.lent[slot-atstart.FirstSlot] {
			continue
		}
		if !isSlot(slot) || !isSlot(atstart.EndSlot-1) {
			return 0, false, nil // the program has closed it, and maybe uses the number
		}
		if err := unix.Dup3(fd, slot, unix.O_CLOEXEC); err != nil {
			return 0, false, err
		}
		slots.lent[slot-atstart.FirstSlot] = true
		return slot, true, nil
	}
	return 0, false, nil
}

// Return gives back a borrowed slot, and with it the reference to the file.
func Return(slot int) {
	slots.mu.Lock()
	defer slots.mu.Unlock()
	unix.Dup3(atstart.EndSlot-1, slot, unix.O_CLOEXEC)
	slots.lent[slot-atstart.FirstSlot] = false
}

func isSlot(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err == nil && flags&(unix.O_ACCMODE|atstart.SlotFlags) == atstart.SlotFlags
}

// IsSlot reports whether a descriptor is one of those that were kept, lent or
// not.
func IsSlot(fd int) bool {
	if fd < atstart.FirstSlot || fd >= atstart.EndSlot {
		return false
	}
	slots.mu.Lock()
	defer slots.mu.Unlock()
	return slots.lent[fd-atstart.FirstSlot] || isSlot(fd)
}
