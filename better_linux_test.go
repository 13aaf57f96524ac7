//go:build amd64 || arm64

package sprog

import (
	"os/exec"
	"testing"
)

// A runner is a command of this package or of os/exec. Some checks are made
// on both: they say what this package does better, and that os/exec still
// does not.
type runner interface {
	Start() error
	Wait() error
	Run() error
}

// ways turn a command into one of this package, or of os/exec.
var ways = map[string]func(*Cmd) runner{
	"sprog":   func(c *Cmd) runner { return c },
	"os/exec": func(c *Cmd) runner { return &execCmd{Cmd: execOf(c), of: c} },
}

// An execCmd is started by os/exec, and tells the command that it was made of.
type execCmd struct {
	*exec.Cmd
	of *Cmd
}

func (c *execCmd) Start() error {
	err := c.Cmd.Start()
	c.of.Process = c.Process
	return err
}

func (c *execCmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

func execOf(c *Cmd) *exec.Cmd {
	return &exec.Cmd{
		Path: c.Path, Args: c.Args, Env: c.Env, Dir: c.Dir,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
		ExtraFiles: c.ExtraFiles, SysProcAttr: c.SysProcAttr,
	}
}

// better wants a check to succeed with this package, and reports whether
// os/exec fails it. Should it succeed there some day, that is no fault of
// ours, but worth a look.
func better(t *testing.T, check func(of func(*Cmd) runner) error) {
	t.Helper()
	if err := check(ways["sprog"]); err != nil {
		t.Errorf("sprog: %v", err)
	}
	if err := check(ways["os/exec"]); err != nil {
		t.Logf("os/exec: %v", err)
	} else if !mended[t.Name()] {
		t.Errorf("os/exec passes too: if this Go has mended it, add %q to mended", t.Name())
	}
}

// mended are the checks that os/exec passes in newer versions of Go.
var mended = map[string]bool{}
