// Package program describes what a child process does between its birth and
// the execution of its program: a list of steps, each a system call with its
// arguments, or one of the few operations that the machine has besides. It is
// data; building it touches no kernel state, and it builds on every platform.
//
// A step's argument may be a number, or the address of something in the
// program's data: a path, a buffer, an array of strings. Where that data will
// be in memory is not known here. The machine links a program to an address
// when it runs it: the parent's heap for the first stage, the image of the
// second stage for the rest.
package program

// A Step is one system call, or one operation of the machine.
type Step struct {
	Call Call
	// Origin is what the step belongs to, or empty for what its field asks for.
	Origin Origin
	// Field is the field of the start that asked for the step, or empty for
	// one that every start has.
	Field string
	Args  [6]Arg
	// Out is where the result is stored, in addition to being recorded:
	// into arguments of other steps, or into words of the data.
	Out [2]Ref
	// Catch lists results that are not failures, and where the child goes on
	// after them.
	Catch [2]Catch
	// Next is the step to go on with, relative to this one; 0 means the
	// following step.
	Next int32
	// Sibling steps are calls of clone that make a sibling of the process: the
	// process ends, and the sibling goes on. The result is stored by the former, to
	// one place. A failure is one as of any other step.
	Sibling bool
	// Leaves says that what follows the step, where it does not jump, is no step of this program: the
	// first of another one, which a child gets from its parent while it waits.
	Leaves bool
	// Quiet steps are bookkeeping that a listing leaves out.
	Quiet bool
	// Timed steps are those whose beginning the program's log notes.
	Timed bool
}

// An Arg is an argument of a step: a number, or a place in the data.
type Arg struct {
	Kind  ArgKind
	Value uint64
}

// An ArgKind says how an argument's value becomes a machine word.
type ArgKind uint8

const (
	Number    ArgKind = iota // the value itself
	Address                  // the address of the data at that offset
	Result                   // filled in while running, by another step's Out
	Steps                    // the address of the program's instructions
	StepsSize                // how much memory steps of that size take, which is more where there is a log

	// FailedStep and FailedErrno are the addresses of two words: where the
	// instruction is of the step that failed, and what it failed with.
	FailedStep
	FailedErrno
	// Beside is the distance to the data at that offset from the program's
	// instructions. Added to an instruction's address, it leads to the step's
	// own entry in a table with one entry of StepSize for each step.
	Beside
	// Recorded is the address of the word that the result of the step with that
	// index is recorded in.
	Recorded
	// Hole is a value that is not known before the program is bound to a start: the one
	// of [Program.Holes] with that index.
	Hole
)

// StepSize is the size of a step in memory.
const StepSize = 128

// Num returns an argument that is a number. Negative numbers are
// sign-extended, as the kernel's ABI has them.
func Num[T ~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64 | ~uintptr](n T) Arg {
	return Arg{Number, uint64(n)}
}

// A Ref is a place that a result is stored to, as 8 bytes.
type Ref struct {
	Kind RefKind
	Step int32 // index of the step, for ToArg
	Pos  int32 // argument number, offset in the data, or the address
}

// A RefKind says what a Ref refers to.
type RefKind uint8

const (
	Nowhere   RefKind = iota
	ToArg             // an argument of another step
	ToData            // a word of the data
	ToAddress         // a place in memory that is there already
)

// A Catch names an errno that is no failure, and the step to go on with,
// relative to the one that got it.
type Catch struct {
	Errno uint32 // 0: none; [AnyErrno]: every errno
	To    int32
}

// AnyErrno catches every error.
const AnyErrno = ^uint32(0)

// Program is a list of steps with the data that they refer to. The zero value
// is an empty program. Data and lists are reused by Reset.
type Program struct {
	Steps []Step
	Data  []byte
	// Relocs are the offsets of the words in Data that hold offsets in Data
	// and become addresses when the program is linked.
	Relocs []int
	// Labels name places in Data, which listings would otherwise have to call
	// by their offsets.
	Labels []Label
	// Holes are the arguments that are filled in when the program is bound to a start.
	Holes []Unfilled
	// Log is where it is noted when timed steps begin.
	Log Log
	// Variables are the words that nothing but steps store to, by their offsets.
	Variables []uint64
	// Handler is the first of the steps that are run when one has failed, or 0. They
	// are the program's last, and what comes after them ends the process.
	Handler int
	// Fault, if not nil, makes a step misbehave when the program runs.
	Fault *Fault

	waiting []jump  // for targets that have no place yet
	room    [8]jump // enough of it as a rule
	targets int32   // that were made for jumps ahead
}

// A Fault is what tests do to a step, to see what becomes of a start in which
// that step goes wrong. The steps themselves stay as they are, for errors to
// name.
type Fault struct {
	Step int
	// Die has the child killed by SIGSEGV at the step. Otherwise the step
	// fails with [FaultErrno], whatever it catches.
	Die bool
}

// FaultErrno is what a step fails with that a Fault makes fail: EBADF.
const FaultErrno = 9

// A Label is the name of a place in the data.
type Label struct {
	At   uint64
	Name string
}

// Label names a place in the data.
func (p *Program) Label(at Arg, name string) {
	p.Labels = append(p.Labels, Label{at.Value, name})
}

// Reset empties the program and keeps its memory for the next one, unless
// that has grown large.
func (p *Program) Reset() {
	const keep = 64 << 10
	clear(p.Steps)
	p.Steps = p.Steps[:0]
	p.Data = p.Data[:0]
	p.Relocs = p.Relocs[:0]
	p.Labels = p.Labels[:0]
	p.Holes = p.Holes[:0]
	p.Fault, p.Log, p.waiting, p.targets = nil, Log{}, p.waiting[:0], 0
	p.Variables, p.Handler = p.Variables[:0], 0
	if cap(p.Data) > keep {
		p.Data, p.Relocs = nil, nil
	}
}

// Has reports whether the program makes a call.
func (p *Program) Has(c Call) bool {
	for i := range p.Steps {
		if p.Steps[i].Call == c {
			return true
		}
	}
	return false
}
