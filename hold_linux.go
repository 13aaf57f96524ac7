//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// hold makes sure that the descriptors which the child needs are open, and
// lends those a low number that are elsewhere, as far as that can be had: the
// highest of them is where the child's table is cut.
func (s *starter) hold() *StartError {
	t := &s.table
	s.listHeld()
	if s.describing {
		return nil
	}
	t.copied = s.lacks.has(noCloseRange | onlyVfork)
	t.lendable = !s.inPlace && !t.copied
	for i := range t.held {
		if err := t.lend(&t.held[i]); err != nil {
			s.release()
			return &StartError{Path: s.path, Object: "descriptor " + strconv.Itoa(t.held[i].fd), Field: t.held[i].field, Err: err}
		}
	}
	return nil
}

// listHeld lists the descriptors that the child needs, where they are.
func (b *builder) listHeld() {
	t := &b.table
	t.held = t.held[:0]
	for _, f := range b.files {
		if f.held() {
			t.hold(use{f.fd, f.field, program.ForProgram, f.source == inline, f.source == inherited})
		}
	}
	for _, u := range b.uses {
		t.hold(u)
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

func (t *fdTable) hold(u use) {
	for i := range t.held {
		if h := &t.held[i]; h.fd == u.fd {
			h.uses++
			h.stays = h.stays && u.stays
			return
		}
	}
	t.held = append(t.held, heldFile{use: u, at: u.fd, uses: 1})
}

func (t *fdTable) lend(h *heldFile) error {
	switch {
	case h.stays: // the child looks whether it is there
		return nil
	case !descriptor(h.fd):
		return unix.EBADF
	}
	if h.fd < machine.EndSlot() || !t.lendable || !h.own && mayBeLocked(h.fd) {
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

func (s *starter) release() {
	for i := range s.table.held {
		if h := &s.table.held[i]; h.lent {
			machine.Return(h.at)
			h.lent = false
		}
	}
}
