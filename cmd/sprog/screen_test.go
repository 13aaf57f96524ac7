//go:build linux

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
)

// What sprog prints fits into a terminal of any width, but for words that have no place to be broken at.
func TestWidths(t *testing.T) {
	long := "clone3({flags=CLONE_VM|CLONE_FILES|CLONE_PIDFD|CLONE_CHILD_CLEARTID|CLONE_CLEAR_SIGHAND, exit_signal=0, stack_size=0x10000}, 88)"
	x := explanation{Plan: &sprog.Plan{Steps: []sprog.PlanStep{
		{By: "parent", Text: long, Field: "--unshare, --map-user, --map-group"}, {By: "child", Text: "setuid(0)", Field: "--user"},
		{By: "init", Text: long}, {By: "init", Text: "b"}, {By: "program", Text: "execve(\"/bin/true\", [\"true\"], [/* 3 vars */])"},
	}}, Ending: []string{"after 3s: SIGTERM to the program, 10s later SIGKILL to all that is left; exit code 124"}}
	d := diagnosis{Process: ownProcess{Kernel: "6.1", Machine: "x86_64"}, Features: []finding{
		{sprog.Feature{Name: "a-name-that-is-quite-long", Group: "first"}, sprog.Support{Answer: sprog.No, Reason: "takes CAP_SYS_ADMIN, which is a long story of words"}},
	}}
	for width := 40; width <= 200; width++ {
		s := screen{width: width}
		for what, text := range map[string]string{
			"explain": x.text(s, false), "explain --all": x.text(s, true), "doctor": d.text(width),
			"an error": paintError("sprog: start /usr/bin/true: chdir /nope (--dir): no such file or directory, and so on and on\n", s),
		} {
			for line := range strings.Lines(text) {
				if line = strings.TrimSuffix(line, "\n"); runes(line) > width {
					t.Errorf("%s at %d columns has a line of %d: %s", what, width, runes(line), line)
				}
			}
		}
	}
}

// Colours come if a flag says so, and otherwise in a terminal whose user has not said no.
func TestColours(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for color, want := range map[string]bool{"": false, "auto": false, "never": false, "always": true} {
		if got := newScreen(w, &flags.Line{Color: color}).color; got != want {
			t.Errorf("--color=%s in a pipe: %v; want %v", color, got, want)
		}
	}
	plain, colored := screen{}, screen{color: true}
	for _, paint := range []func(string, screen) string{paintHelp, paintError, paintDoctor, paintTrace} {
		const text = "Usage: x\n  -a, --b  c\nsprog: d\nname\n  yes      x\n  ! bad  █▏\n"
		if got := paint(text, plain); got != text {
			t.Errorf("without colours: %q; want %q", got, text)
		}
		if got := paint(text, colored); !strings.Contains(got, "\x1b[") || uncoloured(got) != text {
			t.Errorf("in colours: %q, which is not %q", got, text)
		}
	}
}

// uncoloured is a text without its colours.
func uncoloured(text string) string {
	for {
		before, after, found := strings.Cut(text, "\x1b[")
		if !found {
			return text
		}
		_, after, _ = strings.Cut(after, "m")
		text = before + after
	}
}
