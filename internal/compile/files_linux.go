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
	if !b.given.Lacks.Has(kernel.NoCloseRange) {
		flags := unix.CLOSE_RANGE_UNSHARE
		if b.given.Copied {
			flags = 0
		}
		b.add("", program.CloseRange, b.cut(), Num(uint32(math.MaxUint32)), Num(flags))
	}
	b.reserveMoves()
	first := 0 // of a gap
	for _, n := range t.open {
		if n > first {
			b.closeNumbers(first, n-1)
		}
		first = n + 1
	}
	if b.given.Lacks.Has(kernel.NoCloseRange) {
		b.made.moves.highest = b.closeEach(first, b.p.Hole("highest"))
	}
	b.checkInherited()
}

// closeNumbers closes the numbers from first to last.
func (b *builder) closeNumbers(first, last int) {
	if b.given.Lacks.Has(kernel.NoCloseRange) {
		b.closeEach(first, Num(last+1))
		return
	}
	b.add("", program.CloseRange, Num(first), Num(last), Num(0))
}

// closeEach closes them one by one, from first on and before end.
func (b *builder) closeEach(first int, end program.Arg) program.Arg {
	again := b.p.Here()
	b.add("", program.Close, Num(first)).Ignore(uint32(unix.EBADF))
	b.p.CountUp(b.p.Words(uint64(first)), end, &again, b.p.Slot(0))
	return end
}

// openNull opens /dev/null where the child is to have it, once for reading and
// once for writing.
func (b *builder) openNull() {
	t := &b.fds
	reader, writer := NotOpen, NotOpen
	for i, f := range b.given.Files {
		switch {
		case t.holes[i] != NotOpen:
			t.source[i] = t.at(t.holes[i])
		case f.Source == spec.OpenedFirst:
			t.source[i] = b.openFirst(&f)
		case f.Source == spec.MadeFirst:
			t.source[i] = b.makeFirst(&f)
		case f.Source == spec.NullRead:
			t.source[i] = b.nullFile(f, unix.O_RDONLY, &reader)
		case f.Source == spec.NullWrite:
			t.source[i] = b.nullFile(f, unix.O_WRONLY, &writer)
		}
	}
}

// nullFile puts /dev/null at a file's number, and returns it.
func (b *builder) nullFile(f spec.ChildFile, mode int, opened *int) int {
	if *opened == NotOpen {
		*opened = b.openAt(f.Field, "/dev/null", mode, 0, f.N)
		return *opened
	}
	b.add(f.Field, program.Dup3, Num(*opened), Num(f.N), Num(0))
	b.fds.setOpen(f.N, true)
	return f.N
}

// openAt opens a file at number dest, and returns it. Where it lands otherwise is left open, to be overwritten
// or closed later.
func (b *builder) openAt(field, path string, flags int, mode uint32, dest int) int {
	t := &b.fds
	got := t.lowestFree()
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
		if h.Stays && !b.isStream(&h) {
			b.add(h.Field, program.Fcntl, Num(h.At), Num(unix.F_GETFD), Num(0))
		}
	}
}
