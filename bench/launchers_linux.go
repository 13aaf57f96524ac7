package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// A launched is what a launcher is compared in: a job, the tools that people do it with, and the flags
// that have sprog do it. The program of each is one that exits at once, so that only the tools are
// measured. The tool that is named first has to be there.
type launched struct {
	what  string
	tools []string
	flags []string
	init  bool // sprog does it by run
}

var launchedJobs = []launched{
	{what: "no_new_privs", tools: strings.Fields("setpriv --no-new-privs"), flags: strings.Fields("--no-new-privs")},
	{
		what:  "five attributes",
		tools: strings.Fields("prlimit --nofile=1000:1000 taskset -c 0 chrt -o 0 ionice -c 2 -n 4 setpriv --no-new-privs"),
		flags: strings.Fields("--rlimit nofile=1000:1000 --cpus 0 --sched other --ionice best-effort:4 --no-new-privs"),
	},
	{what: "an empty environment", tools: strings.Fields("env -i"), flags: strings.Fields("--clear-env")},
	{what: "an init", tools: strings.Fields("tini -s --"), flags: strings.Fields("--init"), init: true},
	{
		what:  "an entry point",
		tools: strings.Fields("tini -s -- prlimit --nofile=1000:1000 setpriv --no-new-privs"),
		flags: strings.Fields("--init --rlimit nofile=1000:1000 --no-new-privs"),
		init:  true,
	},
	{
		what:  "namespaces",
		tools: strings.Fields("unshare -Urmiun"),
		flags: strings.Fields("--unshare user,mount,ipc,uts,net --map-root"),
	},
}

// measureLaunchers compares launchers with the tools that they stand for, with the command itself, and with the
// program alone, which is the floor.
func measureLaunchers(b *bench, s *section) error {
	command, err := b.buildCommand()
	if err != nil {
		return err
	}
	s.Table.Head = []string{"", "p50", "p99", "p50 / launcher", "starts"}
	for i, job := range launchedJobs {
		path := filepath.Join(b.dir, fmt.Sprintf("launcher%d", i))
		compile := append(append([]string{"compile", "-o", path}, job.flags...), "--", b.progs.Exit)
		if out, err := exec.Command(command, compile...).CombinedOutput(); err != nil {
			return fmt.Errorf("compile: %v: %s", err, out)
		}
		if err := b.compareLauncher(s, job, path, command); err != nil {
			return err
		}
	}
	s.Notes = append(s.Notes, "Whole commands, from their start to their end. The program exits at once and is a static file of under 200 bytes.")
	return nil
}

func (b *bench) compareLauncher(s *section, job launched, launcher, command string) error {
	sub := "exec"
	if job.init {
		sub = "run"
	}
	candidates := []struct {
		name string
		argv []string
	}{
		{"launcher: " + job.what, []string{launcher}},
		{strings.Join(job.tools, " "), append(job.tools[:len(job.tools):len(job.tools)], b.progs.Exit)},
		{"sprog " + sub, append(append([]string{command, sub}, job.flags...), "--", b.progs.Exit)},
		{"the program alone", []string{b.progs.Exit}},
	}
	var lines []timed
	for _, c := range candidates {
		l := timed{&sample{Contender: c.name, X: 1}, timing(c.argv), 0}
		if _, err := l.once(); err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured here: %v.", c.name, err))
			continue
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 || lines[0].Contender != candidates[0].name {
		return nil
	}
	return b.inTurns(s, lines, 120, 5, "the launcher")
}
