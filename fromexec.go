package sprog

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"unsafe"
)

// FromExec takes over a command of os/exec that has not been started, so that code which
// prepares an [exec.Cmd], or hooks of a library that want one, go on working: the Cmd that
// it returns has the same fields, the same context with its Cancel and WaitDelay, and the
// pipes that [exec.Cmd.StdinPipe] and its kin have returned. Attr, Ending and the rest can
// be set as in any other.
//
// The exec.Cmd is followed: its Process is set by [Cmd.Start], and its ProcessState by
// [Cmd.Wait], so that a Cancel that refers to it finds what it looks for. Only the Cmd is to
// be started and waited for. The exec.Cmd's own Start, Run and the like return an error from
// now on, which stands in its Err, and its Wait must not be called. What is changed in
// the exec.Cmd later is not seen; SysProcAttr and what other fields point to are shared.
//
// If Cancel is what [exec.CommandContext] sets, the context ends the command as
// [CommandContext] says: with its whole tree where there is an Ending, an Init, a cgroup or a
// PID namespace. A Cancel of somebody else's is called as it is.
//
// The child gets the descriptors of [exec.Cmd] and no others: Attr.InheritAll has it get
// those that nobody has marked close-on-exec, too.
//
// It is an error if the command has been started, and if os/exec is one whose context and
// pipes cannot be found: they are in fields that are not exported, which FromExec knows by
// their names and types.
func FromExec(cmd *exec.Cmd) (*Cmd, error) {
	if cmd == nil {
		return nil, errors.New("sprog: nil exec.Cmd")
	}
	if cmd.Err == errTakenOver {
		return nil, errTakenOver
	}
	hidden := reflect.ValueOf(cmd).Elem()
	if called := hidden.FieldByName("startCalled"); cmd.Process != nil || called.IsValid() && !called.IsZero() {
		return nil, errors.New("sprog: the exec.Cmd was already started")
	}
	ctx, err1 := field[context.Context](hidden, "ctx")
	child, err2 := field[[]io.Closer](hidden, "childIOFiles")
	parent, err3 := field[[]io.Closer](hidden, "parentIOPipes")
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	pipes, err := pipesOf(*child, *parent)
	if err != nil {
		return nil, err
	}
	c := &Cmd{
		Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir, Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr,
		ExtraFiles: cmd.ExtraFiles, SysProcAttr: cmd.SysProcAttr, Err: cmd.Err, Cancel: cmd.Cancel, WaitDelay: cmd.WaitDelay,
		ctx: *ctx, pipes: pipes, from: cmd,
	}
	if old, err := field[error](hidden, "lookPathErr"); err == nil && *old != nil { // golang.org/x/sys/execabs sets it
		c.Err = *old
	}
	if isDefaultCancel(cmd.Cancel) {
		c.Cancel = c.end
	}
	*child, *parent = nil, nil // or a mistaken Start would close them
	cmd.Err = errTakenOver
	return c, nil
}

// errTakenOver is what a start of the other command answers.
var errTakenOver = errors.New("sprog: the exec.Cmd was taken over by FromExec: start what that has returned")

// field is a field of os/exec's that is not exported, if it is of the type that is known.
func field[T any](of reflect.Value, name string) (*T, error) {
	f := of.FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return nil, errors.New("sprog: this os/exec has no field " + name + " of type " + reflect.TypeFor[T]().String() +
			" in Cmd, which FromExec looks at")
	}
	return (*T)(unsafe.Pointer(f.UnsafeAddr())), nil
}

// pipesOf is the plumbing for the pipes that somebody has asked for.
func pipesOf(child, parent []io.Closer) (*plumbing, error) {
	if len(child)+len(parent) == 0 {
		return nil, nil
	}
	p := new(plumbing)
	for _, ends := range []struct {
		from []io.Closer
		to   *[]*os.File
	}{{child, &p.child}, {parent, &p.parent}} {
		for _, end := range ends.from {
			f, ok := end.(*os.File)
			if !ok {
				return nil, errors.New("sprog: this os/exec has pipes that are no *os.File, which FromExec cannot take over")
			}
			*ends.to = append(*ends.to, f)
		}
	}
	return p, nil
}

// isDefaultCancel reports whether a function is what exec.CommandContext makes: a closure
// of the same code.
func isDefaultCancel(cancel func() error) bool {
	made := exec.CommandContext(context.Background(), "/").Cancel
	return cancel != nil && reflect.ValueOf(cancel).Pointer() == reflect.ValueOf(made).Pointer()
}

// follow tells the command of os/exec that was taken over, if there is one, of its process.
func (c *Cmd) follow() {
	if c.from != nil {
		c.from.Process, c.from.ProcessState = c.Process, c.ProcessState
	}
}
