//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

func TestSplitArgs(t *testing.T) {
	parser := kong.Must(&cli{}, kong.ExplicitGroups(flagGroups))
	for _, tt := range []struct{ in, own, program string }{
		{"", "", ""},
		{"run", "run", ""},
		{"run ls -l", "run", "ls -l"},
		{"run -- ls -l", "run", "ls -l"},
		{"run ls -- -l", "run", "ls -- -l"},
		{"run -- -- x", "run", "-- x"},
		{"run --user bin ls --user x", "run --user=bin", "ls --user x"},
		{"run --user=bin ls", "run --user=bin", "ls"},
		{"run --setsid ls", "run --setsid", "ls"},
		{"run --argv0 -sh sh", "run --argv0=-sh", "sh"},
		{"run --env -- ls", "run --env=--", "ls"},
		{"run --env", "run --env", ""},
		{"run --unknown ls", "run --unknown", "ls"},
		{"run -h", "run -h", ""},
		{"run - x", "run", "- x"},
		{"explain --json ls", "explain --json", "ls"},
		{"version", "version", ""},
		{"version x -y", "version x -y", ""},
		{"--help", "--help", ""},
	} {
		own, program := splitArgs(parser.Model, strings.Fields(tt.in))
		if diff := cmp.Diff([]string{tt.own, tt.program}, []string{strings.Join(own, " "), strings.Join(program, " ")}); diff != "" {
			t.Errorf("splitArgs(%q) (-want +got):\n%s", tt.in, diff)
		}
	}
}

// Long command lines, as xargs(1) makes them, must not cost more than they
// have to: the flag parser never sees them.
func TestSplitArgsLeavesWordsToTheProgram(t *testing.T) {
	parser := kong.Must(&cli{}, kong.ExplicitGroups(flagGroups))
	args := append([]string{"run", "--setsid", "echo"}, slices.Repeat([]string{"--user"}, 100_000)...)
	own, program := splitArgs(parser.Model, args)
	if len(own) != 2 || len(program) != 100_001 {
		t.Errorf("splitArgs(100 000 words) = %d own, %d of the program; want 2, 100001", len(own), len(program))
	}
}
