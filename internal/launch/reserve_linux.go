//go:build amd64 || arm64

package launch

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// reserve makes sure that the descriptors that the child needs are open. Those that are
// elsewhere borrow a low number, if one is left: the child's table is cut above the
// highest of them.
func (s *attempt) reserve() *spec.Error {
	g := &s.given
	g.ListHeld()
	g.Copied = g.Lacks.Has(kernel.NoCloseRange | kernel.OnlyVfork)
	if s.describing {
		return nil
	}
	// An Exec has no use for a low number: the table is its own process's.
	borrows := !s.ask.InPlace && !g.Copied
	for i := range g.Held {
		if err := borrowLow(&g.Held[i], borrows); err != nil {
			returnLow(g)
			return &spec.Error{Path: s.ask.Path, Object: "descriptor " + strconv.Itoa(g.Held[i].Fd), Field: g.Held[i].Field, Err: err}
		}
	}
	return nil
}

// borrowLow borrows a low number for a descriptor, if it may have one and one is left.
func borrowLow(h *compile.Held, borrows bool) error {
	switch {
	case h.Stays: // the child looks whether it is there
		return nil
	case !spec.Descriptor(h.Fd):
		return unix.EBADF
	}
	if h.Fd < machine.EndSlot() || !borrows || !h.Own && mayBeLocked(h.Fd) {
		_, err := unix.FcntlInt(uintptr(h.Fd), unix.F_GETFD, 0)
		return err
	}
	slot, ok, err := machine.Borrow(h.Fd)
	if ok {
		h.At, h.Borrowed = slot, true
	}
	return err
}

// mayBeLocked reports whether this process may hold a record lock on the file
// (F_SETLK in fcntl_locking(2)). To borrow a number for it means to close a
// descriptor of it in the end, and the kernel releases such locks with the first descriptor of the
// file that the process closes. Nobody locks pipes, sockets, what has no file and
// /dev/null, and a descriptor made with O_PATH has no part in it.
func mayBeLocked(fd int) bool {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return true
	}
	const memory = 1 // the major number of /dev/null and its kin
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFIFO, unix.S_IFSOCK, 0:
		return false
	case unix.S_IFCHR:
		return unix.Major(st.Rdev) != memory
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	return err != nil || flags&unix.O_PATH == 0
}

// returnLow takes the low numbers back.
func returnLow(g *compile.Input) {
	for i := range g.Held {
		if h := &g.Held[i]; h.Borrowed {
			machine.Return(h.At)
			h.Borrowed = false
		}
	}
}
