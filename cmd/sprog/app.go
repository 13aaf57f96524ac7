//go:build linux

package main

import (
	"fmt"
	"os"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/bwrap"
	"github.com/sprog-dev/sprog/internal/flags"
)

// app is the command line.
var app = flags.App{
	Name:  "sprog",
	Brief: "start programs exactly as asked",
	Date:  "2026-11-29",
	Help:  "sprog starts a program exactly as asked, or says which step of the start failed and why.",
	Commands: []flags.Command{
		{Name: "run", Program: true, New: func() flags.Runner { return new(runCmd) },
			Help: "Start a program, wait for it, and exit as it did."},
		{Name: "exec", Program: true, Below: execHelp, New: func() flags.Runner { return new(execCmd) },
			Help: "Become a program. The flags are applied to this process, and the program is executed in its place."},
		{Name: "compile", Program: true, Below: compileHelp, New: func() flags.Runner { return new(compileCmd) },
			Help: "Write a launcher. It is a small static program that does what exec would do with these flags, without sprog."},
		{Name: "explain", Program: true, Below: explainHelp, New: func() flags.Runner { return new(explainCmd) },
			Help: "Print the steps that run or exec would take, and what they would fail of here. Nothing is started."},
		{Name: "box", Program: true, Below: boxHelp, New: func() flags.Runner { return new(boxCmd) },
			Help: "Run what a stranger wrote in a sandbox. It may change the project's directory and nothing else, sees neither your files nor the network, and gets no rights. Beside the flags of the box it takes those of sprog run."},
		{Name: "bwrap", Program: true, Below: bwrap.Help, New: func() flags.Runner { return new(bwrapCmd) },
			Help: "Take bubblewrap's command line. sprog also does when it is called bwrap. See docs/bwrap.md for what differs."},
		{Name: "doctor", Below: doctorHelp, New: func() flags.Runner { return new(doctorCmd) },
			Help: "Print what this machine allows to this user, feature by feature."},
		{Name: "show", Below: showHelp, New: func() flags.Runner { return new(showCmd) },
			Help: "Print what a process really has: credentials, capabilities, filters, namespaces, limits, scheduling, cgroups, signals, its view of the file system and its session."},
		{Name: "update", New: func() flags.Runner { return new(updateCmd) }, Below: updateHelp,
			Help: "Change what runs: the limits of a process, a tree of processes or a cgroup, and how it is scheduled. A flag means what it means to sprog run."},
		{Name: "migrate", New: func() flags.Runner { return new(migrateCmd) }, Below: migrateHelp,
			Help: "Move a Go module from os/exec to sprog. Imports are rewritten where the result compiles, and the places are listed that somebody has to look at. sprog-migrate does it, a program of its own."},
		{Name: "completion", Below: completionHelp, New: func() flags.Runner { return new(completionCmd) },
			Help: "Print a completion script for a shell."},
		{Name: "man", Below: manHelp, New: func() flags.Runner { return new(manCmd) },
			Help: "Print a manual page."},
		{Name: "help", Words: true, Below: helpHelp, New: func() flags.Runner { return new(helpCmd) },
			Help: "Print help on a sub-command, a topic or a flag."},
		{Name: "version", Below: versionHelp, New: func() flags.Runner { return new(versionCmd) },
			Help: "Print the version."},
	},
	Groups: []flags.Group{
		{Key: "box", Title: "Box"},
		{Key: "launcher", Title: "Launcher"},
		{Key: "program", Title: "Program"},
		{Key: "identity", Title: "Identity"},
		{Key: "capabilities", Title: "Capabilities"},
		{Key: "context", Title: "Labels, keys and personality"},
		{Key: "namespaces", Title: "Namespaces"},
		{Key: "view", Title: "The file system that it sees"},
		{Key: "files", Title: "Files"},
		{Key: "terminal", Title: "Terminal and session"},
		{Key: "limits", Title: "Limits"},
		{Key: "cgroup", Title: "A cgroup of its own"},
		{Key: "scheduling", Title: "Processors and memory"},
		{Key: "landlock", Title: "Landlock"},
		{Key: "syscalls", Title: "System calls"},
		{Key: "signals", Title: "Signals of the program"},
		{Key: "life", Title: "Life"},
	},
	Topics:    topics,
	Values:    valuesOf,
	InOrder:   "view",
	Elsewhere: elsewhere,
}

// A helpCmd is sprog help.
type helpCmd struct {
	Topic string `arg:"" optional:"" help:"A sub-command, a topic or a flag (default: what there is)."`
}

// Run prints help.
func (h *helpCmd) Run(line *flags.Line) error {
	width := columns(os.Stdout, 80)
	text, err := line.App().HelpText(nil, "", width)
	if h.Topic != "" {
		text, err = line.App().HelpOn(h.Topic, width)
	}
	if err != nil {
		return err
	}
	return newScreen(os.Stdout, line).print(paintHelp, text)
}

// A completionCmd is sprog completion.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script that completes sprog's command lines.
func (c *completionCmd) Run(line *flags.Line) error {
	_, err := os.Stdout.WriteString(line.App().Completion(c.Shell))
	return err
}

// A manCmd is sprog man.
type manCmd struct {
	Command string `arg:"" optional:"" help:"A sub-command (default: sprog itself)."`
}

// Run prints a manual page.
func (m *manCmd) Run(line *flags.Line) error {
	page, err := line.App().Man(m.Command)
	if err != nil {
		return fmt.Errorf("man: %w", err)
	}
	_, err = os.Stdout.WriteString(page)
	return err
}
