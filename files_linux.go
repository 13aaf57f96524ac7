//go:build amd64 || arm64

package sprog

import (
	"math"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// checkFiles refuses numbers that the child cannot have, and those that the
// caller cannot know.
func checkFiles(r *spec.Start) *spec.Error {
	if len(r.Attr.Files) > 0 || len(r.Attr.Inherit) > 0 {
		last := r.Files[len(r.Files)-1]
		if limit := filesLimit(r); uint64(last.N) >= limit {
			return &spec.Error{Object: spec.Itoa(last.N), Field: last.Field, Err: unix.EMFILE,
				Hint: "the number is not below RLIMIT_NOFILE, which is " + strconv.FormatUint(limit, 10)}
		}
	}
	for i, n := range r.Attr.Inherit {
		if machine.IsSlot(n) {
			return spec.Invalid(spec.Index("Attr.Inherit", i), spec.Itoa(n), "is a number that this package keeps for itself")
		}
	}
	return nil
}

// filesLimit is the limit on open files while the child's are placed.
func filesLimit(r *spec.Start) uint64 {
	for _, l := range r.Attr.Rlimits {
		if l.Resource == unix.RLIMIT_NOFILE && atstart.NofileKnown && l.Max > atstart.NofileMax {
			return l.Max // see rlimits
		}
	}
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil {
		return math.MaxInt32
	}
	return now.Cur
}

// ownFiles gives the child its own descriptor table, with nothing in it but
// what it needs. The child is born sharing the parent's, and may not change a
// thing in it before this. The kernel copies only the part below the cut, so
// that the cost depends on no file that is open above it, and the copy keeps
// none of them open (go.dev/issue/22315, go.dev/issue/22243).
func (b *builder) ownFiles() {
	t := &b.table
	t.files, t.open, t.source = b.given.files, t.open[:0], t.source[:0]
	for _, h := range t.held {
		t.setOpen(h.at, true)
	}
	if !b.given.lacks.Has(kernel.NoCloseRange) {
		flags := unix.CLOSE_RANGE_UNSHARE
		if b.given.copied {
			flags = 0
		}
		b.add("", program.CloseRange, num(t.open.end()), num(uint32(math.MaxUint32)), num(flags))
	} else if b.given.highest >= t.open.end() {
		b.closeEach(t.open.end(), b.given.highest)
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
	if b.given.lacks.Has(kernel.NoCloseRange) {
		b.closeEach(first, last)
		return
	}
	b.add("", program.CloseRange, num(first), num(last), num(0))
}

// closeEach closes them one by one.
func (b *builder) closeEach(first, last int) {
	again := b.p.Here()
	b.add("", program.Close, num(first)).Ignore(uint32(unix.EBADF))
	if last > first {
		b.p.CountUp(b.p.Words(uint64(first)), last+1, &again, b.p.Slot(0))
	}
}

// openNull opens /dev/null where the child is to have it, once for reading and
// once for writing.
func (b *builder) openNull() {
	t := &b.table
	reader, writer := notOpen, notOpen
	if b.given.joins.nullReader != notOpen {
		reader = t.at(b.given.joins.nullReader)
	}
	if b.given.joins.nullWriter != notOpen {
		writer = t.at(b.given.joins.nullWriter)
	}
	for i, f := range b.given.files {
		t.source = append(t.source, notOpen)
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
	t := &b.table
	dest := f.N
	if t.isOpen(dest) {
		dest = notOpen
	}
	if *opened == notOpen {
		*opened = b.openAt(f.Field, "/dev/null", mode, 0, dest)
		return *opened
	}
	if dest == notOpen {
		dest = t.spare()
	}
	b.add(f.Field, program.Dup3, num(*opened), num(dest), num(0))
	t.setOpen(dest, true)
	return dest
}

// openAt opens a file at number dest, or at a spare one for notOpen, and
// returns the number. Where it lands otherwise is left open, to be overwritten
// or closed later.
func (b *builder) openAt(field, path string, flags int, mode uint32, dest int) int {
	t := &b.table
	got := t.lowestFree()
	if dest == notOpen {
		dest = t.spare()
	}
	if got == dest {
		flags &^= unix.O_CLOEXEC
	}
	b.add(field, program.Openat, num(unix.AT_FDCWD), b.p.Str(path), num(flags), num(mode))
	if got != dest {
		b.add(field, program.Dup3, b.p.Result(), num(dest), num(0))
		t.setOpen(got, true)
	}
	t.setOpen(dest, true)
	return dest
}
