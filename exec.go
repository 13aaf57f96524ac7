package sprog

import (
	"errors"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Exec executes the program in the place of this process, with all attributes
// applied: the process keeps its id, its parent and its place in every list,
// and is the program from then on. There is no child, and on success no return.
//
// Exec returns an error while nothing has happened yet: a [*StartError] for
// what it refuses or cannot prepare. Then it begins, and the caller's code is
// gone: the steps are run by the calling thread, or by a small image that the
// process executes (see ARCHITECTURE.md). If one of them does not succeed, the
// process itself prints the text of the StartError to its standard error and
// exits: with 127 if the program was not found, 126 if it could not be
// executed, and 125 otherwise.
//
// Record locks (F_SETLK) stay with the process where the file keeps its number,
// as by Attr.Inherit. They go with the descriptor that is closed otherwise.
//
// What only a child can be given is refused: a new PID namespace, an init,
// SysProcAttr.PidFD, and more of an id map than a process can write for
// itself; see user_namespaces(7). So is what needs this process to go on: a
// context that can end, WaitDelay, pipes, and standard streams other than files. Namespaces
// of SysProcAttr.Cloneflags are made with unshare(2), and a cgroup is entered
// through its cgroup.procs. A process that leads a process group can lead no
// session (SysProcAttr.Setsid).
//
// All other fields mean what they mean to [Cmd.Start]. The function [Exec] is
// execve(2) and no more.
func (c *Cmd) Exec() error {
	if atomic.SwapInt32(&c.started, 1) != 0 {
		return errors.New("sprog: already started")
	}
	var r spec.Start
	if err := c.inPlace(&r, true); err != nil {
		return err
	}
	err := launch.Exec(&r, launch.Options{Inspect: c.inspect, Words: terms.From(c.ctx)})
	runtime.KeepAlive(c)
	return public(err)
}

// ExecPlan is [Cmd.Plan] for [Cmd.Exec].
func (c *Cmd) ExecPlan() (*Plan, error) {
	var r spec.Start
	if err := c.inPlace(&r, false); err != nil {
		return nil, err
	}
	return newPlan(&r)
}

// inPlace fills in what an Exec asks for, or its plan.
func (c *Cmd) inPlace(r *spec.Start, blocking bool) error {
	if blocking {
		return c.inPlaceWith(r, passedFd)
	}
	return c.inPlaceWith(r, spec.FD)
}

// inPlaceWith is inPlace with what tells the descriptor of a file.
func (c *Cmd) inPlaceWith(r *spec.Start, fd func(*os.File) (int, error)) error {
	if err := c.check(); err != nil {
		return err
	}
	r.InPlace = true
	field, why := "", "needs this process to go on, which Exec replaces"
	switch {
	case c.ctx != nil && c.ctx.Done() != nil:
		field = "CommandContext"
	case c.WaitDelay != 0:
		field = "WaitDelay"
	case c.pipes != nil:
		field, why = "StdinPipe", "or a pipe of its kin has nobody left at its other end"
	case wantsPidFD(c.SysProcAttr):
		field = "SysProcAttr.PidFD"
	}
	if field != "" {
		return &StartError{Path: c.Path, Field: field, Err: errors.New(why), inPlace: true}
	}
	if err := c.translate(r, fd); err != nil {
		if e, ok := err.(*StartError); ok {
			e.inPlace = true
		}
		return err
	}
	for _, f := range r.Files {
		if f.Source == spec.PipeEnd {
			return &StartError{Path: c.Path, Field: f.Field, Err: errors.New("must be a file or nil: nothing would be left to copy what is read or written"), inPlace: true}
		}
	}
	return nil
}
