//go:build amd64 || arm64

package compile

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// assignFiles puts every file at its number, and has all others closed by
// execve.
func (b *builder) assignFiles() {
	b.parkProgram()
	b.arrange()   // what is open
	b.openPaths() // when /proc/self/fd shows the child's files
	b.duplicate() // what has just been opened
	b.closeRest()
}

// parkProgram puts the file to execute where no file of the child's goes. One
// that is a file of the child's too is executed from there: it stays open, so
// that the interpreter of a script can read it.
func (b *builder) parkProgram() {
	if b.ask.Attr.Program == nil {
		return
	}
	for _, f := range b.given.Files {
		if f.Source == spec.FromParent && f.Fd == b.given.ProgramFD {
			b.made.Executable = f.N
			return
		}
	}
	t := &b.fds
	b.made.Executable = t.spare()
	b.add("Attr.Program", program.Dup3, Num(t.at(b.given.ProgramFD)), Num(b.made.Executable), Num(unix.O_CLOEXEC))
}

// arrange puts the files that are open at their numbers. A number is
// overwritten when no other file is there any more that is to go elsewhere. In
// the end only cycles are left; each is opened by moving one file away.
func (b *builder) arrange() {
	t := &b.fds
	t.needed, t.assigned = t.needed[:0], t.assigned[:0]
	for range b.given.Files {
		t.needed, t.assigned = append(t.needed, 0), append(t.assigned, false)
	}
	for i := range b.given.Files {
		if at := t.sitsAt(i); at >= 0 {
			t.needed[at]++
		}
	}
	for i := range b.given.Files {
		b.assignFrom(i)
	}
	for i, f := range b.given.Files {
		if !t.assigned[i] {
			b.moveAway(f)
			b.assignFrom(i)
		}
	}
}

// sitsAt returns the index of another file of the child's at whose number file
// i is, or -1.
func (t *fdPlan) sitsAt(i int) int {
	from := t.source[i]
	if from == NotOpen || from == t.files[i].N {
		return -1
	}
	return spec.IndexOfFile(t.files, from)
}

// assignFrom puts file i at its number, if that is free for it, and then every
// file whose number that makes free.
func (b *builder) assignFrom(i int) {
	t := &b.fds
	for i >= 0 && !t.assigned[i] && (t.needed[i] == 0 || t.source[i] == t.files[i].N) {
		b.assign(i)
		t.assigned[i] = true
		if i = t.sitsAt(i); i >= 0 {
			t.needed[i]--
		}
	}
}

func (b *builder) assign(i int) {
	t := &b.fds
	f, from := &b.given.Files[i], t.source[i]
	switch {
	case from == NotOpen:
		if f.Source == spec.Closed && t.isOpen(f.N) {
			b.add(f.Field, program.Close, Num(f.N))
			t.setOpen(f.N, false)
		}
		return
	case from != f.N:
		b.add(f.Field, program.Dup3, Num(from), Num(f.N), Num(0))
	case f.Held() && f.Source != spec.Inherited:
		// dup3 of a number to itself would not clear its flag.
		b.add(f.Field, program.Fcntl, Num(f.N), Num(unix.F_SETFD), Num(0))
	}
	t.setOpen(f.N, true)
}

// moveAway moves what is at the number of a file out of its way.
func (b *builder) moveAway(f spec.ChildFile) {
	t := &b.fds
	for i := range t.source {
		if t.source[i] == f.N && !t.assigned[i] { // there is one
			t.source[i] = t.spare()
			b.add(b.given.Files[i].Field, program.Dup3, Num(f.N), Num(t.source[i]), Num(unix.O_CLOEXEC))
		}
	}
	t.needed[spec.IndexOfFile(b.given.Files, f.N)] = 0
}

// openPaths opens the files that are given by their paths, in the order of the
// list.
func (b *builder) openPaths() {
	for i := range b.ask.Attr.Files {
		if f := &b.ask.Attr.Files[i]; f.Path != "" {
			b.openAt(spec.Index("Attr.Files", i), f.Path, f.Flags|unix.O_NOCTTY|unix.O_CLOEXEC, f.Mode, f.FD)
		}
	}
}

func (b *builder) duplicate() {
	for _, f := range b.given.Files {
		if f.Source == spec.SameAs {
			b.add(f.Field, program.Dup3, Num(f.Fd), Num(f.N), Num(0))
			b.fds.setOpen(f.N, true)
		}
	}
}

// closeRest has execve close every descriptor that is none of the child's,
// whatever opened it and forgot to say so.
func (b *builder) closeRest() {
	first := 0
	for _, f := range b.given.Files {
		b.closeGap(first, f.N)
		first = f.N + 1
	}
	b.closeGap(first, math.MaxInt)
}

// closeGap does it for the numbers from first on and before next.
func (b *builder) closeGap(first, next int) {
	open := b.fds.open.between(first, next)
	switch {
	case len(open) == 0:
	case b.given.Lacks.Has(kernel.NoCloseRange):
		for _, n := range open {
			b.add("", program.Fcntl, Num(n), Num(unix.F_SETFD), Num(unix.FD_CLOEXEC))
		}
	default:
		last := uint32(min(next-1, math.MaxUint32))
		b.add("", program.CloseRange, Num(first), Num(last), Num(unix.CLOSE_RANGE_CLOEXEC))
	}
}
