//go:build amd64 || arm64

package launch

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Plan compiles the request for a kernel that lacks nothing, and lists what
// the parent, the child and the second stage would do.
func Plan(r *spec.Start, to Options) ([]PlanStep, error) { return planFor(r, 0, to) }

// planFor does it for a kernel that lacks something.
func planFor(r *spec.Start, lacks kernel.Missing, to Options) ([]PlanStep, error) {
	r.FillIn()
	if err := Resolve(r); err != nil {
		return nil, r.Refused(err)
	}
	s := new(memory).begin(r, to, tried{})
	s.given.Lacks = lacks
	if err := s.suppose(); err != nil {
		return nil, r.Refused(err)
	}
	s.compile()
	s.made.BindStrings(r.Path, r.Dir, r.Argv, r.Env)
	s.made.BindView(s.cwd)
	if to.Inspect != nil {
		to.Inspect(s.made.First, s.made.Second)
	}
	s.prepareLaunch()

	l := lister{steps: s.parentSteps}
	l.inline(s)
	if s.ask.InPlace {
		l.program(s.made.First, func(int) string { return "self" })
		return l.steps, nil
	}
	l.birth(s)
	l.program(s.made.First, func(int) string { return "child" })
	switch {
	case s.made.Second == nil:
	case s.given.WaitFD == compile.NotOpen:
		l.program(s.made.Second, s.made.Runs)
	default:
		l.programAround(s.made.Second, s.made.Runs, s.made.MeetAt+1, s.planOfMeeting())
	}
	return l.steps, nil
}

// A lister writes the steps of a plan.
type lister struct {
	steps []PlanStep
}

func (l *lister) add(by, call, text, field string) {
	l.steps = append(l.steps, PlanStep{By: by, Call: call, Text: text, Field: field})
}

// birth lists what the parent does: the clone, and its part of a rendezvous.
func (l *lister) birth(s *attempt) {
	e := &spec.Error{}
	s.explainBirth(e, 0)
	l.add("parent", e.Step, e.Syscall, e.Field)
	if s.given.MeetsEarly() {
		l.steps = append(l.steps, s.planOfMaps()...)
	}
}

// planOfMeeting is the parent's part while the second stage waits.
func (s *attempt) planOfMeeting() []PlanStep {
	list := s.planOfMaps()
	if len(s.ask.Attr.Sockets) > 0 {
		list = append(list, PlanStep{"parent", "recvmsg", "recvmsg(<sockets>, sockets, MSG_CMSG_CLOEXEC|MSG_DONTWAIT)", spec.SocketsField})
	}
	if s.ask.Attr.Meet != nil {
		list = append(list, PlanStep{"parent", "meet", "meet(CHILD)", spec.MeetField})
	}
	return list
}

// planOfMaps is how the parent writes the id maps.
func (s *attempt) planOfMaps() (list []PlanStep) {
	for _, f := range s.ask.MapFiles() {
		if helper := helperFor(s.ask, f); helper != "" {
			path, _ := helperPath(s.ask, helper)
			list = append(list, PlanStep{"parent", helper, path + " " + strings.Join(f.HelperArgs(helper, "CHILD")[1:], " "), "Attr.IDMap.Helpers"})
			continue
		}
		list = append(list, PlanStep{"parent", "write", f.Write(strconv.Quote("/proc/CHILD/" + f.Name)), f.Field})
	}
	return list
}

// inline lists how the parent makes the files whose content is given.
func (l *lister) inline(s *attempt) {
	for _, f := range s.given.Files {
		if f.Source != spec.Inline {
			continue
		}
		const shown = 32
		by := "parent"
		if s.ask.InPlace {
			by = "self"
		}
		text, fd := strconv.Quote(string(f.File.Data[:min(len(f.File.Data), shown)])), compile.NameOf(&f)
		if len(f.File.Data) > shown {
			text += "..."
		}
		l.add(by, "memfd_create", `memfd_create("`+inlineName+`", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_NOEXEC_SEAL)`, f.Field)
		l.add(by, "pwrite64", "pwrite64("+fd+", "+text+", "+spec.Itoa(len(f.File.Data))+", 0)", f.Field)
		l.add(by, "fcntl", "fcntl("+fd+", F_ADD_SEALS, F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE|F_SEAL_FUTURE_WRITE)", f.Field)
	}
}

// program lists a program. The numbers that steps refer to each other by are
// those of the whole plan; a step that is not listed goes by the number of
// the one after it.
func (l *lister) program(p *program.Program, by func(step int) string) {
	l.programAround(p, by, p.Len(), nil)
}

// programAround lists a program, and before one of its steps others.
func (l *lister) programAround(p *program.Program, by func(step int) string, before int, others []PlanStep) {
	listed := func(s *program.Step) bool { return !s.Quiet && !listing.FillsIn(s) }
	name := numbered(p, len(l.steps)+1, func(i int) (lines int) {
		if i == before-1 {
			lines = len(others)
		}
		if listed(&p.Steps[i]) {
			lines++
		}
		return lines
	})
	for i := range p.Steps {
		if i == before {
			l.steps = append(l.steps, others...)
		}
		if st := &p.Steps[i]; listed(st) {
			l.add(by(i), st.Call.String(), listing.Format(p, i, name), st.Field)
		}
	}
}

// numbered returns how the steps of a program refer to each other: by numbers
// of the lines that there are for each of them.
func numbered(p *program.Program, next int, lines func(step int) int) (name func(step int) string) {
	number := make([]int, p.Len()+1)
	for i := range p.Steps {
		number[i] = next
		next += lines(i)
	}
	number[p.Len()] = next
	return func(step int) string { return "$" + strconv.Itoa(number[step]) }
}
