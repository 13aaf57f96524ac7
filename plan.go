package sprog

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A Plan is what a start would do, step by step. Making one starts and changes
// nothing.
//
// What only a start can know is written as a name: a descriptor of the parent's is
// <stdin>, <file 3>, </proc> or what else it is of, <cut> is the number after the highest of
// those that the child needs, the child's pid is CHILD, $n stands for the result of step n, and mask for the signal mask of
// the thread that starts the process.
type Plan struct {
	// Path is the program.
	Path string `json:"path"`
	// View is what the program sees of the file system, if Attr.Root or Attr.Mounts
	// change that: the root first, then the mounts in their order.
	View []PlanMount `json:"view,omitempty"`
	// Steps are in the order in which they run.
	Steps []PlanStep `json:"steps"`
}

// A PlanMount is what the program sees at one place.
type PlanMount struct {
	Target string `json:"target"`
	// What is the kind: "bind", "tmpfs", "proc", "masked" and so on, or "host".
	What string `json:"what"`
	// From is what it is made of, in words.
	From string `json:"from,omitempty"`
	// Flags are those that were asked for, in words.
	Flags string `json:"flags,omitempty"`
}

// A PlanStep is one step of a start.
type PlanStep struct {
	// By is who runs the step: "parent", "child", or, for the second stage
	// that Attr.Init asks for, "init" and the program's process, "program".
	// In the plan of an Exec it is "self".
	By string `json:"by"`
	// Call is the system call's name.
	Call string `json:"call"`
	// Text is the call with its arguments decoded, as strace would print it.
	Text string `json:"text"`
	// Field is the field that asked for the step, or empty for what every
	// start does.
	Field string `json:"field,omitempty"`
}

// Plan returns the steps that [Cmd.Start] would run. It reports what Start
// would refuse before running anything, and finds none of the errors that only
// the kernel can answer.
func (c *Cmd) Plan() (*Plan, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var r spec.Start
	if err := c.translate(&r, spec.FD); err != nil {
		return nil, err
	}
	return newPlan(&r)
}

// newPlan has a start planned.
func newPlan(r *spec.Start) (*Plan, error) {
	steps, err := launch.Plan(r, launch.Options{})
	if err != nil {
		return nil, public(err)
	}
	return &Plan{Path: r.Path, View: each(r.ViewTable(), func(m spec.ViewRow) PlanMount { return PlanMount(m) }), Steps: each(steps, func(s launch.PlanStep) PlanStep { return PlanStep(s) })}, nil
}

// String returns the plan as a table: a line for each step with its number,
// who runs it, the call, and the field. Above it stands the view, if there is one.
func (p *Plan) String() string {
	rows := make([][]string, 0, len(p.Steps))
	for i, s := range p.Steps {
		rows = append(rows, []string{strconv.Itoa(i + 1), s.By, s.Text, s.Field})
	}
	if p.View == nil {
		return table(rows)
	}
	return viewTable(p.View) + "\n" + table(rows)
}

// viewTable aligns the columns of a view.
func viewTable(view []PlanMount) string {
	var width [3]int
	for _, m := range view {
		for i, cell := range []string{m.Target, m.What, m.From} {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, m := range view {
		line := m.Target + pad(width[0]-len(m.Target)) + "  " + m.What + pad(width[1]-len(m.What)) + "  " + m.From + pad(width[2]-len(m.From)) + "  " + m.Flags
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// table aligns columns, the first to the right, and bounds the width that one
// long call would give to all.
func table(rows [][]string) string {
	const widest = 76
	width := make([]int, 4)
	for _, row := range rows {
		for i, cell := range row {
			if i < 3 && len(cell) <= widest {
				width[i] = max(width[i], len(cell))
			}
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := pad(width[0]-len(row[0])) + row[0] + "  " + row[1] + pad(width[1]-len(row[1])) + "  " + row[2]
		if row[3] != "" {
			line += pad(width[2]-len(row[2])) + "  " + row[3]
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

func pad(n int) string { return strings.Repeat(" ", max(n, 0)) }
