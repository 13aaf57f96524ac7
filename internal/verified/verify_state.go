package verified

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/sprog-dev/sprog/internal/program"
)

// A state is what the verifier knows at one point of one way.
type state struct {
	stage, pc int
	shared    bool   // the descriptor table is the parent's
	files     []file // that are open, by their numbers
	rest      []span // numbers at which there may be any file of the parent's
	foreign   bool   // the root is another one than the caller's
	outside   bool   // and the working directory is not in it
	missing   int    // mounts that were left out
	oldRoot   bool   // the root of before is mounted on top of the new one
	words     map[uint64]uint64
	args      map[argument]uint64
}

// A file is an open descriptor.
type file struct {
	fd      int
	kind    program.FileKind
	cloexec bool
}

// A span is a range of numbers.
type span struct{ first, last int }

// An argument is one of a step, or what its result is recorded in.
type argument struct{ step, n int }

const recordedResult = -1

// unknown is a result that the verifier does not know. No descriptor is that.
const unknown = 1 << 40

func (s *state) clone() *state {
	c := *s
	c.files, c.rest = slices.Clone(s.files), slices.Clone(s.rest)
	c.words, c.args = maps.Clone(s.words), maps.Clone(s.args)
	return &c
}

// key is the same for states that are the same.
func (s *state) key() string {
	var b []byte
	put := func(list ...int) {
		for _, n := range list {
			b = binary.AppendVarint(b, int64(n))
		}
	}
	yes := map[bool]int{true: 1}
	put(s.stage, s.pc, s.missing, yes[s.shared], yes[s.foreign], yes[s.outside], yes[s.oldRoot], len(s.files), len(s.rest), len(s.words))
	for _, f := range s.files {
		put(f.fd, int(f.kind), yes[f.cloexec])
	}
	for _, r := range s.rest {
		put(r.first, r.last)
	}
	for _, word := range slices.Sorted(maps.Keys(s.words)) {
		put(int(word), int(s.words[word]))
	}
	byStep := func(a, b argument) int { return cmp.Or(a.step-b.step, a.n-b.n) }
	for _, a := range slices.SortedFunc(maps.Keys(s.args), byStep) {
		put(a.step, a.n, int(s.args[a]))
	}
	return string(b)
}

func (s *state) find(fd int) (index int, open bool) {
	return slices.BinarySearchFunc(s.files, fd, func(f file, fd int) int { return f.fd - fd })
}

// at returns the file of a number, or nil.
func (s *state) at(fd int) *file {
	if i, open := s.find(fd); open {
		return &s.files[i]
	}
	return nil
}

// mayBeOpen reports whether a number is one of the parent's.
func (s *state) mayBeOpen(fd int) bool {
	return slices.ContainsFunc(s.rest, func(r span) bool { return r.first <= fd && fd <= r.last })
}

// put puts a file at a number.
func (s *state) put(fd int, f file) {
	s.closeRange(fd, fd)
	f.fd = fd
	i, _ := s.find(fd)
	s.files = slices.Insert(s.files, i, f)
}

// open puts a file at the lowest number that is free, as the kernel does.
func (s *state) open(f file) uint64 {
	fd := 0
	for s.at(fd) != nil || s.mayBeOpen(fd) {
		fd++
		for _, r := range s.rest {
			if r.first <= fd && fd <= r.last {
				fd = r.last + 1
			}
		}
	}
	s.put(fd, f)
	return uint64(fd)
}

// closeRange closes all numbers from first to last.
func (s *state) closeRange(first, last int) {
	s.files = slices.DeleteFunc(s.files, func(f file) bool { return first <= f.fd && f.fd <= last })
	var rest []span
	for _, r := range s.rest {
		if r.first < first {
			rest = append(rest, span{r.first, min(r.last, first-1)})
		}
		if r.last > last {
			rest = append(rest, span{max(r.first, last+1), r.last})
		}
	}
	s.rest = rest
}

// execute closes what is not to survive an execve.
func (s *state) execute() {
	s.files = slices.DeleteFunc(s.files, func(f file) bool { return f.cloexec })
}

// arg is an argument of the step that the state has come to.
func (s *state) arg(step *program.Step, n int) uint64 {
	a := step.Args[n]
	if v, fed := s.args[argument{s.pc, n}]; fed {
		return v
	}
	if a.Kind != program.Number {
		return unknown
	}
	return a.Value
}

// store puts the result of the step that the state has come to where it goes.
func (v *verifier) store(s *state, step *program.Step, result uint64) {
	if v.stages[s.stage].recorded[s.pc] != nil {
		s.feed(argument{s.pc, recordedResult}, result)
	}
	for _, out := range step.Out {
		switch out.Kind {
		case program.ToArg:
			s.feed(argument{int(out.Step), int(out.Pos)}, result)
		case program.ToData:
			if s.words == nil {
				s.words = map[uint64]uint64{}
			}
			s.words[uint64(out.Pos)] = result
		}
	}
}

func (s *state) feed(to argument, result uint64) {
	if s.args == nil {
		s.args = map[argument]uint64{}
	}
	s.args[to] = result
}
