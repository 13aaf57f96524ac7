//go:build amd64 || arm64

package sprog

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// When a step of an Exec fails, no Go code is left to explain it. So the
// explanations are in the program beforehand: a table with an entry for each
// step, as large as a step, so that a failed instruction's address leads to
// the entry by adding a constant. More steps print it and exit.

// Exit codes of an Exec whose program was not executed.
const (
	exitFailed   = 125
	exitCannot   = 126
	exitNotFound = 127
)

// The words of an entry: the text up to the errno's, and, for any errno and
// for two certain ones, the exit code and the text behind the errno's.
const (
	entryText  = 0 // each text is its address and its length
	entryPlain = 16
	entryCases = 40 // each is an errno, and then the same as for any
	caseSize   = 32
	numCases   = 2
)

// An ending is how the text about a failure ends, and the process with it.
type ending struct {
	errno syscall.Errno // 0: any that no other ending of the step is for
	code  int
	hint  string
}

// tellFailures adds the explanations, and the steps that print one.
func (s *starter) tellFailures() {
	if !s.inPlace {
		return
	}
	p := s.p
	s.handler = p.Len()
	table := p.Buffer(s.handler * program.StepSize)
	for i := range s.handler {
		if !p.Steps[i].Call.IsOperation() {
			s.explainStep(i, table.Plus(i*program.StepSize))
		}
	}
	f := failureBuilder{starter: s, p: p}
	f.build(table)
	for i := s.handler; i < p.Len(); i++ {
		p.Steps[i].Quiet = true
	}
}

// explainStep fills in the entry of a step.
func (s *starter) explainStep(i int, entry program.Arg) {
	st := &s.p.Steps[i]
	e := &StartError{Path: s.path, Step: st.Call.String(), Object: s.p.Object(i), Field: st.Field, inPlace: true}
	s.point(entry.Plus(entryText), e.Error()+": ")
	at := entryCases
	for _, end := range s.endings(e, i) {
		words := entryPlain
		if end.errno != 0 {
			s.p.SetWord(entry.Plus(at), uint64(end.errno))
			words = at + 8
			at += caseSize
		}
		rest := "\n"
		if end.hint != "" {
			rest = " (" + end.hint + ")\n"
		}
		s.p.SetWord(entry.Plus(words), uint64(end.code))
		s.point(entry.Plus(words+8), rest)
	}
}

// point stores the address of a text in a word, and its length in the next.
func (s *starter) point(word program.Arg, text string) {
	s.p.Point(word, s.p.Str(text))
	s.p.SetWord(word.Plus(8), uint64(len(text)))
}

// endings are how a step can fail: in any way, and in those that there is more
// to say about, which is found out beforehand.
func (s *starter) endings(e *StartError, step int) []ending {
	hinted := func(errno syscall.Errno, code int) ending {
		return ending{errno, code, s.hint(e, machine.Result{Place: machine.InSecond, Step: step, Errno: errno})}
	}
	switch s.p.Steps[step].Call {
	case program.Execve, program.Execveat:
		missing := exitCannot
		if s.attr.Program == nil && !s.view().exists(s.path) {
			missing = exitNotFound
		}
		return []ending{{code: exitCannot}, hinted(unix.ENOENT, missing), {errno: unix.ENOTDIR, code: missing}}
	case program.Dup3:
		return []ending{{code: exitFailed}, hinted(unix.EBADF, exitFailed)}
	case program.Seccomp:
		return []ending{{code: exitFailed}, hinted(unix.EACCES, exitFailed), hinted(unix.EINVAL, exitFailed)}
	case program.Setpgid, program.Setsid:
		return []ending{{code: exitFailed}, hinted(unix.EPERM, exitFailed)}
	}
	return []ending{{code: exitFailed}}
}

// A failureBuilder builds the steps that are run after a failure.
type failureBuilder struct {
	*starter
	p     *program.Program
	entry program.Arg // the word with the address of the failed step's entry
	parts program.Arg // three struct iovec: the text, the errno's, the rest
}

