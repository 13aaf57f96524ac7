//go:build linux

package main

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/terms"
)

// An execCmd is sprog exec.
type execCmd struct {
	startFlags
}

// Run becomes the program. It returns only if that could not begin; what fails
// after that is told by the process itself, in the same words and with the
// same exit code.
func (e *execCmd) Run(line *flags.Line) error {
	if err := e.inPlace(); err != nil {
		return err
	}
	e.becomes = true
	tty := terminal{fd: -1}
	if e.Foreground {
		tty = openTerminal()
	}
	// Nobody is left to put an error into words: it is told in those of the context.
	cmd, err := e.command(terms.With(context.Background(), inFlags(line)), line.Rest, tty, openForRun)
	if err != nil {
		return err
	}
	warnOfLost(cmd, line.Rest)
	if landlock := cmd.Attr.Landlock; landlock != nil && landlock.BestEffort {
		tellLandlock(landlock.Probe())
	}
	e.Landlock.tellUnasked()
	return startError(cmd.Exec(), func() bool { return e.found(cmd) })
}

// inPlace refuses flags that need a process above the program.
func (f *startFlags) inPlace() error {
	switch {
	case f.Ending.Timeout != 0:
		return errors.New("use sprog run: --timeout needs a process that stands by the program")
	case f.Ending.CPUTime != 0:
		return errors.New("use sprog run, or --rlimit cpu=: --cpu-time needs a process that stands by the program")
	case f.Ending.OutputLimit != nil:
		return errors.New("use sprog run, or --rlimit fsize= for files: --output-limit needs a process that counts")
	case f.Ending.records():
		return mistake("use sprog run: {--result --result-fd} needs a process that sees the end")
	case f.InfoFD != nil:
		return errors.New("use sprog run: --info-fd needs a process that tells while the program runs")
	case f.TTY:
		return errors.New("use sprog run: --tty needs a process that stands between two terminals")
	case f.Init:
		return errors.New("use sprog run: --init is a process above the program")
	case f.NewCgroup.asked():
		return errors.New("use sprog run, or --cgroup with a cgroup that is there: a new one needs a process that removes it")
	case f.Unshare&unix.CLONE_NEWPID != 0:
		return errors.New("use sprog run: --unshare pid is for child processes, as the kernel has it")
	}
	return nil
}
