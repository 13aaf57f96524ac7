//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// hold makes sure that the descriptors which the child needs are open, and
// lends those a low number that are elsewhere, as far as that can be had: the
// highest of them is where the child's table is cut.
func (s *starter) hold() *spec.Error {
	g := &s.given
	g.listHeld()
	if s.describing {
		return nil
	}
	g.copied = g.lacks.Has(kernel.NoCloseRange | kernel.OnlyVfork)
	// An Exec has no use for a low number: the table is its own process's.
	lendable := !s.ask.InPlace && !g.copied
	for i := range g.held {
		if err := lendLow(&g.held[i], lendable); err != nil {
			returnLow(g)
			return &spec.Error{Path: s.ask.Path, Object: "descriptor " + strconv.Itoa(g.held[i].fd), Field: g.held[i].field, Err: err}
		}
	}
	return nil
}

// listHeld lists the descriptors that the child needs, where they are.
func (g *given) listHeld() {
	g.held = g.held[:0]
	for _, f := range g.files {
		if f.Held() {
			g.hold(use{f.Fd, f.Field, program.ForProgram, f.Source == spec.Inline, f.Source == spec.Inherited})
		}
	}
	for _, u := range g.uses {
		g.hold(u)
	}
}

// drop closes a descriptor of the parent's when the last step has used it, if
// the program itself is not to have the file.
func (b *builder) drop(fd int, field string) {
	t := &b.table
	for i := range t.held {
		h := &t.held[i]
		if h.fd != fd {
			continue
		}
		if h.uses--; h.uses == 0 {
			b.add(field, program.Close, num(h.at))
			t.setOpen(h.at, false)
		}
	}
}

func (g *given) hold(u use) {
	for i := range g.held {
		if h := &g.held[i]; h.fd == u.fd {
			h.uses++
			h.stays = h.stays && u.stays
			return
		}
	}
	g.held = append(g.held, heldFile{use: u, at: u.fd, uses: 1})
}

// lendLow lends one a low number, if it may have one and there is one left.
func lendLow(h *heldFile, lendable bool) error {
	switch {
	case h.stays: // the child looks whether it is there
		return nil
	case !spec.Descriptor(h.fd):
		return unix.EBADF
	}
	if h.fd < machine.EndSlot() || !lendable || !h.own && mayBeLocked(h.fd) {
		_, err := unix.FcntlInt(uintptr(h.fd), unix.F_GETFD, 0)
		return err
	}
	slot, ok, err := machine.Borrow(h.fd)
	if ok {
		h.at, h.lent = slot, true
	}
	return err
}

// mayBeLocked reports whether this process may hold a record lock on the file
// (F_SETLK in fcntl_locking(2)). To lend it means to close a descriptor of it in
// the end, and the kernel releases such locks with the first descriptor of the
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
func returnLow(g *given) {
	for i := range g.held {
		if h := &g.held[i]; h.lent {
			machine.Return(h.at)
			h.lent = false
		}
	}
}
