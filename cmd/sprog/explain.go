//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
)

// An explainCmd is sprog explain.
type explainCmd struct {
	startFlags
	JSON bool `name:"json" help:"Print the plan as JSON."`
	TOML bool `name:"toml" help:"Print the flags as a file for --config."`
	Exec bool `help:"Print the plan of sprog exec."`
	All  bool `help:"Print each step of the init, too."`
}

// An explanation is what there is to say of a start, as --json has it.
type explanation struct {
	*sprog.Plan
	Ending   []string `json:"ending,omitempty"`   // what ends the program
	Warnings []string `json:"warnings,omitempty"` // what the start would fail of here
}

// Run prints the plan of the start.
func (e *explainCmd) Run(line *flags.Line) error {
	if e.TOML {
		text, err := line.TOML("toml")
		fmt.Print(text)
		return err
	}
	if len(line.Given) == 0 && len(line.Rest) == 1 {
		if l, is := readLauncher(line.Rest[0]); is {
			return l.explain()
		}
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
	all := explanation{plan, endingSentences(e.ending()), e.warnings(cmd, words)}
	if e.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(all)
	}
	screen := newScreen(os.Stdout, line)
	if err := screen.print(nil, all.text(screen, e.All)); err != nil {
		return err
	}
	for _, warning := range all.Warnings {
		newScreen(os.Stderr, line).print(paintError, "sprog: run would fail here: "+warning+"\n")
	}
	return nil
}

// endingSentences say when the program is ended, and how.
func endingSentences(e *sprog.Ending) (list []string) {
	if e == nil {
		return nil
	}
	signal := signalText(cmp.Or(e.Signal, syscall.SIGTERM))
	add := func(has bool, after string) {
		if has {
			list = append(list, fmt.Sprintf("after %s: %s to the program, %v later SIGKILL to all that is left; exit code 124", after, signal, e.Grace))
		}
	}
	add(e.Timeout != 0, e.Timeout.String())
	add(e.CPUTime != 0, e.CPUTime.String()+" of CPU time")
	add(e.Output != 0, strconv.FormatInt(e.Output, 10)+" bytes of output")
	return list
}

// text is the plan for people: what the program sees, the steps, and what ends it. The steps of the
// init are one line unless all are asked for.
func (x *explanation) text(s screen, all bool) string {
	var b strings.Builder
	if x.View != nil {
		b.WriteString((&sprog.Plan{View: x.View}).String())
	}
	rows := x.rows(all)
	t := layOutPlan(rows, s.width)
	for _, row := range rows {
		t.write(&b, row, s)
	}
	for _, sentence := range x.Ending {
		b.WriteString(wrapped(sentence, 2, s.width))
	}
	return b.String()
}

// A planRow is a line of the plan.
type planRow struct{ number, by, text, field string }

// rows are the steps. Those of an init stand in one, from the first to the last: they are its
// program, which jumps to and fro as long as the program runs.
func (x *explanation) rows(all bool) (rows []planRow) {
	for i := 0; i < len(x.Steps); i++ {
		s, from := x.Steps[i], i
		row := planRow{strconv.Itoa(i + 1), s.By, s.Text, s.Field}
		for s.By == "init" && !all && i+1 < len(x.Steps) && x.Steps[i+1].By == "init" {
			i++
		}
		if n := i - from + 1; n > 1 {
			row.number += "-" + strconv.Itoa(i+1)
			row.text = fmt.Sprintf("start the program, forward signals, reap orphans (%d steps; --all lists them)", n)
		}
		rows = append(rows, row)
	}
	return rows
}

// A planLayout has the widths of the columns. Without a width of the whole, one long call does
// not widen the table for all.
type planLayout struct{ number, by, text, whole int }

func layOutPlan(rows []planRow, width int) planLayout {
	const widest = 76
	t := planLayout{whole: width}
	field := 0
	for _, r := range rows {
		t.number, t.by, field = max(t.number, len(r.number)), max(t.by, len(r.by)), max(field, len(r.field))
		if len(r.text) <= widest {
			t.text = max(t.text, len(r.text))
		}
	}
	if width > 0 {
		t.text = min(t.text, width-t.number-t.by-4-field-2)
	}
	return t
}

// write writes a row. In a terminal a call that is too long goes on below, and where there is
// little room, so does what asked for the step.
func (t planLayout) write(b *strings.Builder, r planRow, s screen) {
	const least = 24 // columns for calls beside what asks for them
	head := fmt.Sprintf("%*s  %-*s  ", t.number, r.number, t.by, r.by)
	indent := strings.Repeat(" ", len(head))
	room, below := t.text, r.field != "" && t.whole > 0 && t.text < least
	if t.whole > 0 && (below || r.field == "") {
		room = max(t.whole-len(head), 20)
	}
	lines := []string{r.text}
	if t.whole > 0 {
		lines = brokenCall(r.text, room)
	}
	for i, line := range lines {
		switch {
		case i > 0:
			b.WriteString("\n" + indent + line)
		case r.field != "" && !below:
			b.WriteString(s.in(dim, head) + line + strings.Repeat(" ", max(t.text-len(line), 0)) + "  " + s.in(cyan, r.field))
		default:
			b.WriteString(s.in(dim, head) + line)
		}
	}
	if below {
		for _, line := range brokenCall(r.field, room) {
			b.WriteString("\n" + indent + s.in(cyan, line))
		}
	}
	b.WriteByte('\n')
}

// brokenCall breaks a call behind a space, a comma or a bar.
func brokenCall(call string, width int) (lines []string) {
	for len(call) > width {
		at := strings.LastIndexAny(call[:width], " ,|")
		if at < width/3 {
			at = width - 1
		}
		lines = append(lines, strings.TrimRight(call[:at+1], " "))
		call = "  " + strings.TrimLeft(call[at+1:], " ")
	}
	return append(lines, call)
}
