//go:build amd64 || arm64

package launch

import (
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
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

// The words of an entry: the text up to the errno's, and the list of endings.
// Each text is its address and its length.
const (
	entryText = 0
	entryList = 16
)

// The words of an ending: the errno, the exit code, and the text behind that
// of the errno.
const (
	endingErrno = 0
	endingCode  = 8
	endingText  = 16
	endingSize  = 32
)

// An ending is how the text about a failure ends, and the process with it.
type ending struct {
	errno syscall.Errno // 0, of the last in a list: any that no other ending is for
	code  int
	hint  terms.Text
}

// tellFailures adds the explanations, and the steps that print one.
func (s *attempt) tellFailures() {
	if !s.ask.InPlace {
		return
	}
	p := s.made.First
	s.handler = p.Len()
	table := p.Buffer(s.handler * program.StepSize)
	for i := range s.handler {
		if !p.Steps[i].Call.IsOperation() {
			s.explainStep(i, table.Plus(i*program.StepSize))
		}
	}
	f := failureBuilder{attempt: s, p: p}
	f.build(table)
	for i := s.handler; i < p.Len(); i++ {
		p.Steps[i].Quiet = true
	}
}

// explainStep fills in the entry of a step.
func (s *attempt) explainStep(i int, entry program.Arg) {
	st := &s.made.First.Steps[i]
	e := &spec.Error{Path: s.ask.Path, Step: st.Call.String(), Object: listing.Object(s.made.First, i), Field: st.Field,
		Origin: s.made.First.Origin(i), InPlace: true}
	s.describeFile(e)
	s.point(entry.Plus(entryText), e.Text().In(s.to.Words)+": ")
	endings := s.endings(e, i)
	list := s.made.First.Buffer(len(endings) * endingSize)
	s.made.First.Point(entry.Plus(entryList), list)
	for n, end := range endings {
		at := list.Plus(n * endingSize)
		s.made.First.SetWord(at.Plus(endingErrno), uint64(end.errno))
		s.made.First.SetWord(at.Plus(endingCode), uint64(end.code))
		rest := "\n"
		if end.hint != "" {
			rest = " (" + end.hint.In(s.to.Words) + ")\n"
		}
		s.point(at.Plus(endingText), rest)
	}
}

// point stores the address of a text in a word, and its length in the next.
func (s *attempt) point(word program.Arg, text string) {
	s.made.First.Point(word, s.made.First.Str(text))
	s.made.First.SetWord(word.Plus(8), uint64(len(text)))
}

// endings are how a step can fail: in those ways that there is more to say
// about, which is found out beforehand, and in any other.
func (s *attempt) endings(e *spec.Error, step int) (list []ending) {
	if s.ask.Launcher != nil {
		return s.endingsOfLauncher(step)
	}
	call := s.made.First.Steps[step].Call
	executes := call == program.Execve || call == program.Execveat
	errnos, code := s.likely(call), exitFailed
	if executes {
		code = exitCannot
	}
	for _, errno := range errnos {
		one := ending{errno, code, s.failed(e, machine.Result{Place: machine.InSecond, Step: step, Errno: errno}).WhyInTime()}
		if executes && (errno == unix.ENOENT || errno == unix.ENOTDIR) && s.ask.Attr.Program == nil && !explain.View(s.ask).Exists(s.ask.Path) {
			one.code = exitNotFound
		}
		if one.hint != "" || one.code != code {
			list = append(list, one)
		}
	}
	return append(list, ending{code: code})
}

// likely are the errnos that a hint may be for. Nobody knows beforehand who
// will have the program open for writing (ETXTBSY). An Exec that is going to
// succeed should not spend its time on what cannot happen.
func (s *attempt) likely(call program.Call) []syscall.Errno {
	_, mayLack := call.Since()
	switch {
	case call == program.Openat:
		return append(errnosOfCalls[:], unix.EISDIR, unix.ENXIO, unix.ETXTBSY)
	case call != program.Execve && call != program.Execveat && mayLack && call != program.CloseRange:
		return append(errnosOfCalls[:], unix.ENOSYS)
	case call != program.Execve && call != program.Execveat:
		return errnosOfCalls[:]
	case !s.failed(nil, machine.Result{}).LooksExecutable() || s.given.Locked.Restricts() || kernel.Exists(explain.ModulesFile):
		return errnosOfExec[:]
	}
	return errnosOfExec[:2]
}

var (
	errnosOfExec = [...]syscall.Errno{unix.E2BIG, unix.EAGAIN, // and those about the file
		unix.EPERM, unix.EACCES, unix.ENOENT, unix.ENOTDIR, unix.ENOEXEC, unix.ELOOP, unix.ENAMETOOLONG, unix.ELIBBAD}
	errnosOfCalls = [...]syscall.Errno{unix.EPERM, unix.EACCES, unix.ENOENT, unix.ENOTDIR, unix.EINVAL,
		unix.EBADF, unix.EBUSY, unix.ENOSPC, unix.ENOTTY, unix.EROFS, unix.ELOOP}
)

// A failureBuilder builds the steps that are run after a failure.
type failureBuilder struct {
	*attempt
	p     *program.Program
	entry program.Arg // the word with the address of the failed step's entry
	parts program.Arg // three struct iovec: the text, the errno's, the rest
}

func (f *failureBuilder) build(table program.Arg) {
	p := f.p
	f.entry, f.parts = p.Words(0), p.Buffer(3*16)
	p.Add("", program.RtSigprocmask, compile.Num(unix.SIG_BLOCK), p.Words(^uint64(0)), compile.Num(0), compile.Num(8)).Ignore(program.AnyErrno) // SIGPIPE
	p.Add("", program.Move, failedStep, program.Arg{Kind: program.Beside, Value: table.Value}).Into(f.entry)
	f.copy(f.entry, entryText, f.parts)
	f.copy(f.entry, entryText+8, f.parts.Plus(8))
	f.findErrno()
	end := f.findEnding()
	f.copy(end, endingText, f.parts.Plus(32))
	f.copy(end, endingText+8, f.parts.Plus(40))
	code := p.Load("", end, endingCode)
	p.Add("", program.Writev, p.Value("", f.made.TellTo), f.parts, compile.Num(3)).Ignore(program.AnyErrno)
	p.Add("", program.ExitGroup, code).Ignore(program.AnyErrno)
	p.Add("", program.Move, compile.Num(0)) // the exit was denied: die of reading at 0
}

var failedStep, failedErrno = program.Arg{Kind: program.FailedStep}, program.Arg{Kind: program.FailedErrno}

// copy stores the word at an offset from where another one points to.
func (f *failureBuilder) copy(pointer program.Arg, offset int, to program.Arg) {
	f.p.StepOf(f.p.Load("", pointer, offset)).Into(to)
}

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
	again, found := p.Here(), p.Ahead()
	p.GotoIf("", failedErrno, p.Load("", at, 0), &found)
	p.GotoIf("", at, list.Plus(last*entry), &found)
	p.Add("", program.Move, at, compile.Num(entry)).Into(at).Then(&again)
	found.Place()
	f.copy(at, 8, f.parts.Plus(16))
	f.copy(at, 16, f.parts.Plus(24))
}

// findEnding goes through the list of endings, the last of which is for any
// errno. It returns the word with the address of the one that is for this.
func (f *failureBuilder) findEnding() program.Arg {
	p := f.p
	at, errno := p.Words(0), p.Words(0)
	f.copy(f.entry, entryList, at)
	again, found := p.Here(), p.Ahead()
	p.GotoIf("", failedErrno, p.Load("", at, endingErrno), &found)
	f.copy(at, endingErrno, errno)
	p.GotoIf("", errno, compile.Num(0), &found)
	p.Add("", program.Move, at, compile.Num(endingSize)).Into(at).Then(&again)
	found.Place()
	return at
}
