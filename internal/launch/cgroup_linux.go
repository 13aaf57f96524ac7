//go:build amd64 || arm64

package launch

import (
	"errors"
	"io/fs"
	"math"
	"strconv"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// makeCgroup makes the new cgroup with its limits, before the child is born in
// it. It goes away with a start that fails.
func (s *attempt) makeCgroup() *spec.Error {
	s.group, s.cgroupSays = nil, ""
	c := s.ask.Attr.Cgroup
	if c == nil {
		return nil
	}
	s.to.Tracer.Phase("cgroup", "make the cgroup", spec.CgroupField)
	g, err := cgroup.Make(c.Spec())
	if err != nil {
		return OfCgroup(s.ask.Path, err)
	}
	s.to.Tracer.phaseOfOpening()
	s.group = g
	s.afterwards(func(started bool) {
		if started {
			g.Commit()
			s.to.Birth.Cgroup = g
			return
		}
		s.cgroupSays = tooSmall(g)
		g.Discard()
	})
	if s.entersByItself() {
		return s.openProcs(spec.CgroupField, g.OpenProcs)
	}
	return nil
}

// entersByItself reports whether the child has to go to the new cgroup by a
// step of its own, since the kernel has no CLONE_INTO_CGROUP.
func (s *attempt) entersByItself() bool {
	return s.ask.Attr.Cgroup != nil && s.given.Lacks.Has(kernel.NoClone3|kernel.NoIntoCgroup)
}

// tooSmall is what the counters say of a start that went wrong.
func tooSmall(g *cgroup.Group) terms.Text {
	s, _ := g.Stats()
	switch {
	case s.OOMKills > 0 || s.OOM > 0:
		return terms.Sprintf("the memory limit of the cgroup is too low for the start: memory.events counts %s times out of memory",
			max(s.OOM, s.OOMKills))
	case s.PidsMax > 0:
		return "the limit of the cgroup on processes was reached"
	}
	return ""
}

// openProcs opens a cgroup.procs for the child to write to. The kernel asks
// for the rights of who has opened it: the child's may be none.
func (s *attempt) openProcs(field string, open func() (int, error)) *spec.Error {
	hole, err := s.makeFile(procsUse(field), open)
	if err != nil {
		return ofFile(s.ask.Path, field, err)
	}
	s.given.Enters = append(s.given.Enters, compile.Enter{Hole: hole, Field: field})
	return nil
}

func procsUse(field string) compile.Use {
	return compile.Use{Fd: compile.Unopened, Name: "cgroup.procs", Field: field, Kind: program.HostFile, Own: true}
}

func (s *attempt) supposeProcs(field string) {
	s.given.Enters = append(s.given.Enters, compile.Enter{Hole: s.given.Use(procsUse(field)), Field: field})
}

// OfCgroup is the error of a start whose cgroup cannot be made.
func OfCgroup(program string, err error) *spec.Error {
	e := ofFile(program, spec.CgroupField, err)
	var of *cgroup.Error
	if !errors.As(err, &of) {
		return e
	}
	if of.Label != "" {
		e.Field += "." + of.Label
	}
	if of.Holder != "" {
		e.Err = terms.Message{Text: terms.Sprintf("%s: choose a {Parent|Attr.Cgroup.Parent} without processes, "+
			"or set {Evacuate|Attr.Cgroup.Evacuate}, which moves them to %s", e.Err, cgroup.Leaf), Err: e.Err}
	}
	e.Hint = terms.Plain(of.Hint)
	return e
}

// ofFile is the error of a start that an operation on a file ends.
func ofFile(program, field string, err error) *spec.Error {
	e := &spec.Error{Path: program, Field: field, Err: err}
	var of *fs.PathError
	if errors.As(err, &of) {
		e.Step, e.Object, e.Err = of.Op, of.Path, of.Err
	}
	return e
}

// openCgroupV1 opens the v1 cgroups that the child is put into.
func (s *attempt) openCgroupV1() *spec.Error {
	for i, dir := range s.ask.Attr.CgroupV1 {
		open := func() (int, error) { return cgroup.OpenProcsV1(dir) }
		if err := s.openProcs(spec.Index("Attr.CgroupV1", i), open); err != nil {
			return err
		}
	}
	return nil
}

func (s *attempt) supposeCgroupV1() *spec.Error {
	for i := range s.ask.Attr.CgroupV1 {
		s.supposeProcs(spec.Index("Attr.CgroupV1", i))
	}
	return nil
}

// describeCgroup lists what the parent would do. Only a start finds out
// which cgroup is the parent.
func (s *attempt) describeCgroup() *spec.Error {
	c := s.ask.Attr.Cgroup
	if c == nil {
		return nil
	}
	parent, name := c.Parent, c.Name
	if parent == "" {
		parent = "DELEGATED"
	}
	if name == "" {
		name = "sprog-NAME"
	}
	note := func(call, text, field string) {
		s.parentSteps = append(s.parentSteps, PlanStep{By: "parent", Call: call, Text: text, Field: field})
	}
	write := func(file, value, field string) {
		note("write", "write("+strconv.Quote(file)+", "+strconv.Quote(value)+", "+spec.Itoa(len(value))+")", field)
	}
	if need := c.Spec().Enables(); need != "" {
		write(parent+"/cgroup.subtree_control", need, spec.CgroupField)
	}
	dir := parent + "/" + name
	note("mkdir", "mkdir("+strconv.Quote(dir)+", 0755)", spec.CgroupField)
	for _, w := range c.Writes() {
		write(dir+"/"+w.File, w.Value, spec.CgroupField+"."+w.Label)
	}
	return nil
}

// cgroup is the descriptor of the cgroup that the child is born in, or -1.
func (s *attempt) cgroup() int {
	switch {
	case s.ask.Sys.UseCgroupFD:
		return s.ask.Sys.CgroupFD
	case s.ask.Attr.Cgroup == nil || s.entersByItself():
		return -1
	case s.group == nil: // of a plan
		return supposedCgroup
	}
	return s.group.FD()
}

// supposedCgroup stands for the descriptor of a cgroup that only a start makes.
const supposedCgroup = math.MaxInt32
