//go:build amd64 || arm64

package compile

import (
	"slices"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// An fdPlan is the child's descriptor table while the program is compiled: where
// the parent's descriptors are that the child needs, and which numbers are
// open at the point that the program has reached. Nothing else is open
// once the child has a table of its own, so the lowest free number,
// which the kernel gives to the next file, is known here.
type fdPlan struct {
	held   []Held
	files  []spec.ChildFile // what the child is to have
	open   fdSet
	holes  []int // for each of the child's files which of the parent's descriptors it is, or NotOpen
	source []int // for each of the child's files where it is, or NotOpen
	above  int   // what numbers are for files that are not known yet
}

// A Held is a descriptor of the parent's that the child needs.
type Held struct {
	Use
	At    int // where it is in the child's own table
	flags int // O_CLOEXEC, or 0
	uses  int // by how many steps and files it is still needed
}

// NotOpen is where a file is that is not open.
const NotOpen = -1

// at returns where the child has a descriptor of the parent's.
func (t *fdPlan) at(hole int) int { return t.held[hole].At }

func (t *fdPlan) isOpen(n int) bool { return t.open.has(n) }

func (t *fdPlan) setOpen(n int, open bool) {
	if open {
		t.open.add(n)
	} else {
		t.open.remove(n)
	}
}

// lowestFree is the number that the kernel gives to the next file.
func (t *fdPlan) lowestFree() int {
	n := 0
	for n < len(t.open) && t.open[n] == n {
		n++
	}
	return n
}

// spare returns a number that is free and that the child is to have no file
// at. It may lie between those of the child's files, so what goes there has to
// be closed by execve.
func (t *fdPlan) spare() int {
	n := max(t.lowestFree(), t.above)
	for t.isOpen(n) || spec.IndexOfFile(t.files, n) >= 0 {
		n++
	}
	t.setOpen(n, true)
	return n
}

// An fdSet is a set of descriptor numbers, in ascending order.
type fdSet []int

func (s fdSet) has(n int) bool {
	_, ok := slices.BinarySearch(s, n)
	return ok
}

func (s *fdSet) add(n int) {
	if i, ok := slices.BinarySearch(*s, n); !ok {
		*s = slices.Insert(*s, i, n)
	}
}

func (s *fdSet) remove(n int) {
	if i, ok := slices.BinarySearch(*s, n); ok {
		*s = slices.Delete(*s, i, i+1)
	}
}

// end is the number after the highest.
func (s fdSet) end() int {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1] + 1
}

// between are the numbers from first on and before end.
func (s fdSet) between(first, end int) fdSet {
	i, _ := slices.BinarySearch(s, first)
	j, _ := slices.BinarySearch(s, end)
	return s[i:j]
}

// A Use is a descriptor of the parent's that steps need. To the programs it is a hole:
// which number it has in the parent, only a start knows.
type Use struct {
	Fd    int    // its number in the parent, or Unopened
	Name  string // what a listing calls it
	Field string
	// Kind matters to the verifier: a directory of the host's must be closed again before
	// a path is followed in another root.
	Kind  program.FileKind
	Own   bool // it was made for the start: nobody else has a lock on it, and it has the close-on-exec flag
	Stays bool // it is neither moved nor marked
	// Path is what a launcher opens for it, with these flags, as soon as it has its table.
	Path  string
	Flags int
}

// Unopened is the number of a descriptor that only a start makes.
const Unopened = -1
