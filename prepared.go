package sprog

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
)

// A Prepared is a command that has been checked, to be started often: by many goroutines, each
// time with other arguments, variables, files, limits or another directory. What it
// asks for otherwise is the same for all its starts.
//
// A start costs what it costs without. It is [Prepared.Warm] that makes it quick: children that
// have been born ahead wait with their namespaces, mounts, cgroup and credentials for
// what they are to execute.
type Prepared struct {
	cmd  Cmd
	plan *Plan
	pool pool
}

// Inputs are what one start of a prepared command has for itself. A field that is zero
// leaves what the command was prepared with.
type Inputs struct {
	// Context ends the command when it is done, as with [CommandContext].
	Context context.Context

	Args []string // see [Cmd.Args]
	Env  []string // see [Cmd.Env]
	Dir  string   // see [Cmd.Dir]

	Stdin      io.Reader // see [Cmd.Stdin]
	Stdout     io.Writer // see [Cmd.Stdout]
	Stderr     io.Writer
	ExtraFiles []*os.File // see [Cmd.ExtraFiles]

	// Rlimits stand in the place of Attr.Rlimits. A child that waits has already the rights of the
	// program: where these do not allow a limit, the start is a cold one.
	Rlimits []Rlimit

	// Cgroup stands in the place of Attr.Cgroup, which must be there too. Where a child waits, its
	// values are written to the cgroup that this has: one that is zero there leaves
	// what Attr.Cgroup has said. Parent, Name and Controllers are those of Attr.Cgroup.
	Cgroup *Cgroup

	Ending *Ending // see [Cmd.Ending]
}

// Prepare checks a command and returns it as one that can be started often. It reports whatever [Cmd.Start]
// would refuse before running anything. The command itself is not started and stays the
// caller's; later changes of its fields mean nothing to what was prepared, but what its
// pointers lead to must not be changed.
//
// A context, Cancel and pipes belong to one start. A command that has them already is refused.
func Prepare(c *Cmd) (*Prepared, error) {
	switch {
	case c.started != 0:
		return nil, errors.New("sprog: Prepare of a command that was started")
	case c.ctx != nil || c.Cancel != nil:
		return nil, errors.New("sprog: Prepare of a command with a context: give it to each start, as Inputs.Context")
	case c.pipes != nil:
		return nil, errors.New("sprog: Prepare of a command with a pipe: a pipe is for one start")
	}
	p := &Prepared{cmd: c.asked()}
	if c.Attr != nil {
		attr := *c.Attr
		p.cmd.Attr = &attr
	}
	if c.SysProcAttr != nil {
		sys := *c.SysProcAttr
		p.cmd.SysProcAttr = &sys
	}
	plan, err := p.Command(Inputs{}).Plan()
	if err != nil {
		return nil, err
	}
	p.plan = plan
	p.pool.changed, p.pool.mostAge, p.pool.mostIdle = sync.NewCond(&p.pool.mu), mostAge, mostIdle
	return p, nil
}

// asked is what a command asks for, as one that nobody has started.
func (c *Cmd) asked() Cmd {
	return Cmd{Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		ExtraFiles: c.ExtraFiles, SysProcAttr: c.SysProcAttr, Attr: c.Attr, Ending: c.Ending, Born: c.Born, Events: c.Events,
		WaitDelay: c.WaitDelay, Err: c.Err}
}

// Plan returns the steps of a start that has no inputs of its own and finds no child waiting.
func (p *Prepared) Plan() *Plan { return p.plan }

// Command returns a command that is prepared. Start, Run, Output and the other methods of
// [Cmd] are for it what they are for any other one. Its fields may still be changed, but not what Attr and
// SysProcAttr point to: all commands of p share that. With another Attr or SysProcAttr, or with Trace, its
// start is a cold one.
func (p *Prepared) Command(in Inputs) *Cmd {
	asked := p.cmd.asked()
	c := &asked
	c.prepared = p
	defer func() { c.preparedAttr = c.Attr }()
	if in.Context != nil {
		c.ctx = in.Context
		c.Cancel = c.end
	}
	if in.Args != nil {
		c.Args = in.Args
	}
	if in.Env != nil {
		c.Env = in.Env
	}
	if in.Dir != "" {
		c.Dir = in.Dir
	}
	if in.Stdin != nil {
		c.Stdin = in.Stdin
	}
	if in.Stdout != nil {
		c.Stdout = in.Stdout
	}
	if in.Stderr != nil {
		c.Stderr = in.Stderr
	}
	if in.ExtraFiles != nil {
		c.ExtraFiles = in.ExtraFiles
	}
	if in.Ending != nil {
		c.Ending = in.Ending
	}
	c.limitBy(in)
	return c
}

// limitBy gives the command the limits of one start.
func (c *Cmd) limitBy(in Inputs) {
	if in.Rlimits == nil && in.Cgroup == nil {
		return
	}
	var attr Attr
	if c.Attr != nil {
		attr = *c.Attr
	}
	if in.Rlimits != nil {
		attr.Rlimits = in.Rlimits
	}
	if in.Cgroup != nil {
		if attr.Cgroup == nil {
			c.Err = errors.New("sprog: Inputs.Cgroup needs a command that was prepared with a cgroup")
			return
		}
		g := *in.Cgroup
		g.Parent, g.Name, g.Controllers = attr.Cgroup.Parent, attr.Cgroup.Name, attr.Cgroup.Controllers
		attr.Cgroup = &g
	}
	c.Attr = &attr
}

// Start starts the command with inputs. It is [Prepared.Command] and [Cmd.Start].
func (p *Prepared) Start(in Inputs) (*Cmd, error) {
	c := p.Command(in)
	if err := c.Start(); err != nil {
		return nil, err
	}
	return c, nil
}
