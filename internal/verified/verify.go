// Package verified has the verifier of starts. It has every start verified that the
// process compiles, and panics where one is not as it has to be. Tests import it
// for this effect; the library does not.
package verified

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
)

func init() {
	var good seen
	program.Compiled = func(s *program.Start) {
		print := fingerprint(s)
		if good.has(print) {
			return
		}
		problems := Verify(s)
		if len(problems) == 0 {
			good.add(print)
			return
		}
		var text strings.Builder
		for _, p := range problems {
			fmt.Fprintln(&text, p)
		}
		panic("a start is compiled wrong:\n" + text.String() + list(s))
	}
}

// A Problem is a step of a program that must not be.
type Problem struct {
	Stage, Step int // the stage is 1 or 2, or 3 for the rest
	Text        string
}

func (p Problem) String() string {
	return "step " + strconv.Itoa(p.Step) + " of stage " + strconv.Itoa(p.Stage) + " " + p.Text
}

// Verify goes every way that the child may take through the programs, and
// looks at the properties that each start has to have:
//
//   - Nothing is opened or closed in a descriptor table that is still the parent's.
//   - Once the root is another one, by chroot(2) or in a joined mount namespace,
//     no path is followed while a directory of the host is open, or is the
//     working directory (CVE-2024-21626), and no file is opened while one of the
//     host's is, which could be opened once more.
//   - A view is put together by descriptors, and by names in directories. Paths in
//     it are followed inside of it alone, and none of its parts is open later.
//   - What the start itself looks up in /proc is not looked up in the /proc of such a
//     root (CVE-2019-16884, CVE-2025-52881).
//   - Each descriptor that a step uses is open, and is known.
//   - The program gets the descriptors that it is to have, and no other.
//
// Kernel state is simulated as far as these depend on it: which numbers are
// open, and loops that count. Everything else can be this or that, and each is
// looked at.
func Verify(s *program.Start) []Problem {
	v := verifier{start: s, seen: map[string]bool{}, found: map[Problem]bool{}}
	v.stages = [3]stage{newStage(s.First), newStage(s.Second), newStage(s.Rest)}
	highest := s.Highest
	if highest < 0 {
		highest = math.MaxInt32
	}
	first := &state{shared: s.Shared, rest: []span{{0, highest}}}
	for _, o := range s.Open {
		first.put(o.FD, file{kind: o.Kind, cloexec: o.Cloexec})
	}
	v.enter(first, s.Begin)
	for i, g := range v.stages {
		if g.p != nil && g.p.JumpsNowhere() {
			v.problems = append(v.problems, Problem{i + 1, g.p.Len(), "should be the target of a jump that has none"})
		}
	}
	for len(v.todo) > 0 {
		last := len(v.todo) - 1
		next := v.todo[last]
		v.todo = v.todo[:last]
		v.step(next)
	}
	return v.problems
}

// leave goes on in the rest, with the files that have come with it. A child that none comes to
// goes on waiting.
func (v *verifier) leave(s *state) {
	if v.start.Rest == nil {
		return
	}
	for range v.start.Received {
		s.open(file{kind: program.ForProgram})
	}
	s.stage, s.args, s.words = 2, nil, nil
	v.enter(s, 0)
}

// mostStates is far more than any start has.
const mostStates = 1 << 18

// mostMissing is how many mounts of a view may be left out together: all sets of them would be
// too many to look at.
const mostMissing = 2

// A verifier is one walk through a start.
type verifier struct {
	start    *program.Start
	stages   [3]stage
	todo     []*state
	seen     map[string]bool
	found    map[Problem]bool
	problems []Problem
}

// enter puts a state on the list of those to go on from, unless it has been
// there before. What no later step reads makes no difference.
func (v *verifier) enter(s *state, pc int) {
	s.pc = pc
	g := &v.stages[s.stage]
	if g.p == nil || pc < 0 || pc >= len(g.p.Steps) {
		v.report(s, "does not exist, and is jumped to")
		return
	}
	g.forget(s)
	if key := s.key(); !v.seen[key] {
		v.seen[key] = true
		v.todo = append(v.todo, s)
	}
	if len(v.seen) > mostStates {
		panic("program: there are too many ways through a start:\n" + list(v.start))
	}
}

func (v *verifier) report(s *state, format string, args ...any) {
	p := Problem{s.stage + 1, s.pc, fmt.Sprintf(format, args...)}
	if !v.found[p] {
		v.found[p] = true
		v.problems = append(v.problems, p)
	}
}

// step looks at the step that a state has come to, and goes on with whatever
// may follow it.
func (v *verifier) step(s *state) {
	p, pc := v.stages[s.stage].p, s.pc
	step, ways := &p.Steps[pc], ways(p, pc)
	if step.Leaves {
		v.leave(s.clone())
	}
	switch step.Call {
	case program.Test:
		v.test(s, step, ways)
		return
	case program.Move:
		if v.move(s, step) {
			v.enter(s, ways[0])
		}
		return
	case program.ExitGroup:
		return
	}
	before := s.clone()
	result, how := verifiedCall{v, s, step}.run()
	if how == allTheSame {
		before = s.clone()
	}
	if how != succeeds {
		if step.Call == program.OpenTree && len(ways) > 1 {
			before.missing++
		}
		for _, way := range ways[1:] {
			if before.missing <= mostMissing {
				v.enter(before.clone(), way)
			}
		}
	}
	if how != fails {
		v.store(s, step, result)
		v.enter(s, ways[0])
	}
}

// test goes one way if the word is one that counts, and both ways otherwise.
func (v *verifier) test(s *state, step *program.Step, ways []int) {
	word, known := v.stages[s.stage].word(s, step.Args[0])
	equal := uint32(word) == uint32(step.Args[1].Value)
	if !known || equal {
		v.enter(s.clone(), ways[1])
	}
	if (!known || !equal) && !step.Leaves {
		v.enter(s, ways[0])
	}
}

// move stores a word, or ends the child if there is no address.
func (v *verifier) move(s *state, step *program.Step) bool {
	if step.Args[0].Kind == program.Number && step.Args[0].Value == 0 {
		return false
	}
	result := uint64(unknown)
	if word, known := v.stages[s.stage].word(s, step.Args[0]); known {
		result = (uint64(uint32(word))&^step.Args[3].Value | step.Args[2].Value) + step.Args[1].Value
	}
	v.store(s, step, result)
	return true
}

// list has the programs, with their steps numbered as in [Problem].
func list(s *program.Start) string {
	var b strings.Builder
	for stage, p := range []*program.Program{s.First, s.Second, s.Rest} {
		if p == nil {
			continue
		}
		fmt.Fprintf(&b, "stage %d:\n", stage+1)
		for i := range p.Steps {
			fmt.Fprintf(&b, "%4d  %-70s %s\n", i, listing.Format(p, i, func(step int) string { return "$" + strconv.Itoa(step) }), p.Steps[i].Field)
		}
	}
	return b.String()
}
