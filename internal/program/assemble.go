package program

// How a program is put together. Steps are added in their order, and refer to
// each other by what adding them returns, never by counting:
//
//	again, gone := p.Here(), p.Ahead()
//	p.Add("", Getppid).Into(parent)
//	p.GotoIf("", parent, Num(1), &gone)
//	p.Add("", Futex, word).On(EINTR, &again).Then(&again)
//	gone.Place()

// Add appends a step and returns it for the caller to complete. The pointer
// is good until the next Add. An argument may be the result of an earlier step,
// see [Program.Result].
func (p *Program) Add(field string, call Call, args ...Arg) *Step {
	for i, a := range args {
		if a.Kind == Result && p.Steps[a.Value].free() <= uses(args[:i], a) {
			args[i] = p.recorded(field, a)
		}
	}
	p.Steps = append(p.Steps, Step{Call: call, Field: field})
	s := p.last()
	copy(s.Args[:], args)
	for i, a := range args {
		switch a.Kind {
		case Result:
			p.StepOf(a).Feed(p.Slot(i))
		case Hole:
			h := &p.Holes[a.Value]
			h.step, h.arg = int32(len(p.Steps)-1), int32(i)
		}
	}
	return s
}

func uses(list []Arg, a Arg) (n int) {
	for _, other := range list {
		if other == a {
			n++
		}
	}
	return n
}

// recorded is the result of a step that has no room for another destination: it
// is fetched from where the machine has recorded it.
func (p *Program) recorded(field string, result Arg) Arg {
	p.Add(field, Move, Arg{Recorded, result.Value}).Quiet = true
	return p.Result()
}

// Len returns the number of steps: the index of the next one to be added.
func (p *Program) Len() int { return len(p.Steps) }

func (p *Program) last() *Step { return &p.Steps[len(p.Steps)-1] }

// Result is the result of the last step, as an argument of later ones. There may
// be any number of them.
func (p *Program) Result() Arg { return Arg{Result, uint64(len(p.Steps) - 1)} }

// Slot is argument n of the last step, as a place for results of later steps to
// be stored to.
func (p *Program) Slot(n int) Ref { return Ref{ToArg, int32(len(p.Steps) - 1), int32(n)} }

// Size is how much memory the steps so far take.
func (p *Program) Size() Arg { return Arg{StepsSize, uint64(len(p.Steps) * StepSize)} }

// Of says what the step belongs to.
func (s *Step) Of(o Origin) *Step {
	s.Origin = o
	return s
}

// StepOf is the step that a result is of.
func (p *Program) StepOf(result Arg) *Step { return &p.Steps[result.Value] }

// Value adds a step that reads a 32-bit word, and returns its result.
func (p *Program) Value(field string, word Arg) Arg {
	p.Add(field, Move, word)
	return p.Result()
}

// Load reads the 32-bit word that is offset bytes from where another word points
// to.
func (p *Program) Load(field string, pointer Arg, offset int) Arg {
	p.Add(field, Move, pointer, Num(offset))
	return p.Value(field, p.Result())
}

// Copy adds a step that stores a 32-bit word in another place. The step may be
// completed as a [Move].
func (p *Program) Copy(field string, from, to Arg) *Step {
	s := p.Add(field, Move, from).Into(to)
	s.Quiet = true
	return s
}

// WithOpen has use add the steps that need the file which the last step opens,
// and closes it after them.
func (p *Program) WithOpen(use func(fd Arg)) {
	fd := p.Result()
	use(fd)
	p.Add(p.StepOf(fd).Field, Close, fd).Quiet = true
}

// Into has the step's result stored in a word of the data, as 8 bytes, or at an address
// that is a number.
func (s *Step) Into(word Arg) *Step {
	if word.Kind == Number {
		return s.Feed(Ref{ToAddress, 0, int32(word.Value)})
	}
	return s.Feed(Ref{ToData, 0, int32(word.Value)})
}

// Feed has the step's result stored in a place, as 8 bytes.
func (s *Step) Feed(to Ref) *Step {
	n := s.free()
	if n == 0 {
		panic("program: a result has more than two destinations")
	}
	s.Out[len(s.Out)-n] = to
	return s
}

// free is how many destinations the step has room for.
func (s *Step) free() (n int) {
	for _, out := range s.Out {
		if out.Kind == Nowhere {
			n++
		}
	}
	return n
}

// Recorded is the word that a step's result is recorded in.
func (p *Program) Recorded(result Arg) Arg { return Arg{Recorded, result.Value} }
