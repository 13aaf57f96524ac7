//go:build amd64 || arm64

package compile

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// assignFiles puts every file at its number that is not there yet, and has all others
// closed by execve.
func (b *builder) assignFiles() {
	b.findProgram()
	b.arrange()   // what is open
	b.openPaths() // when /proc/self/fd shows the child's files
	b.duplicate() // what has just been opened
	b.closeRest()
}

// findProgram sees where the file to execute is. One
// that is a file of the child's too stays open, so
// that the interpreter of a script can read it.
func (b *builder) findProgram() {
	if b.ask.Attr.Program != nil {
		b.made.Executable = b.fds.at(b.given.ProgramFD)
	}
}

// arrange duplicates what is open at another number, and closes what is to be closed.
func (b *builder) arrange() {
	t := &b.fds
	for i, f := range b.given.Files {
		switch from := t.source[i]; {
		case f.Source == spec.Closed && t.isOpen(f.N):
			b.add(f.Field, program.Close, Num(f.N))
			t.setOpen(f.N, false)
		case from != NotOpen && from != f.N:
			b.add(f.Field, program.Dup3, Num(from), Num(f.N), Num(0))
			t.setOpen(f.N, true)
		}
	}
}

// openPaths opens the files that are given by their paths, in the order of the
// list.
func (b *builder) openPaths() {
	for i := range b.ask.Attr.Files {
		if f := &b.ask.Attr.Files[i]; f.Path != "" && !b.isOpenedFirst(f.FD) {
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
