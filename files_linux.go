//go:build amd64 || arm64

package sprog

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// An fdTable is the child's descriptor table while the program is built: where
// the parent's descriptors are that the child needs, and which numbers are
// open at the point that the program has reached. Nothing else is open below
// the cut once the child has a table of its own, so the lowest free number,
// which the kernel gives to the next file, is known here.
type fdTable struct {
	held   []heldFile
	files  int  // how many numbers the child's files have
	copied bool // the child is born with a copy of the parent's table

	open    []bool
	dirty   bool  // a number that the child is not to have may be open
	unknown bool  // all of the parent's files are still open
	source  []int // for each of the child's files where it is, or notOpen
}

// A heldFile is a descriptor of the parent's that the child needs.
type heldFile struct {
	fd    int // the parent's number
	at    int // where the child finds it: the same, or a low number it was lent
	field string
	lent  bool
}

const notOpen = -1

// at returns where the child finds a descriptor of the parent's.
func (t *fdTable) at(fd int) int {
	for i := range t.held {
		if t.held[i].fd == fd {
			return t.held[i].at
		}
	}
	return fd
}

func (t *fdTable) isOpen(n int) bool { return n < len(t.open) && t.open[n] }

func (t *fdTable) setOpen(n int, open bool) {
	for len(t.open) <= n {
		t.open = append(t.open, false)
	}
	t.open[n] = open
}

// lowestFree is the number that the kernel gives to the next file.
func (t *fdTable) lowestFree() int {
	n := 0
	for t.isOpen(n) {
		n++
	}
	return n
}

// spare returns a number above all that matter.
func (t *fdTable) spare() int {
	n := max(len(t.open), t.files)
	t.setOpen(n, true)
	t.dirty = true
	return n
}

// ownFiles gives the child its own descriptor table, with nothing in it but
// what it needs. The child is born sharing the parent's, and may not change a
// thing in it before this. The kernel copies only the part below the cut, so
// that the cost depends on no file that is open above it, and the copy keeps
// none of them open (go.dev/issue/22315, go.dev/issue/22243).
func (b *builder) ownFiles() {
	t := &b.table
	t.open, t.source, t.files, t.dirty = t.open[:0], t.source[:0], len(b.files), false
	for _, h := range t.held {
		t.setOpen(h.at, true)
	}
	if t.unknown = b.lacks.has(noCloseRange); t.unknown {
		t.dirty = true
		return
	}
	flags := unix.CLOSE_RANGE_UNSHARE
	if t.copied {
		flags = 0
	}
	cut := len(t.open)
	b.add("", program.CloseRange, num(cut), num(uint32(math.MaxUint32)), num(flags))
	for n := 0; n < cut; n++ { // the gaps
		if t.open[n] {
			continue
		}
		end := n
		for end+1 < cut && !t.open[end+1] {
			end++
		}
		b.add("", program.CloseRange, num(n), num(end), num(0))
		n = end
	}
}

// openNull opens /dev/null where the child is to have it, once for reading and
// once for writing.
func (b *builder) openNull() {
	t := &b.table
	reader, writer := notOpen, notOpen
	for i, f := range b.files {
		t.source = append(t.source, notOpen)
		switch f.source {
		case fromParent, pipeEnd:
			t.source[i] = t.at(f.fd)
		case nullRead:
			t.source[i] = b.nullFile(i, f.field, unix.O_RDONLY, &reader)
		case nullWrite:
			t.source[i] = b.nullFile(i, f.field, unix.O_WRONLY, &writer)
		}
	}
}

// nullFile puts /dev/null at number n, or at a spare one if n is taken by a
// file that is still needed, and returns where it is.
func (b *builder) nullFile(n int, field string, mode int, opened *int) int {
	t := &b.table
	dest := n
	if t.isOpen(n) {
		dest = t.spare()
	}
	if *opened != notOpen {
		b.add(field, program.Dup3, num(*opened), num(dest), num(0))
		t.setOpen(dest, true)
		return dest
	}
	b.add(field, program.Openat, num(unix.AT_FDCWD), b.p.Str("/dev/null"), num(mode), num(0))
	if got := t.lowestFree(); t.unknown || got != dest {
		b.dupResult(field, dest)
		t.setOpen(got, true)
		t.dirty = true
	}
	t.setOpen(dest, true)
	*opened = dest
	return dest
}

// dupResult puts the file that was just opened at dest. Where it landed is not
// known, or of no interest: it is closed by execve, or overwritten.
func (b *builder) dupResult(field string, dest int) {
	p := b.p
	open := p.Len() - 1
	b.add(field, program.Dup3, num(0), num(dest), num(0)).Ignore(uint32(unix.EINVAL)) // it is there already
	p.FeedArg(open, open+1, 0)
}

// placeFiles puts every file at its number, and has all others closed by
// execve. A file whose place comes after the number it is at would be
// overwritten before its turn, and is moved out of the way first.
func (b *builder) placeFiles() {
	t := &b.table
	for i, f := range b.files {
		if from := t.source[i]; from != notOpen && from < i {
			t.source[i] = t.spare()
			b.add(f.field, program.Dup3, num(from), num(t.source[i]), num(unix.O_CLOEXEC))
		}
	}
	for i, f := range b.files {
		b.place(i, f)
	}
	b.closeRest(len(b.files))
}

func (b *builder) place(n int, f childFile) {
	t := &b.table
	from := t.source[n]
	switch {
	case from == notOpen:
		if t.isOpen(n) || t.dirty {
			b.add(f.field, program.Close, num(n)).Ignore(uint32(unix.EBADF))
		}
	case from != n:
		b.add(f.field, program.Dup3, num(from), num(n), num(0))
	case f.source == fromParent || f.source == pipeEnd:
		// dup3 of a number to itself would not clear its flag.
		b.add(f.field, program.Fcntl, num(n), num(unix.F_SETFD), num(0))
	}
}

// closeRest has execve close every descriptor from n on, whatever opened it
// and forgot to say so.
func (b *builder) closeRest(n int) {
	t := &b.table
	if !t.dirty && len(t.open) <= n {
		return
	}
	if !b.lacks.has(noCloseRange) {
		b.add("", program.CloseRange, num(n), num(uint32(math.MaxUint32)), num(unix.CLOSE_RANGE_CLOEXEC))
		return
	}
	// The same, one by one, up to the highest number that is open. They are
	// closed at once: a child that is slow to execute would keep files busy
	// that other starts want to execute. What is needed until then is kept.
	for _, kept := range b.keptFiles() {
		b.closeEach(n, kept)
		n = kept + 1
	}
	b.closeEach(n, max(b.highest+1, len(t.open)))
}

// keptFiles are the numbers above the child's that the execution needs, which
// have the close-on-exec flag, in ascending order.
func (b *builder) keptFiles() (list []int) {
	if b.second != nil || b.inPlace && b.report >= 0 {
		list = append(list, b.report)
	}
	if b.locked.on() {
		list = append(list, b.locked.ruleset)
	}
	return list
}

// closeEach closes the numbers from first to before end.
func (b *builder) closeEach(first, end int) {
	if first >= end {
		return
	}
	step := b.p.Len()
	b.add("", program.Close, num(first)).Ignore(uint32(unix.EBADF))
	b.p.CountUp(b.p.Words(uint64(first)), end, step)
}
