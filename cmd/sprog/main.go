//go:build linux

// Command sprog starts a program exactly as asked, or says which step of the
// start failed and why.
//
//	sprog run [flags] [--] program args...
//	sprog exec [flags] [--] program args...
//	sprog explain [flags] [--] program args...
//	sprog version
//
// Flags are translated into one [sprog.Cmd]; see sprog run --help.
//
//go:debug updatemaxprocs=0
//go:debug decoratemappings=0
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// cli is the command line: one field for each sub-command.
type cli struct {
	Run        runCmd        `cmd:"" help:"Start a program, wait for it, and exit as it did. Its arguments are passed on as they are."`
	Exec       execCmd       `cmd:"" help:"Become a program: apply the flags to this process and execute the program in its place."`
	Explain    explainCmd    `cmd:"" help:"Print the steps that run or exec would take, and start nothing."`
	Doctor     doctorCmd     `cmd:"" help:"Print what this machine allows to this user, feature by feature."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
	Man        manCmd        `cmd:"" help:"Print a manual page."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

func main() { os.Exit(execute(os.Args[1:])) }

// execute runs one command line and returns the exit code.
func execute(args []string) int {
	if !mentionsConfig(args) {
		if cmd, program, ok := quick(args); ok {
			return report(cmd.Run(program))
		}
	}
	parser := newParser(new(cli))
	own, program := splitArgs(parser.Model, args)
	all, program, err := withConfig(parser.Model, own, program)
	if err != nil {
		return report(recordMistake(own, codedError{exitSprog, err}))
	}
	ctx, err := parser.Parse(all)
	if err != nil {
		return report(recordMistake(all, codedError{exitSprog, fmt.Errorf("%w (see %s --help)", err, commandName(parser, args))}))
	}
	return report(ctx.Run(program, givenFlags(all[min(1, len(all)):])))
}

// newParser makes kong's parser of the command line.
func newParser(c *cli) *kong.Kong {
	return kong.Must(c,
		kong.Name("sprog"),
		kong.Description("sprog starts a program exactly as asked, or says which step of the start failed and why."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups(flagGroups),
		kong.Help(printHelp),
	)
}

// report prints err, if there is one, and returns the exit code that it stands
// for.
func report(err error) int {
	code, message := outcome(err)
	if message != "" {
		fmt.Fprintln(os.Stderr, message)
	}
	return code
}

// commandName is the command whose help says more about a command line that
// cannot be parsed.
func commandName(parser *kong.Kong, args []string) string {
	for _, node := range parser.Model.Children {
		if len(args) > 0 && node.Name == args[0] {
			return "sprog " + node.Name
		}
	}
	return "sprog"
}
