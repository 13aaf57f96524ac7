//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
)

// hold makes sure that the descriptors which the child needs are open, and
// below the cut. Most are elsewhere, and are lent a low number each; where
// that cannot be had the child gets a copy of the whole table.
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
			t.hold(f.fd, f.field)
		}
	}
	for _, u := range b.uses {
		t.hold(u.fd, u.field)
	}
}

func (t *fdTable) hold(fd int, field string) {
	for _, h := range t.held {
		if h.fd == fd {
			return
		}
	}
	t.held = append(t.held, heldFile{fd: fd, at: fd, field: field})
}

func (t *fdTable) lend(h *heldFile) error {
	if !descriptor(h.fd) {
		return unix.EBADF
	}
	if h.fd >= machine.EndSlot() && t.lendable {
		slot, ok, err := machine.Borrow(h.fd)
		if err != nil {
			return err
		}
		if ok {
			h.at, h.lent = slot, true
			return nil
		}
		t.copied, t.lendable = true, false
	}
	_, err := unix.FcntlInt(uintptr(h.fd), unix.F_GETFD, 0)
	return err
}

func (s *starter) release() {
	for i := range s.table.held {
		if h := &s.table.held[i]; h.lent {
			machine.Return(h.at)
			h.lent = false
		}
	}
}
