//go:build amd64 || arm64

package compile

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// ownFiles gives the child its own descriptor table, with nothing in it but
// what it needs. The child is born sharing the parent's, and may not change a
// thing in it before this. The kernel copies only the part below the cut, so
// that the cost depends on no file that is open above it, and the copy keeps
// none of them open (go.dev/issue/22315, go.dev/issue/22243).
func (b *builder) ownFiles() {
	t := &b.fds
	t.files, t.open, t.source = b.given.Files, t.open[:0], t.source[:0]
	for _, h := range t.held {
		t.setOpen(h.At, true)
	}
	if !b.given.Lacks.Has(kernel.NoCloseRange) {
		flags := unix.CLOSE_RANGE_UNSHARE
		if b.given.Copied {
			flags = 0
		}
		b.add("", program.CloseRange, Num(t.open.end()), Num(uint32(math.MaxUint32)), Num(flags))
	} else if b.given.Highest >= t.open.end() {
		b.closeEach(t.open.end(), b.given.Highest)
	}
	first := 0 // of a gap
	for _, n := range t.open {
		if n > first {
			b.closeNumbers(first, n-1)
		}
		first = n + 1
	}
	b.checkInherited()
}

// closeNumbers closes the numbers from first to last.
func (b *builder) closeNumbers(first, last int) {
	if b.given.Lacks.Has(kernel.NoCloseRange) {
		b.closeEach(first, last)
		return
	}
	b.add("", program.CloseRange, Num(first), Num(last), Num(0))
}

// closeEach closes them one by one.
func (b *builder) closeEach(first, last int) {
	again := b.p.Here()
	b.add("", program.Close, Num(first)).Ignore(uint32(unix.EBADF))
	if last > first {
		b.p.CountUp(b.p.Words(uint64(first)), last+1, &again, b.p.Slot(0))
	}
}

// openNull opens /dev/null where the child is to have it, once for reading and
// once for writing.
func (b *builder) openNull() {
	t := &b.fds
	reader, writer := NotOpen, NotOpen
	if b.given.Joins.NullReader != NotOpen {
		reader = t.at(b.given.Joins.NullReader)
	}
	if b.given.Joins.NullWriter != NotOpen {
		writer = t.at(b.given.Joins.NullWriter)
	}
	for i, f := range b.given.Files {
		t.source = append(t.source, NotOpen)
		switch {
		case f.Held():
			t.source[i] = t.at(f.Fd)
		case f.Source == spec.NullRead:
			t.source[i] = b.nullFile(f, unix.O_RDONLY, &reader)
		case f.Source == spec.NullWrite:
			t.source[i] = b.nullFile(f, unix.O_WRONLY, &writer)
		}
	}
}

// nullFile puts /dev/null at a file's number, or at a spare one if that is
// taken by a file that is still needed, and returns where it is.
func (b *builder) nullFile(f spec.ChildFile, mode int, opened *int) int {
	t := &b.fds
	dest := f.N
	if t.isOpen(dest) {
		dest = NotOpen
	}
	if *opened == NotOpen {
		*opened = b.openAt(f.Field, "/dev/null", mode, 0, dest)
		return *opened
	}
	if dest == NotOpen {
		dest = t.spare()
	}
	b.add(f.Field, program.Dup3, Num(*opened), Num(dest), Num(0))
	t.setOpen(dest, true)
	return dest
}

// openAt opens a file at number dest, or at a spare one for NotOpen, and
// returns the number. Where it lands otherwise is left open, to be overwritten
// or closed later.
func (b *builder) openAt(field, path string, flags int, mode uint32, dest int) int {
	t := &b.fds
	got := t.lowestFree()
	if dest == NotOpen {
		dest = t.spare()
	}
	if got == dest {
		flags &^= unix.O_CLOEXEC
	}
	b.add(field, program.Openat, Num(unix.AT_FDCWD), b.p.Str(path), Num(flags), Num(mode))
	if got != dest {
		b.add(field, program.Dup3, b.p.Result(), Num(dest), Num(0))
		t.setOpen(got, true)
	}
	t.setOpen(dest, true)
	return dest
}

// checkInherited looks whether all inherited descriptors are there. The numbers of what
// the child opens depend on it.
func (b *builder) checkInherited() {
	for _, h := range b.fds.held {
		if h.Stays {
			b.add(h.Field, program.Fcntl, Num(h.At), Num(unix.F_GETFD), Num(0))
		}
	}
}
