//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/show"
	"github.com/sprog-dev/sprog/internal/flags"
)

// A showCmd is sprog show.
type showCmd struct {
	JSON  bool      `name:"json" xor:"form" help:"Print it as JSON."`
	Flags flagsForm `name:"flags" xor:"form" placeholder:"all" help:"Print the flags with which sprog run, from here, starts a process like it: what differs from the caller, or all. What no flag is for is told on standard error."`
	PID   string    `arg:"" name:"pid" optional:"" help:"A process (default: sprog itself, which has what its caller has given it)."`
}

const showHelp = `
Examples:
  sprog show $$
  sprog show 4242 --json | jq .capabilities.effective
  eval sprog run "$(sprog show 4242 --flags)" -- ./another
  sprog run --user nobody --no-new-privs -- sprog show
`

// A flagsForm is whether flags are wanted, and which.
type flagsForm struct{ wanted, all bool }

func (f *flagsForm) SetBare() error {
	f.wanted = true
	return nil
}

func (f *flagsForm) Set(s string) error {
	if s != "all" {
		return fmt.Errorf("%q is not all", s)
	}
	*f = flagsForm{wanted: true, all: true}
	return nil
}

// Run prints what a process has.
func (s *showCmd) Run(line *flags.Line) error {
	pid := os.Getpid()
	if s.PID != "" {
		n, err := strconv.ParseInt(s.PID, 10, 32)
		if err != nil || n <= 0 {
			return fmt.Errorf("show: %q is not the number of a process", s.PID)
		}
		pid = int(n)
	}
	p, own, err := show.Read(pid)
	switch {
	case err != nil:
		return fmt.Errorf("show: %w", err)
	case s.JSON:
		return printJSON(p)
	case s.Flags.wanted && p.Unlike != "":
		return fmt.Errorf("show: no flags start one like process %d: %s", pid, p.Unlike)
	case s.Flags.wanted:
		return printFlags(p.Flags(own, s.Flags.all || p == own), line)
	}
	screen := newScreen(os.Stdout, line)
	_, err = os.Stdout.WriteString(tableText(p.Table(), screen))
	return err
}

// printJSON escapes all that a terminal might obey: JSON itself leaves in some of it.
func printJSON(p *show.Process) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	_, err = os.Stdout.WriteString(b.String() + "\n")
	return err
}

func printFlags(r show.Recipe, line *flags.Line) error {
	words := make([]string, len(r.Flags))
	for i, flag := range r.Flags {
		words[i] = show.ShellWord(flag)
	}
	_, err := fmt.Println(strings.Join(words, " "))
	for _, note := range r.Notes {
		err = errors.Join(err, newScreen(os.Stderr, line).print(paintError, "sprog: show: "+note+"\n"))
	}
	return err
}

// tableText is the table in lines of the screen's width.
func tableText(rows []show.Row, s screen) string {
	var b strings.Builder
	longest := 0
	for _, r := range rows {
		longest = max(longest, len(r.Name))
	}
	for i, r := range rows {
		if r.Value == "" {
			if i > 0 {
				b.WriteByte('\n')
			}
			b.WriteString(s.in(bold, r.Name) + "\n")
			continue
		}
		beside, value := longest+4, r.Value
		if r.Missing {
			value = "unknown: " + value
			if rows[i-1].Missing && rows[i-1].Value == r.Value {
				value = "unknown, as above"
			}
		}
		line := wrapped(fmt.Sprintf("  %-*s  %s", longest, r.Name, value), beside, s.width)
		switch {
		case r.Missing:
			line = s.in(dim, strings.TrimSuffix(line, "\n")) + "\n"
		case strings.HasSuffix(r.Value, "another one than here"):
			line = s.in(yellow, strings.TrimSuffix(line, "\n")) + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
