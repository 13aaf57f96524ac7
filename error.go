package sprog

import (
	"io/fs"
	"os/exec"
	"syscall"

	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// The errors that callers of os/exec already branch on are the same types and
// values here, so that changing the import keeps every errors.As and
// errors.Is working.
type (
	// Error is returned by [LookPath] when it cannot classify a file as an
	// executable.
	Error = exec.Error
	// ExitError reports an unsuccessful exit by a command.
	ExitError = exec.ExitError
)

var (
	// ErrDot indicates that a path lookup resolved to an executable in the
	// current directory because "." is in PATH.
	ErrDot = exec.ErrDot
	// ErrNotFound is the error of a path lookup that found no executable.
	ErrNotFound = exec.ErrNotFound
	// ErrWaitDelay is returned by [Cmd.Wait] when the process exits with
	// success but its output pipes are still open after WaitDelay.
	ErrWaitDelay = exec.ErrWaitDelay
)

// A StartError says why a process was not started: which step of the start,
// on which object, asked for by which field, and what the kernel answered.
// Nothing of the process is left when it is returned.
//
// It unwraps to Err, so errors.Is works with the errno and with [fs.ErrNotExist]
// and its kin, and errors.As finds an [*fs.PathError] in it, as it does in the
// errors of os/exec. [os.IsNotExist] and its kin look only into errors of
// package os, and answer false: write errors.Is(err, fs.ErrNotExist) instead.
//
// [UpdateProcess] and its kin return it, too: Path is what was to be changed then.
type StartError struct {
	// Path is the program that was to be started.
	Path string
	// Step is the name of the step that did not succeed: usually a system
	// call, such as "chdir", "setsid" or "execve".
	Step string
	// Object is what the step acted on: a path, a descriptor, a limit, the
	// lines of an id map. It may be empty.
	Object string
	// Field is the field that asked for the step, such as "Dir" or
	// "SysProcAttr.Chroot". It is empty for a step that every start has.
	Field string
	// Syscall is the call with its arguments decoded, as strace would print
	// it, or empty if the start was refused before any call.
	Syscall string
	// Err is the reason: a [syscall.Errno] where the kernel gave one.
	Err error
	// Signal is the signal that killed the child before it had executed the
	// program, or 0. Err is then a text that names it.
	Signal syscall.Signal
	// Hint is what was found out about the reason, or empty: for example
	// the interpreter that a script names and that does not exist.
	Hint string

	hint    terms.Text // Hint, with references to fields
	inPlace bool       // it is an Exec that did not succeed
	updates bool       // it is an update that did not
}

// Error returns the one-line form:
//
//	sprog: start /bin/app: chdir /nope (Dir): no such file or directory
func (e *StartError) Error() string { return e.text().String() }

// text is the one-line form, with references to fields.
func (e *StartError) text() terms.Text {
	return (&spec.Error{Path: e.Path, Step: e.Step, Object: e.Object, Field: e.Field, Err: e.Err, Hint: e.hinted(), InPlace: e.inPlace, Updates: e.updates}).Text()
}

// hinted is the hint with references to fields, if nobody has changed it.
func (e *StartError) hinted() terms.Text {
	if e.hint.String() == e.Hint {
		return e.hint
	}
	return terms.Plain(e.Hint)
}

// Unwrap returns e.Err.
func (e *StartError) Unwrap() error { return e.Err }

// As fills in an [*fs.PathError], the one that os.StartProcess would return, so
// that callers written for os/exec find what they look for. Where Dir is at
// fault, that is about Dir, and otherwise about the program.
func (e *StartError) As(target any) bool {
	if m, ok := target.(*terms.Message); ok { // for the command, which speaks of flags
		*m = terms.Message{Text: e.text(), Err: e, Hint: e.hinted()}
		return true
	}
	p, ok := target.(**fs.PathError)
	if !ok {
		return false
	}
	*p = &fs.PathError{Op: "fork/exec", Path: e.Path, Err: e.Err}
	if e.Step == "chdir" && e.Field == "Dir" {
		(*p).Op, (*p).Path = e.Step, e.Object
	}
	return true
}
