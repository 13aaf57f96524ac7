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
	"errors"
	"os"

	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/terms"
)

func main() {
	if code, refuses := refusesRights(); refuses {
		os.Exit(code)
	}
	if code, is := bubblewrap(os.Args); is {
		os.Exit(code)
	}
	os.Exit(execute(os.Args[1:]))
}

// execute runs one command line and returns the exit code.
func execute(args []string) int {
	line, err := read(args)
	switch {
	case errors.Is(err, flags.ErrNoCommand):
		if err = printHelp(line); err == nil {
			return exitSprog // of a script that meant to start something
		}
	case err != nil:
		err = recordMistake(line, codedError{exitSprog, err})
	case line.Help:
		err = printHelp(line)
	default:
		err = line.Runner.Run(line)
		return report(err, line, inFlags(line))
	}
	return report(err, line, nil)
}

// printHelp prints the help that a line asks for.
func printHelp(line *flags.Line) error {
	text, err := app.HelpText(line.Command, line.HelpOn, columns(os.Stdout, 80))
	if err != nil {
		return err
	}
	return newScreen(os.Stdout, line).print(paintHelp, text)
}

// read reads a command line and the configuration files that it names.
func read(args []string) (*flags.Line, error) {
	line, err := app.Read(args)
	if box, is := line.Runner.(*boxCmd); is && err == nil && !line.Help {
		err = box.includeProfiles(line)
	}
	if err == nil && !line.Help {
		err = line.Expand(readInput)
	}
	if err == nil && !line.Help {
		err = line.Set()
	}
	return line, err
}

// report prints err, if there is one, in the words of the command, and returns the
// exit code that it stands for.
func report(err error, line *flags.Line, words terms.Words) int {
	code, message := outcome(err, words)
	if refused := refusal(err, line, words); refused != "" {
		message = "sprog: " + refused
	}
	if message != "" {
		newScreen(os.Stderr, line).print(paintError, message+"\n")
	}
	return code
}
