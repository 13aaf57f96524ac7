package sprog

import (
	"errors"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/sprog-dev/sprog/internal/exitwait"
	"github.com/sprog-dev/sprog/internal/job"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Start starts the command and returns while it runs. On success Process is
// set, and Wait must be called to release what belongs to the command.
//
// It returns a [*StartError] if the process could not be started, the value of
// Err if that is set, or the context's error if that is done already. No
// process, descriptor or goroutine is left behind then, and the pipes that
// [Cmd.StdinPipe] and its kin returned are closed.
//
// The start itself ends when the context is done and when Ending.Timeout is over:
// the child is killed, and the error wraps the context's or [ErrTimeout]. A child that
// is in a call no signal interrupts, such as one to a file system whose server does not answer, dies when that
// returns; Start waits a second for it, or, where the child is in a cgroup that this process is not in, until then.
func (c *Cmd) Start() error {
	if atomic.SwapInt32(&c.started, 1) != 0 {
		return errors.New("sprog: already started")
	}
	c.startTime = time.Now()
	c.tellStart()
	launched := false
	defer func() {
		if !launched { // Attr.Meet has panicked, or ended the goroutine
			c.pipes.closeChildEnds()
			c.pipes.closeParentEnds()
		}
	}()
	err := c.launch()
	launched = true
	c.pipes.closeChildEnds()
	if err != nil {
		c.pipes.closeParentEnds()
		c.begin(CauseStart)
		c.tell(Event{Kind: EventFailed, Err: err})
		return c.ended(err)
	}
	c.job.FindProgram()
	c.tellExecuted()
	c.watchTime()
	c.pipes.startCopying(c)
	c.watchContext()
	return nil
}

// launch does the part of Start that may end in an error.
func (c *Cmd) launch() error {
	var stdio [3]spec.ChildFile
	r, o := spec.Start{Files: stdio[:0]}, launch.Options{Birth: new(launch.Birth), Inspect: c.inspect}
	begin := time.Now()
	if c.Trace != nil {
		o.Tracer = launch.NewTracer(c.mayChangeClocks())
	}
	err := c.launchAs(&r, &o)
	if c.Trace != nil {
		*c.Trace = newTrace(o.Tracer, c.Path, begin, err)
	}
	return err
}

// launchAs is launch with values that it fills in.
func (c *Cmd) launchAs(r *spec.Start, o *launch.Options) error {
	o.Tracer.Phase("prepare", "prepare the environment and the files", "")
	if err := c.check(); err != nil {
		return err
	}
	if err := c.Ending.check(); err != nil {
		return ofProgram(c.Path, err)
	}
	if err := c.checkCPUTime(); err != nil {
		return ofProgram(c.Path, err)
	}
	if err := c.checkOutput(); err != nil {
		return ofProgram(c.Path, err)
	}
	if err := c.translate(r, passedFd); err != nil {
		return err
	}
	if err := c.openPipes(r); err != nil {
		return err
	}
	r.Watched, o.Born, o.Told = c.Born != nil, c.Born, c.tellBorn()
	p, err := c.fly(r, o)
	runtime.KeepAlive(c) // no cleanup may close its files before the child has them
	if err != nil {
		c.Process = nil
		return public(err)
	}
	if p != nil { // otherwise it has begun already, and ended
		c.fusion = noFusion
		c.began(r, p, o.Birth)
	}
	return nil
}

// fly starts the process, which may be ended meanwhile.
func (c *Cmd) fly(r *spec.Start, o *launch.Options) (*os.Process, error) {
	flight, land := c.takeOff()
	defer land()
	o.Flight = flight
	if c.fuse() {
		defer exitwait.Unblock()
		o.UntilEnd = (*fusedCmd)(c)
	}
	return c.prepared.launch(c, r, o)
}

// began notes the process.
func (c *Cmd) began(r *spec.Start, p *os.Process, b *launch.Birth) {
	c.Process, c.Birth = p, c.birthOf(b)
	c.job = job.Of(r, p, b.Cgroup)
	c.follow()
}

// check looks for what keeps c from being started at all.
func (c *Cmd) check() error {
	switch {
	case c.Err != nil:
		return c.Err
	case c.Path == "" && (c.Attr == nil || c.Attr.Program == nil):
		return errors.New("sprog: no command")
	case c.Cancel != nil && c.ctx == nil:
		return errors.New("sprog: Cancel is set on a command that was not made by CommandContext")
	case c.ctx != nil:
		return c.ctx.Err()
	}
	return nil
}

// translate fills in r, whose files may be preset to an empty slice with room
// for the usual three. It opens and starts nothing: a stream that needs a pipe
// is left as a PipeEnd, whose fd is the number of the stream that the pipe
// belongs to. The function fd tells the descriptor of a file.
func (c *Cmd) translate(r *spec.Start, fd func(*os.File) (int, error)) error {
	env, err := c.environ()
	if err != nil {
		return ofProgram(c.Path, err)
	}
	r.Path, r.Argv, r.Env, r.Dir = c.Path, c.Args, env, c.Dir
	if r.Path == "" { // or check would have refused it
		r.Path = c.Attr.Program.Name()
	}
	if len(r.Argv) == 0 {
		r.Argv = []string{r.Path}
	}
	r.Sys, r.Attr = c.SysProcAttr, c.Attr.spec()
	if err := c.translateFiles(r, fd); err != nil {
		return ofProgram(c.Path, err)
	}
	return nil
}

// translateFiles is the part of translate that is about descriptors.
func (c *Cmd) translateFiles(r *spec.Start, fd func(*os.File) (int, error)) error {
	stdin, err := stream(0, "Stdin", c.Stdin, fd)
	if err != nil {
		return err
	}
	stdout, err := stream(1, "Stdout", c.Stdout, fd)
	if err != nil {
		return err
	}
	stderr := stdout
	stderr.N, stderr.Field = 2, "Stderr"
	if !same(c.Stdout, c.Stderr) {
		if stderr, err = stream(2, "Stderr", c.Stderr, fd); err != nil {
			return err
		}
	}
	r.Files = append(r.Files, stdin, stdout, stderr)
	for i, f := range c.ExtraFiles {
		extra, err := passed(f, "ExtraFiles["+strconv.Itoa(i)+"]", fd)
		if err != nil {
			return err
		}
		extra.N, extra.Unset = 3+i, f == nil
		r.Files = append(r.Files, extra)
	}
	if c.Attr == nil {
		return nil
	}
	return c.Attr.addFiles(r, fd)
}

// ofProgram completes an error of a start that was refused with the path of
// the program.
func ofProgram(path string, err error) error {
	err = public(err)
	if e, ok := err.(*StartError); ok {
		e.Path = path
	}
	return err
}

// stream is what descriptor n of the child is for value, which is the reader
// or writer in the named field.
func stream(n int, field string, value any, fd func(*os.File) (int, error)) (spec.ChildFile, error) {
	switch f := value.(type) {
	case nil:
		if n == 0 {
			return spec.ChildFile{N: n, Source: spec.NullRead, Unset: true, Field: field}, nil
		}
		return spec.ChildFile{N: n, Source: spec.NullWrite, Unset: true, Field: field}, nil
	case *os.File:
		file, err := passed(f, field, fd)
		file.N = n
		return file, err
	default:
		return spec.ChildFile{N: n, Source: spec.PipeEnd, Fd: n, Field: field}, nil
	}
}

// passed is a file that the caller passes to the child, or nil.
func passed(f *os.File, field string, fd func(*os.File) (int, error)) (spec.ChildFile, error) {
	if f == nil {
		return spec.ChildFile{Source: spec.Closed, Field: field}, nil
	}
	n, err := fd(f)
	if err != nil {
		return spec.ChildFile{}, &StartError{Object: f.Name(), Field: field, Err: err}
	}
	return spec.ChildFile{Source: spec.FromParent, Fd: n, Field: field}, nil
}

// passedFd is the descriptor of a file that a child is about to get. It puts
// the file into blocking mode, which the child shares with this process and
// which programs expect of their standard streams.
func passedFd(f *os.File) (int, error) {
	fd := int(f.Fd())
	if fd < 0 {
		return -1, os.ErrClosed
	}
	return fd, nil
}

// same reports whether a and b are the same writer. Values that == cannot
// compare are different ones.
func same(a, b any) bool {
	return a != nil && reflect.ValueOf(a).Comparable() && a == b
}
