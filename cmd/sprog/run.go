//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A runCmd is sprog run.
type runCmd struct {
	startFlags
	Events word      `group:"life" placeholder:"N|FILE" help:"Write a line of JSON for each thing that happens to the caller's descriptor N, or to FILE: born, executed, stopped, limit, signalled, ended and more. sprog never waits for the reader."`
	Trace  traceFlag `group:"life" placeholder:"FILE" brief:"Print how long each step took" help:"Print how long each step of the start took; --trace=FILE writes that to a file: a picture (.svg), a page (.html), or events for Perfetto and chrome://tracing (.json)."`
}

// Run starts the program, stands by it, and returns its outcome.
func (r *runCmd) Run(line *flags.Line) error {
	record, err := r.Ending.openRecord()
	if err != nil {
		return err
	}
	words := inFlags(line)
	if record != nil {
		record.words = words
	}
	cmd, err := r.run(line, record, words)
	return record.write(cmd, err)
}

// start starts the program.
func (r *runCmd) start(s *supervisor, cmd *sprog.Cmd, trace *traceWriter) (err error) {
	if !r.TTY {
		defer trace.write()
		return cmd.Start()
	}
	s.relay, err = startRelayed(cmd, s.tty)
	return err
}

// What the flags make.
type prepared struct {
	cmd   *sprog.Cmd
	trace *traceWriter
}

// prepare makes the command, and opens the files that the flags name.
func (r *runCmd) prepare(ctx context.Context, program []string, tty terminal, record *record) (p prepared, err error) {
	cmd, err := r.command(ctx, program, tty, openForRun)
	if err != nil {
		return p, err
	}
	warnOfLost(cmd, program)
	cmd.Ending = r.ending()
	if err := r.captureOutput(cmd); err != nil {
		return p, err
	}
	trace, err := r.Trace.open(cmd)
	if err == nil {
		err = r.checkOutputs(record, trace, cmd)
	}
	return prepared{cmd, trace}, err
}

// run starts the program and waits for it. The command is nil if the flags did
// not make one.
func (r *runCmd) run(line *flags.Line, record *record, words terms.Words) (_ *sprog.Cmd, err error) {
	info, err := r.openInfo()
	if err != nil {
		return nil, err
	}
	events, err := r.openEvents(words)
	if err != nil {
		return nil, err
	}
	defer func() { err = events.finish(err) }()
	s := &supervisor{events: events}
	if err = plain.Poller(); err == nil { // with a program that runs it would be too late
		err = s.catchSignals()
	}
	if err != nil {
		return nil, fmt.Errorf("sprog run needs four more open files for itself: %w", err)
	}
	s.tty = openTerminal()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	p, err := look(s, time.Duration(r.Ending.Timeout), func() (prepared, error) { return r.prepare(ctx, line.Rest, s.tty, record) })
	if err != nil {
		return nil, err
	}
	cmd, trace := p.cmd, p.trace
	events.of(cmd)
	heard := r.Landlock.hear(r.sandbox)
	trace.words, trace.screen = words, newScreen(os.Stderr, line)
	defer func() {
		trace.write() // of --tty, when the terminal is as it was
		err = unwritten("--trace", trace.err, err)
	}()
	if s.leads = leads(cmd.SysProcAttr); !s.leads {
		s.watch.WatchGroup()
		defer s.watch.End()
	}
	s.adopt(cmd)
	err = s.awaitStart(func() error { return r.sandbox.watched().around(func() error { return r.start(s, cmd, trace) }) }, end, time.Duration(r.Ending.Timeout))
	if errors.Is(err, errAbandoned) {
		return nil, err
	}
	if err != nil {
		return cmd, startError(err, func() bool { return s.finds(func() bool { return r.found(cmd) }) })
	}
	infoErr := tellInfo(info, cmd)
	r.tellView(cmd)
	r.sandbox.started(cmd)
	heard.of(cmd)
	if l := cmd.Birth.Landlock; l != nil {
		tellLandlock(*l)
	}
	r.Landlock.tellUnasked()
	closeFiles(cmd, info, record)
	if cmd.Birth.Stops != nil {
		s.init = followInit(cmd.Birth.Stops, func(kind sprog.EventKind, by syscall.Signal) { events.tell(kind, cmd.Process.Pid, by) })
	}
	s.cmd, s.process = cmd, cmd.Process
	if r.Foreground {
		s.home = s.process.Pid
	}
	err = s.wait(cmd)
	if s.relay != nil {
		err = s.relay.finish(s.watch.Signals, err)
	}
	if r.Foreground {
		s.tty.restore(cmd.Process.Pid)
	}
	s.killOrphans()
	tellLeft(cmd)
	if err != nil {
		heard.tell()
	}
	return cmd, unwritten("--info-fd", infoErr, err)
}

// checkOutputs refuses a file for the record or the trace that something else is
// written to as well: each would overwrite the other. What the caller has opened
// himself can be one file for two things.
func (r *runCmd) checkOutputs(record *record, trace *traceWriter, cmd *sprog.Cmd) error {
	var outputs []output
	for what, stream := range []any{1: cmd.Stdout, 2: cmd.Stderr} {
		if f, ok := stream.(*os.File); ok && f != nil {
			outputs = append(outputs, output{[]string{1: "standard output", 2: "standard error"}[what], f})
		}
	}
	add := func(flag string, f *os.File) error {
		for _, other := range outputs {
			if f != other.file && sameRegular(f, other.file) {
				return fmt.Errorf("%s: %s is where %s goes", flag, f.Name(), other.what)
			}
		}
		outputs = append(outputs, output{"--result", f})
		return nil
	}
	if r.Ending.Result != "" {
		if err := add("--result", record.file); err != nil {
			return err
		}
	}
	if trace.file != nil {
		return add("--trace", trace.file)
	}
	return nil
}

// An output is a file that something is written to.
type output struct {
	what string
	file *os.File
}

func sameRegular(a, b *os.File) bool {
	x, err := a.Stat()
	if err != nil {
		return false
	}
	y, err := b.Stat()
	return err == nil && x.Mode().IsRegular() && os.SameFile(x, y)
}
