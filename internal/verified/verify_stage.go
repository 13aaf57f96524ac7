package verified

import (
	"encoding/binary"
	"slices"

	"github.com/sprog-dev/sprog/internal/program"
)

// A stage is a program, and what the verifier has to know about it as a whole.
type stage struct {
	p *program.Program
	// counters are the words that only the program changes, by adding to them,
	// and compares, with the steps that read them. They end loops, of which the
	// verifier does every round unless there are too many.
	counters map[uint64][]int
	recorded map[int][]int // the steps that read what another's result is recorded in
	reach    [][]bool      // which steps can be come to from which
}

func newStage(p *program.Program) stage {
	if p == nil {
		return stage{}
	}
	g := stage{p: p, counters: map[uint64][]int{}, recorded: map[int][]int{}}
	for i := range p.Steps {
		g.reach = append(g.reach, reachable(p, i))
		if from := p.Steps[i].Args[0]; from.Kind == program.Recorded {
			g.recorded[int(from.Value)] = append(g.recorded[int(from.Value)], i)
		}
		if s := &p.Steps[i]; s.Call == program.Test && s.Args[0].Kind == program.Address {
			first, ok := wordAt(p, s.Args[0])
			if rounds := uint32(s.Args[1].Value - first); ok && 0 < rounds && rounds < mostRounds {
				g.counters[s.Args[0].Value] = nil
			}
		}
	}
	for word := range g.counters {
		if slices.Contains(p.Variables, word) {
			continue
		}
		if !counts(p, word) {
			delete(g.counters, word)
			continue
		}
	}
	for _, word := range p.Variables {
		g.counters[word] = nil
	}
	for word := range g.counters {
		for i := range p.Steps {
			if reads(&p.Steps[i], word) {
				g.counters[word] = append(g.counters[word], i)
			}
		}
	}
	return g
}

// counts reports whether all that is stored to a word is what it was before and
// something more, and something is.
func counts(p *program.Program, word uint64) (counts bool) {
	for i := range p.Steps {
		s := &p.Steps[i]
		for _, out := range s.Out {
			if out.Kind != program.ToData || uint64(out.Pos) != word {
				continue
			}
			if s.Call != program.Move || !reads(s, word) {
				return false
			}
			counts = true
		}
	}
	return counts
}

// reads reports whether the step is an operation with a word.
func reads(s *program.Step, word uint64) bool {
	return s.Call.IsOperation() && s.Args[0] == program.Arg{Kind: program.Address, Value: word}
}

// reachable are the steps that can be come to from one.
func reachable(p *program.Program, from int) []bool {
	list := make([]bool, len(p.Steps))
	todo := []int{from}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i < 0 || i >= len(list) || list[i] {
			continue
		}
		list[i] = true
		todo = append(todo, ways(p, i)...)
	}
	return list
}

// ways are the steps that can follow one, the usual one first.
func ways(p *program.Program, i int) []int {
	s := &p.Steps[i]
	list := []int{after(s, i)}
	if s.Call == program.Test {
		list = append(list, i+jump(s))
	}
	for _, c := range s.Catch {
		if c.Errno != 0 {
			list = append(list, i+int(c.To))
		}
	}
	return list
}

// after is the step that follows one that does not jump.
func after(s *program.Step, i int) int {
	if s.Next != 0 {
		return i + int(s.Next)
	}
	return i + 1
}

// jump is how far a test jumps.
func jump(s *program.Step) int { return int(int32(s.Args[2].Value)) }

// word is the value of a word, if it is one that counts, or is recorded.
func (g *stage) word(s *state, a program.Arg) (value uint64, known bool) {
	if a.Kind == program.Recorded {
		value, known = s.args[argument{int(a.Value), recordedResult}]
		return value, known && value < unknown
	}
	if _, counts := g.counters[a.Value]; a.Kind != program.Address || !counts {
		return 0, false
	}
	if value, known = s.words[a.Value]; known {
		return value, true
	}
	return wordAt(g.p, a)
}

// mostRounds is how often a loop may go round for the verifier to follow it.
const mostRounds = 1 << 20

// wordAt is the word that an address has in the beginning.
func wordAt(p *program.Program, a program.Arg) (value uint64, ok bool) {
	b := p.BytesAt(a, 4)
	if len(b) < 4 {
		return 0, false
	}
	return uint64(binary.NativeEndian.Uint32(b)), true
}

// forget drops what no later step reads, so that ways that differ in nothing
// else become one.
func (g *stage) forget(s *state) {
	reach := g.reach[s.pc]
	isRead := func(by []int) bool { return slices.ContainsFunc(by, func(i int) bool { return reach[i] }) }
	for a := range s.args {
		if a.n != recordedResult && !reach[a.step] || a.n == recordedResult && !isRead(g.recorded[a.step]) {
			delete(s.args, a)
		}
	}
	for word := range s.words {
		if !isRead(g.counters[word]) {
			delete(s.words, word)
		}
	}
}
