//go:build amd64 || arm64

package launch

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// reserve makes sure that the descriptors that the child needs are open. Those that are
// elsewhere borrow a low number, if one is left: the child's table is cut above the
// highest of them.
func (s *attempt) reserve() *spec.Error {
	// An Exec has no use for a low number: the table is its own process's.
	borrows := !s.ask.InPlace && !s.given.Copied
	for _, h := range s.made.Held {
		b, err := borrowLow(&h.Use, borrows)
		if err != nil {
			s.returnLow()
			return &spec.Error{Path: s.ask.Path, Object: "descriptor " + strconv.Itoa(h.Fd), Field: h.Field, Err: err}
		}
		s.bound = append(s.bound, b)
	}
	return nil
}

// borrowLow borrows a low number for a descriptor, if it may have one and one is left.
func borrowLow(u *compile.Use, borrows bool) (compile.Bound, error) {
	at := compile.Bound{At: u.Fd}
	switch {
	case u.Stays: // the child looks whether it is there
		return at, nil
	case !spec.Descriptor(u.Fd):
		return at, unix.EBADF
	}
	if u.Fd < machine.EndSlot() || !borrows || !u.Own && mayBeLocked(u.Fd) {
		_, err := unix.FcntlInt(uintptr(u.Fd), unix.F_GETFD, 0)
		return at, err
	}
	slot, ok, err := machine.Borrow(u.Fd)
	if ok {
		at = compile.Bound{At: slot, Borrowed: true}
	}
	return at, err
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
func (s *attempt) returnLow() {
	for i := range s.bound {
		if b := &s.bound[i]; b.Borrowed {
			machine.Return(b.At)
			b.Borrowed = false
		}
	}
}
