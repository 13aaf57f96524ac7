//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/program"
)

// plan compiles the request for a kernel that lacks nothing, and lists what
// the parent, the child and the second stage would do.
func (r *request) plan() (*Plan, error) {
	r.fillIn()
	if err := r.validate(); err != nil {
		err.Path = r.path
		return nil, err
	}
	s := &starter{}
	s.request, s.p = r, &s.program
	s.children = append(s.children, r.files...)
	if r.attr.Init != nil {
		s.second = new(program.Program)
		s.addSecondFiles(0, 0)
	}
	s.standIn()
	s.compile()
	s.prepareLaunch()

	l := lister{plan: &Plan{Path: r.path}}
	l.birth(s)
	l.program(s.p, func(int) string { return "child" })
	if s.second != nil {
		l.program(s.second, func(step int) string {
			if step < s.firstStep {
				return "init"
			}
			return "program"
		})
	}
	return l.plan, nil
}

// standIn gives numbers to the descriptors that only a start has: what it
// makes, and what it lends a low number to.
func (s *starter) standIn() {
	next := 3
	pipes := map[int]int{}
	for i := range s.children {
		f := &s.children[i]
		made := f.source == pipeEnd || i >= len(s.files)
		switch {
		case f.source == pipeEnd && pipes[f.fd] != 0:
			f.fd = pipes[f.fd]
		case made:
			if f.source == pipeEnd {
				pipes[f.fd] = next
			}
			f.fd = next
			next++
		}
	}
	s.parentFD = -1
	if s.needsParentFD() {
		s.parentFD = next
	}
	s.listHeld()
}

// A lister writes the steps of a plan.
type lister struct {
	plan *Plan
}

func (l *lister) add(by, call, text, field string) {
	l.plan.Steps = append(l.plan.Steps, PlanStep{By: by, Call: call, Text: text, Field: field})
}

// birth lists what the parent does: the clone, and its part of a rendezvous.
func (l *lister) birth(s *starter) {
	e := &StartError{}
	s.explainBirth(e, 0)
	l.add("parent", e.Step, e.Syscall, e.Field)
	if !s.meets() {
		return
	}
	for _, f := range s.mapFiles() {
		l.add("parent", "write", f.write(strconv.Quote("/proc/CHILD/"+f.name)), f.field)
	}
}

// program lists a program. The numbers that steps refer to each other by are
// those of the whole plan; a step that is not listed goes by the number of
// the one after it.
func (l *lister) program(p *program.Program, by func(step int) string) {
	listed := func(s *program.Step) bool { return !s.Quiet && !s.FillsIn() }
	number := make([]int, p.Len()+1)
	next := len(l.plan.Steps) + 1
	for i := range p.Steps {
		number[i] = next
		if listed(&p.Steps[i]) {
			next++
		}
	}
	number[p.Len()] = next
	name := func(step int) string { return "$" + strconv.Itoa(number[step]) }
	for i := range p.Steps {
		if st := &p.Steps[i]; listed(st) {
			l.add(by(i), st.Call.String(), p.Format(i, name), st.Field)
		}
	}
}
