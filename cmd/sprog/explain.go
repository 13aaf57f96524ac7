//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sprog-dev/sprog/internal/flags"
)

// An explainCmd is sprog explain.
type explainCmd struct {
	startFlags
	JSON bool `name:"json" help:"Print the plan as JSON."`
	TOML bool `name:"toml" help:"Print the flags as a file for --config."`
	Exec bool `help:"Print the plan of sprog exec."`
}

// Run prints the plan of the start.
func (e *explainCmd) Run(line *flags.Line) error {
	if e.TOML {
		text, err := line.TOML("toml")
		fmt.Print(text)
		return err
	}
	if e.becomes = e.Exec; e.Exec {
		if err := e.inPlace(); err != nil {
			return err
		}
	}
	cmd, err := e.command(context.Background(), line.Rest, openTerminal(), openForExplain)
	if err != nil {
		return err
	}
	plan, err := cmd.Plan()
	if e.Exec {
		plan, err = cmd.ExecPlan()
	}
	if err != nil {
		return startError(err, func() bool { return e.found(cmd) })
	}
	words := inFlags(line)
	for i := range plan.Steps {
		plan.Steps[i].Field = fieldInWords(plan.Steps[i].Field, words, cmd)
	}
	if !e.JSON {
		_, err = fmt.Print(plan)
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(plan)
}