func (f *failureBuilder) build(table program.Arg) {
	p := f.p
	f.entry, f.parts = p.Words(0), p.Buffer(3*16)
	p.Add("", program.RtSigprocmask, num(unix.SIG_BLOCK), p.Words(^uint64(0)), num(0), num(8)).Ignore(program.AnyErrno) // SIGPIPE
	f.move(failedStep, program.Arg{Kind: program.Beside, Value: table.Value}, f.entry)
	f.copy(f.entry, entryText, f.parts)
	f.copy(f.entry, entryText+8, f.parts.Plus(8))
	f.findErrno()
	f.findEnding()
	f.copy(f.entry, entryPlain+8, f.parts.Plus(32))
	f.copy(f.entry, entryPlain+16, f.parts.Plus(40))
	code := f.load(f.entry, entryPlain)
	p.Add("", program.Move, f.tellTo, num(0))
	p.Add("", program.Writev, num(0), f.parts, num(3)).Ignore(program.AnyErrno)
	p.FeedArg(p.Len()-2, p.Len()-1, 0)
	p.Add("", program.ExitGroup, num(0)).Ignore(program.AnyErrno)
	p.FeedArg(code, p.Len()-1, 0)
	p.Add("", program.Move, num(0)) // the exit was denied: die of reading at 0
}

var failedStep, failedErrno = program.Arg{Kind: program.FailedStep}, program.Arg{Kind: program.FailedErrno}

// move sets a word to another, with a number added.
func (f *failureBuilder) move(from, plus, to program.Arg) {
	f.p.Add("", program.Move, from, plus)
	f.p.FeedData(f.p.Len()-1, to)
}

// load reads a word at an offset from where another one points to. The result
// is that of the step whose index it returns.
func (f *failureBuilder) load(pointer program.Arg, offset int) int {
	p := f.p
	p.Add("", program.Move, pointer, num(offset))
	p.Add("", program.Move)
	p.FeedArg(p.Len()-2, p.Len()-1, 0)
	return p.Len() - 1
}

func (f *failureBuilder) copy(pointer program.Arg, offset int, to program.Arg) {
	f.p.FeedData(f.load(pointer, offset), to)
}

// test goes on somewhere else if the errno is the one that is found at an
// offset from where a word points to. The jump's aim is not set yet.
func (f *failureBuilder) test(pointer program.Arg, offset int) (jump int) {
	errno := f.load(pointer, offset)
	f.p.Add("", program.Test, failedErrno)
	jump = f.p.Len() - 1
	f.p.FeedArg(errno, jump, 1)
	return jump
}

func (f *failureBuilder) aim(jump int) { f.p.Steps[jump].Args[2] = num(f.p.Len() - jump) }

// findErrno goes through the list of errnos, the last of which is any other.
func (f *failureBuilder) findErrno() {
	const entry, last = 24, int(unix.EHWPOISON) + 1
	p := f.p
	list, at := p.Buffer((last+1)*entry), p.Words(0)
	for n := range last + 1 {
		text := syscall.Errno(n).Error()
		if n == last {
			text = "unknown error"
		}
		p.SetWord(list.Plus(n*entry), uint64(n))
		f.point(list.Plus(n*entry+8), text)
	}
	p.Point(at, list)
	loop := p.Len()
	found := f.test(at, 0)
	p.Add("", program.Test, at, list.Plus(last*entry))
	end := p.Len() - 1
	f.move(at, num(entry), at)
	p.Steps[p.Len()-1].Next = int16(loop - (p.Len() - 1))
	f.aim(found)
	f.aim(end)
	f.copy(at, 8, f.parts.Plus(16))
	f.copy(at, 16, f.parts.Plus(24))
}

// findEnding moves the entry to that of its endings which is for the errno.
func (f *failureBuilder) findEnding() {
	p := f.p
	var jumps [numCases]int
	for i := range jumps {
		jumps[i] = f.test(f.entry, entryCases+i*caseSize)
	}
	last := jumps[numCases-1]
	p.Steps[last].Next = int16(numCases + 1)
	for i, jump := range jumps {
		f.aim(jump)
		f.move(f.entry, num(entryCases+i*caseSize+8-entryPlain), f.entry)
		p.Steps[p.Len()-1].Next = int16(numCases - i)
	}
}
