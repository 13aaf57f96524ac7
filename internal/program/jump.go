package program

import "slices"

// A Target is a step that jumps lead to: one that is there, see [Program.Here], or
// one to come, see [Program.Ahead]. Jumps take its address, and have their
// distance when both ends are there.
type Target struct {
	p        *Program
	step, id int32 // the step is -1 as long as it is to come
}

// A jump is one of the ways on from a step, and the target that it waits for.
type jump struct {
	step, target int32
	way          way
}

type way uint8

const (
	always way = iota
	onErrno0
	onErrno1
	ifEqual
)

// Here is the next step to be added, for jumps back to it.
func (p *Program) Here() Target { return Target{p: p, step: int32(len(p.Steps))} }

// Ahead is a step to come, which [Target.Place] gives its place.
func (p *Program) Ahead() Target {
	p.targets++
	return Target{p, -1, p.targets}
}

// Place makes the next step to be added the target.
func (t *Target) Place() {
	if t.step >= 0 {
		panic("program: a target is placed twice")
	}
	t.step = int32(len(t.p.Steps))
	t.p.waiting = slices.DeleteFunc(t.p.waiting, func(j jump) bool {
		if j.target == t.id {
			t.p.lead(j, t.step)
		}
		return j.target == t.id
	})
}

// from has a way of the last step lead to the target.
func (t *Target) from(s *Step, w way) {
	at := len(t.p.Steps) - 1
	if s != &t.p.Steps[at] {
		panic("program: a jump is added to a step that is not the last")
	}
	j := jump{int32(at), t.id, w}
	if t.step >= 0 {
		t.p.lead(j, t.step)
		return
	}
	if t.p.waiting == nil {
		t.p.waiting = t.p.room[:0]
	}
	t.p.waiting = append(t.p.waiting, j)
}

// lead gives a jump its distance.
func (p *Program) lead(j jump, to int32) {
	s, distance := &p.Steps[j.step], to-j.step
	switch j.way {
	case always:
		if distance == 0 {
			panic("program: a step follows itself")
		}
		s.Next = distance
	case onErrno0, onErrno1:
		s.Catch[j.way-onErrno0].To = distance
	case ifEqual:
		s.Args[2] = Num(distance)
	}
}

// Then has the child go on with the target after the step, which is the last one
// that was added.
func (s *Step) Then(to *Target) *Step {
	to.from(s, always)
	return s
}

// On has the child go on with the target if the step, which is the last one that
// was added, fails with the errno.
func (s *Step) On(errno uint32, to *Target) *Step {
	to.from(s, onErrno0+way(s.catch(errno, 0)))
	return s
}

// Ignore makes the errno no failure of the step: the child goes on with the
// step after it.
func (s *Step) Ignore(errno uint32) *Step {
	s.catch(errno, 1)
	return s
}

// Retry has the step done again after the errno.
func (s *Step) Retry(errno uint32) *Step {
	s.catch(errno, 0)
	return s
}

// catch makes the errno lead to another step.
func (s *Step) catch(errno uint32, to int32) (index int) {
	for i := range s.Catch {
		if s.Catch[i].Errno == 0 {
			s.Catch[i] = Catch{errno, to}
			return i
		}
	}
	panic("program: a step catches more than two errnos")
}

// GotoIf adds a step that goes on with the target if a 32-bit word has a value,
// and with the following step otherwise.
func (p *Program) GotoIf(field string, word, value Arg, to *Target) *Step {
	s := p.Add(field, Test, word, value)
	to.from(s, ifEqual)
	return s
}

// Loop adds a step that goes back until the word has a value.
func (p *Program) Loop(word, until Arg, again *Target) {
	done := p.Ahead()
	p.GotoIf("", word, until, &done).Then(again).Quiet = true
	done.Place()
}

// CountUp ends a loop: it adds 1 to the word, stores it in arguments of the
// loop's steps, which have the first value as it is, and goes back until the word
// has the value until.
func (p *Program) CountUp(word, until Arg, again *Target, slots ...Ref) {
	p.Copy("", word, word).Args[1] = Num(1)
	s := p.Add("", Move, word, Num(0))
	s.Quiet = true
	for _, slot := range slots {
		s.Feed(slot)
	}
	p.Loop(word, until, again)
}

// JumpsNowhere reports whether a jump waits for a target that has no place.
func (p *Program) JumpsNowhere() bool { return len(p.waiting) > 0 }
