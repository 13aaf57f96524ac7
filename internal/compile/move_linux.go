//go:build amd64 || arm64

package compile

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// A Bound is where the child is born with a descriptor of the parent's.
type Bound struct {
	At       int  // its number, or a low one that is borrowed for it
	Borrowed bool // which has the close-on-exec flag
}

// moved is where a descriptor is that has been moved.
const moved = -2

// cut is where the child's copy of the parent's table ends: after the highest number of those
// that it needs.
func (b *builder) cut() program.Arg {
	if !slices.ContainsFunc(b.fds.held, func(h Held) bool { return h.moves() }) {
		return Num(b.fds.open.end())
	}
	b.made.moves.cut = b.p.Hole("cut")
	return b.made.moves.cut
}

// reserveMoves makes room for the moves: a step for each descriptor, another one for each
// cycle that they may form, and one that closes what the parent has above them. A
// listing shows the first.
func (b *builder) reserveMoves() {
	m := &b.made.moves
	m.first, m.top = b.p.Len(), b.fds.open.end()
	for _, h := range b.fds.held {
		if h.moves() {
			b.add(h.Field, program.Dup3, b.p.HoleFor(h.called()), Num(h.At), Num(h.flags))
		}
	}
	if n := b.p.Len() - m.first; n > 0 {
		for range n/2 + 1 {
			b.add("", program.Dup3).Quiet = true
		}
	}
	m.end = b.p.Len()
}

// moves reports whether it is the parent's and has to be at a certain number.
func (h *Held) moves() bool { return !h.Stays && h.Path == "" }

// BindFiles fills in the numbers that the parent's descriptors have, in the order of
// Held. Highest is the highest that may be open, where the kernel
// lacks close_range.
func (m *Plan) BindFiles(at []Bound, highest int) {
	p, mv := m.First, &m.moves
	mv.from = mv.from[:0]
	end := 0
	for _, b := range at {
		mv.from = append(mv.from, b.At)
		end = max(end, b.At+1)
	}
	if m.told != NotOpen {
		p.SetWord(m.TellTo, uint64(at[m.told].At))
	}
	if mv.cut.Kind == program.Hole {
		p.Fill(mv.cut, Num(end))
	}
	if mv.first < mv.end {
		end = m.bindMoves(at, end)
	}
	if mv.highest.Kind == program.Hole {
		p.Fill(mv.highest, Num(max(highest+1, end, mv.top+1)))
	}
}

// bindMoves fills in the room for the moves, and returns the end of the numbers that are
// open then. No number is overwritten that is still to be moved itself; a cycle is
// opened by a move to a number that nothing else has.
func (m *Plan) bindMoves(at []Bound, end int) int {
	mv := mover{plan: m, next: m.moves.first}
	mv.round()
	for hole := mv.waiting(); hole >= 0; hole = mv.waiting() {
		end = max(end, mv.openCycle(hole, at)+1)
		mv.round()
	}
	if end > m.moves.top && m.moves.highest.Kind != program.Hole {
		mv.put("", program.CloseRange, m.moves.top, end-1, 0)
	}
	if skipped := m.moves.end - mv.next; skipped > 0 {
		m.First.Steps[mv.next-1].Next = int32(skipped + 1)
	}
	for ; mv.next < m.moves.end; mv.next++ {
		m.First.Steps[mv.next].Quiet = true
	}
	return end
}

// A mover writes the moves.
type mover struct {
	plan *Plan
	next int // the step to be written
}

// round makes every move that can be made, until there is none.
func (mv *mover) round() {
	from := mv.plan.moves.from
	for again := true; again; {
		again = false
		for hole, h := range mv.plan.Held {
			if from[hole] == moved || !h.moves() || from[hole] != h.At && mv.isWaiting(h.At) {
				continue
			}
			mv.move(hole)
			from[hole], again = moved, true
		}
	}
}

// waiting is a descriptor that is still to be moved, or -1.
func (mv *mover) waiting() int {
	for hole, h := range mv.plan.Held {
		if mv.plan.moves.from[hole] != moved && h.moves() {
			return hole
		}
	}
	return -1
}

// isWaiting reports whether there is one at a number.
func (mv *mover) isWaiting(at int) bool {
	for hole, h := range mv.plan.Held {
		if mv.plan.moves.from[hole] == at && h.moves() {
			return true
		}
	}
	return false
}

// move puts a descriptor to where it is to be.
func (mv *mover) move(hole int) {
	h := &mv.plan.Held[hole]
	if mv.plan.moves.from[hole] != h.At {
		mv.duplicate(hole, h.At, h.flags)
		return
	}
	flag := 0 // dup3 of a number to itself would not change it
	if h.flags != 0 {
		flag = unix.FD_CLOEXEC
	}
	mv.put(h.Field, program.Fcntl, h.At, unix.F_SETFD, flag)
}

// openCycle moves a descriptor out of the way of another, and returns where to.
func (mv *mover) openCycle(hole int, at []Bound) int {
	m := mv.plan
	old, to := m.moves.from[hole], 0
	isTaken := func(n int) bool {
		return slices.ContainsFunc(at, func(b Bound) bool { return b.At == n }) || slices.Contains(m.moves.from, n) ||
			slices.ContainsFunc(m.Held, func(h Held) bool { return h.At == n })
	}
	for isTaken(to) {
		to++
	}
	mv.duplicate(hole, to, unix.O_CLOEXEC)
	for i := range m.moves.from {
		if m.moves.from[i] == old && m.Held[i].moves() {
			m.moves.from[i] = to
		}
	}
	return to
}

// duplicate writes a step that puts a descriptor at another number.
func (mv *mover) duplicate(hole, to, flags int) {
	s := mv.put(mv.plan.Held[hole].Field, program.Dup3, mv.plan.moves.from[hole], to, flags)
	if told := mv.plan.told; told != NotOpen && mv.plan.moves.from[told] == mv.plan.moves.from[hole] {
		s.Into(mv.plan.TellTo)
	}
}

// put writes the next step.
func (mv *mover) put(field string, call program.Call, args ...int) *program.Step {
	m := mv.plan
	s, timed := &m.First.Steps[mv.next], m.First.Steps[m.moves.first].Timed
	*s = program.Step{Call: call, Field: field, Timed: timed}
	for i, a := range args {
		s.Args[i] = Num(a)
	}
	mv.next++
	return s
}
