//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/flags"
)

// What sprog says to flags of other commands can be typed as it stands: the flags are there and
// take some value. No name is one of sprog's own, or has two answers.
func TestElsewhere(t *testing.T) {
	own, seen := flagsOfRun(), map[string]bool{}
	filled := strings.NewReplacer("DST", "/x", "LOWER", "/y", "TEXT", "t", "FILE", "f", " N", " 3", "=N", "=3")
	for _, f := range elsewhere {
		for _, name := range strings.Fields(f.Names) {
			if slices.Contains(own, strings.TrimLeft(name, "-")) || seen[name] {
				t.Errorf("%s is a flag of sprog's own, or there twice", name)
			}
			seen[name] = true
		}
		if f.Flags == "" && f.Remark == "" {
			t.Errorf("%s has no answer", f.Names)
		}
		if f.Flags != "" && !someLine(filled.Replace(f.Flags)) {
			t.Errorf("%s: no value has %q read", f.Names, f.Flags)
		}
	}
}

// someLine reports whether flags are read with some value.
func someLine(flags string) bool {
	for _, word := range append(words, "10M", "2", "KILL", "8:0", "/x", "x", "CHLD") {
		if parsed(append(append([]string{"run"}, strings.Fields(strings.ReplaceAll(flags, "VALUE", word))...), "--", "x")...) != nil {
			return true
		}
	}
	return false
}

// What people type who know another command.
func TestOfOthers(t *testing.T) {
	for line, want := range map[string]string{
		"--rm x":                          "not needed: sprog leaves nothing behind",
		"--sandbox x":                     "the sandbox is a sub-command of its own: sprog box takes all flags of sprog run, which change what it does",
		"--cwd /tmp x":                    "that is --dir /tmp",
		"--network none x":                "that is --unshare net",
		"--network=none x":                "that is --unshare net",
		"--readonly x":                    "that is --read-only",
		"--memory-max 2G x":               "that is --memory 2G",
		"--memory-max":                    "that is --memory BYTES",
		"--uid=1000 x":                    "that is --user 1000",
		"-p MemoryMax=1G x":               "that is --memory 1G",
		"--property=MemoryMax=1G x":       "that is --memory 1G",
		"--security-opt seccomp=a.json x": "that is --seccomp a.json",
		"--ulimit nofile=64 x":            "that is --rlimit nofile=64",
		"--map-root-user x":               "that is --map-root",
		"--device-read-bps /dev/sda x":    "that is --io-max /dev/sda,rbps=N",
	} {
		_, err := app.Read(append([]string{"run"}, strings.Fields(line)...))
		if err == nil || !strings.Contains(err.Error(), ": "+want+" (see sprog run --help)") {
			t.Errorf("%s: %v; want %q", line, err, want)
		}
	}
}

// The letters mean what they do in the commands that people know them from.
func TestLetters(t *testing.T) {
	short, err := app.Read(strings.Fields("run -u 1 -g 2 -G 3 -C / -e A=1 -t -v /x -r -k 1s -s HUP x"))
	if err != nil {
		t.Fatal(err)
	}
	want := "user group groups dir env tty bind map-root kill-after kill-signal"
	if got := strings.Join(short.Names(), " "); got != want {
		t.Errorf("the flags are %s; want %s", got, want)
	}
}

// The help of run fits on one screen, and every flag is in a topic.
func TestHelpFits(t *testing.T) {
	run := &app.Commands[0]
	text, err := app.HelpText(run, "", 80)
	if rows := strings.Count(text, "\n"); err != nil || rows > 24 {
		t.Errorf("the help has %d lines, %v; want at most 24:\n%s", rows, err, text)
	}
	var all strings.Builder
	for _, topic := range topics {
		text, err := app.HelpText(run, topic.Name, 80)
		if err != nil {
			t.Error(err)
		}
		all.WriteString(text)
	}
	for _, name := range flagsOfRun() {
		if !strings.Contains(all.String(), "--"+name) {
			t.Errorf("no topic has --%s", name)
		}
	}
	for _, width := range []int{40, 60, 80, 120, 200} {
		checkWidth(t, run, width)
	}
}

// checkWidth fails for lines that are too long, but for what has no space to be broken at.
func checkWidth(t *testing.T, c *flags.Command, width int) {
	for _, on := range []string{"", "all"} {
		text, err := app.HelpText(c, on, width)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if runes(line) > width && strings.Contains(strings.TrimSpace(line), " ") && !strings.HasPrefix(strings.TrimSpace(line), "-") && !strings.HasPrefix(line, "Usage") {
				t.Errorf("at %d columns a line has %d: %s", width, runes(line), line)
			}
		}
	}
}
