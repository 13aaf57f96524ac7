package program

import "strconv"

// An Unfilled is a value that steps need and that only a start knows: a descriptor of
// the parent's, the arguments of the program to execute. A listing shows its name.
type Unfilled struct {
	Name      string
	Number    int // if it is not 0, the listing shows it after the name
	step, arg int32
}

// Hole is an argument of the next step that [Program.Fill] fills in.
func (p *Program) Hole(name string) Arg { return p.HoleFor(Unfilled{Name: name}) }

// HoleFor is the same for a value that may have a number.
func (p *Program) HoleFor(u Unfilled) Arg {
	p.Holes = append(p.Holes, u)
	return Arg{Hole, uint64(len(p.Holes) - 1)}
}

// String is what a listing shows.
func (u Unfilled) String() string {
	if u.Number != 0 {
		return "<" + u.Name + " " + strconv.Itoa(u.Number) + ">"
	}
	return "<" + u.Name + ">"
}

// Fill puts a value in the place of a hole. It may be filled anew.
func (p *Program) Fill(hole, value Arg) {
	h := p.Holes[hole.Value]
	p.Steps[h.step].Args[h.arg] = value
}

// ValueOf is what a hole was filled with.
func (p *Program) ValueOf(hole Arg) Arg {
	h := p.Holes[hole.Value]
	return p.Steps[h.step].Args[h.arg]
}

// CopyFrom makes the program a copy of another one, in its own memory. A program that has
// run is not what it was: its steps count in the data.
func (p *Program) CopyFrom(other *Program) {
	p.Reset()
	p.Steps, p.Data = append(p.Steps, other.Steps...), append(p.Data, other.Data...)
	p.Relocs, p.Labels = append(p.Relocs, other.Relocs...), append(p.Labels, other.Labels...)
	p.Holes, p.Log = append(p.Holes, other.Holes...), other.Log
	p.Variables, p.Handler = append(p.Variables, other.Variables...), other.Handler
}
