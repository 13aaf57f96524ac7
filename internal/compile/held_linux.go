//go:build amd64 || arm64

package compile

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Use has the child find a descriptor of the parent's until it executes its program. It
// returns what the steps know it by: its index among all of them.
func (g *Input) Use(u Use) int {
	for i := range g.Uses {
		if g.Uses[i].Fd == u.Fd && u.Fd != Unopened {
			return i
		}
	}
	g.Uses = append(g.Uses, u)
	return len(g.Uses) - 1
}

// hold lists the descriptors that the child needs, and finds out where each of them is to
// be once the child has a table of its own: a file of the program's at its number
// there, and any other one at the lowest number that is none of those. So the steps
// know all numbers, whatever they are in the parent.
func (b *builder) hold() {
	t := &b.fds
	t.held, t.holes, t.source, t.open = t.held[:0], t.holes[:0], t.source[:0], t.open[:0]
	for _, u := range b.given.Uses {
		t.held = append(t.held, Held{Use: u, At: NotOpen, uses: 1})
	}
	for i := range b.given.Files {
		f := &b.given.Files[i]
		hole := b.holeOf(f)
		t.holes, t.source = append(t.holes, hole), append(t.source, NotOpen)
		if hole == NotOpen {
			continue
		}
		h := &t.held[hole]
		h.Kind, h.uses = program.ForProgram, h.uses+1
		if h.At == NotOpen {
			h.At, h.Field = f.N, f.Field
			t.setOpen(f.N, true)
			if f.Held() {
				h.Name = nameOf(f)
			}
		}
	}
	for i := range t.held {
		h := &t.held[i]
		if h.At == NotOpen {
			h.At = t.spare()
		}
		// What the program is to have survives its execve, and what the second stage needs
		// that of its image.
		if h.Kind != program.ForProgram && (b.made.Second == nil || i == b.given.Image) {
			h.flags = unix.O_CLOEXEC
		}
	}
	b.holdForLauncher()
	b.made.Held = t.held
	b.made.moves.from = slices.Grow(b.made.moves.from, len(t.held))
}

// holeOf is which of the parent's descriptors a file of the child's is, or NotOpen.
func (b *builder) holeOf(f *spec.ChildFile) int {
	t := &b.fds
	switch {
	case f.Source == spec.NullRead:
		return b.given.Joins.NullReader
	case f.Source == spec.NullWrite:
		return b.given.Joins.NullWriter
	case !f.Held():
		return NotOpen
	}
	fd := f.Fd
	if f.Source == spec.PipeEnd {
		fd = Unopened - 1 - fd // below all others, for pipes that a plan only speaks of
	}
	stays := f.Source == spec.Inherited // at its number, whatever else the same file is for
	for i := range t.held {
		if h := &t.held[i]; h.Fd == fd && fd != Unopened && !stays && !h.Stays {
			return i
		}
	}
	t.held = append(t.held, Held{Use: Use{Fd: fd, Name: nameOf(f), Field: f.Field, Own: f.Source == spec.Inline, Stays: stays}, At: NotOpen})
	return len(t.held) - 1
}

// NameOf is what a listing calls a file that the parent has for the child.
func NameOf(f *spec.ChildFile) string {
	h := Held{Use: Use{Name: nameOf(f), Kind: program.ForProgram}, At: f.N}
	return h.called().String()
}

// called is the descriptor in a listing: a file of the program's with its number, unless its name tells that.
func (h *Held) called() program.Unfilled {
	u := program.Unfilled{Name: h.Name}
	if h.Kind == program.ForProgram && h.At >= len(streams) {
		u.Number = h.At
	}
	return u
}

// nameOf is that, where need be without its number in the child.
func nameOf(f *spec.ChildFile) string {
	if f.N < len(streams) {
		return streams[f.N]
	}
	return "file"
}

var streams = [...]string{"stdin", "stdout", "stderr"}

// drop closes a descriptor of the parent's when the last step has used it, if
// the program itself is not to have the file.
func (b *builder) drop(hole int, field string) {
	h := &b.fds.held[hole]
	if h.uses--; h.uses == 0 {
		b.add(field, program.Close, Num(h.At))
		b.fds.setOpen(h.At, false)
	}
}
