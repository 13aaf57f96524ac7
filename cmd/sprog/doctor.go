//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/doctor"
	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A doctorCmd is sprog doctor.
type doctorCmd struct {
	JSON    bool     `name:"json" help:"Print the answers as JSON."`
	Require nameList `placeholder:"FEATURE,..." values:"feature" help:"Print only which of these are missing, and exit with 1 if any is."`
}

// A diagnosis is all that the doctor says, as --json has it.
type diagnosis struct {
	Process  ownProcess `json:"process"`
	Features []finding  `json:"features"`
}

// A finding is a feature with its answer.
type finding struct {
	sprog.Feature
	sprog.Support
}

// find probes a feature. What package sprog says of fields, it says of flags.
func find(f doctor.Feature, words terms.Words) finding {
	return finding{sprog.Feature{Name: f.Name, Group: f.Group, Since: f.Since, For: f.For.In(words)}, probe(f.Name, words)}
}

func probe(name string, words terms.Words) sprog.Support {
	s := doctor.Probe(name)
	return sprog.Support{Answer: sprog.Answer(s.Answer), Reason: s.Reason.In(words), Capability: s.Capability}
}

// Run prints what this machine allows to this user.
func (d *doctorCmd) Run(line *flags.Line) error {
	words := inFlags(line)
	if d.Require != nil {
		return d.require(words)
	}
	all := diagnosis{Process: describeOwnProcess()}
	for _, f := range doctor.Features() {
		all.Features = append(all.Features, find(f, words))
	}
	if d.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(all)
	}
	screen := newScreen(os.Stdout, line) // no terminal: lines are as long as they are
	return screen.print(paintDoctor, all.text(screen.width))
}

// require prints what is missing.
func (d *doctorCmd) require(words terms.Words) error {
	for _, name := range d.Require {
		if !slices.Contains(featureNames(), name) {
			return codedError{exitSprog, fmt.Errorf("--require: no feature is called %q%s (sprog doctor lists them)", name, flags.Hint(name, featureNames()))}
		}
	}
	missing := false
	for _, name := range d.Require {
		if s := probe(name, words); s.Answer != sprog.Yes {
			fmt.Printf("%s: %s: %s\n", name, s.Answer, s.Reason)
			missing = true
		}
	}
	if missing {
		return exitCode(1)
	}
	return nil
}

func featureNames() (names []string) {
	for _, f := range sprog.Features() {
		names = append(names, f.Name)
	}
	return names
}

// text is the report for people, in lines of a width if there is one.
func (d *diagnosis) text(width int) string {
	var b strings.Builder
	for _, line := range d.Process.sentences() {
		b.WriteString(wrapped(line, 0, width))
	}
	longest := 0
	for _, f := range d.Features {
		longest = max(longest, len(f.Name))
	}
	for i, f := range d.Features {
		first := i == 0 || d.Features[i-1].Group != f.Group
		if first {
			fmt.Fprintf(&b, "\n%s\n", f.Group)
		}
		what := f.what()
		if !first && f.Reason != "" && f.Support == d.Features[i-1].Support {
			what = "as above"
		}
		if beside := longest + 13; width == 0 || width >= beside+20 {
			b.WriteString(wrapped(fmt.Sprintf("  %-7s  %-*s  %s", f.Answer, longest, f.Name, what), beside, width))
		} else {
			b.WriteString(fmt.Sprintf("  %-7s  %s\n", f.Answer, f.Name) + wrapped("    "+what, 4, width))
		}
	}
	b.WriteByte('\n')
	for _, line := range d.summary() {
		b.WriteString(wrapped(line, 0, width))
	}
	return b.String()
}

// what is the reason of an answer, if it has one, and otherwise what the feature
// is for.
func (f finding) what() string {
	if f.Reason != "" {
		return f.Reason
	}
	return f.For
}

// summary counts, and says what would help.
func (d *diagnosis) summary() (lines []string) {
	count := map[sprog.Answer]int{}
	inside := 0
	var lacking []string
	for _, f := range d.Features {
		count[f.Answer]++
		switch {
		case f.Answer == sprog.Yes && f.Reason != "":
			inside++
		case f.Capability != "" && !slices.Contains(lacking, f.Capability):
			lacking = append(lacking, f.Capability)
		}
	}
	line := fmt.Sprintf("%d of %d features can be used", count[sprog.Yes], len(d.Features))
	if inside > 0 {
		line += fmt.Sprintf(", %d of them only with a new user namespace", inside)
	}
	if n := count[sprog.Unknown]; n > 0 {
		line += fmt.Sprintf("; of %d it is not known", n)
	}
	lines = append(lines, line+".")
	if len(lacking) > 0 {
		lines = append(lines, "More could be with "+strings.Join(lacking, ", ")+": "+d.Process.helpWithCapabilities()+".")
	}
	if d.Process.Filter {
		lines = append(lines, "The seccomp filter in force may refuse what a capability is missing for, too. "+d.Process.helpWithFilter())
	}
	return lines
}

// paintDoctor has headings in bold and answers in their colours.
func paintDoctor(text string, s screen) string {
	colours := map[string]string{"  yes ": green, "  no  ": red, "  unkn": yellow}
	return lines(text, func(line string) string {
		switch color := colours[line[:min(6, len(line))]]; {
		case color != "" && len(line) > 9:
			return s.in(color, line[:9]) + line[9:]
		case line != "" && line[0] >= 'a' && line[0] <= 'z' && !strings.HasSuffix(line, "."):
			return s.in(bold, line)
		}
		return line
	})
}

// wrapped breaks a line where it is too long, and indents what follows. A width
// that leaves no room is none.
func wrapped(line string, indent, width int) string {
	if width < indent+20 {
		return line + "\n"
	}
	var b strings.Builder
	for len(line) > width {
		at := strings.LastIndexByte(line[:width+1], ' ')
		if at <= indent {
			break
		}
		b.WriteString(line[:at] + "\n")
		line = strings.Repeat(" ", indent) + line[at+1:]
	}
	b.WriteString(line + "\n")
	return b.String()
}
