//go:build linux

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// throughFile writes a command line as a configuration file, and reads it.
func throughFile(t *testing.T, args []string) {
	t.Helper()
	var direct, read cli
	parser := newParser(&direct)
	own, program := splitArgs(parser.Model, args)
	if _, err := parser.Parse(own); err != nil {
		t.Errorf("%q: %v", args, err)
		return
	}
	text, err := givenFlags(own[1:]).toml(valuedFlags(parser.Model, args[0]), program)
	if err != nil {
		t.Errorf("%q as a file: %v", args, err)
		return
	}
	file := filepath.Join(t.TempDir(), "flags.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	own, programRead, err := withConfig(parser.Model, []string{args[0], "--config=" + file}, nil)
	if err == nil {
		_, err = newParser(&read).Parse(own)
	}
	if err != nil || !reflect.DeepEqual(read, direct) || !slices.Equal(program, programRead) {
		all := cmp.Exporter(func(reflect.Type) bool { return true })
		t.Errorf("%q as a file:\n%s\nis read with %q, %v, and so (-want +got):\n%s", args, text, programRead, err, cmp.Diff(direct, read, all))
	}
}

// oddWords are values that a file could have trouble with, and those of flags
// that no other word is for.
var oddWords = []string{"3=r:/x", "4=a=b\n", "8:0,rbps=1M", "interleave:0-1", "A=1\n2", `A="'\`, "A=ü\t\x01", "'''", `"""`, "A=\x7f", "#", "[a]", "true", "1e3", "inf", "2026-01-02", "=", " "}

// flagsOfRun are the flags that can stand in a file.
func flagsOfRun() (names []string) {
	for _, node := range newParser(new(cli)).Model.Children {
		for _, flag := range node.Flags {
			if node.Name == "run" && flag.Name != "config" && flag.Name != "help" {
				names = append(names, "--"+flag.Name)
			}
		}
	}
	return names
}

// Each flag can stand in a file.
func TestConfigTakesEachFlag(t *testing.T) {
	for _, flag := range flagsOfRun() {
		lines := [][]string{{"run", flag, "--", "program"}}
		for _, word := range slices.Concat(oddWords, words) {
			lines = append(lines, []string{"run", flag + "=" + word, "--", "program"})
		}
		taken := 0
		for _, line := range lines {
			if _, _, ok := quick(line); ok && taken < 3 {
				throughFile(t, line)
				taken++
			}
		}
		if taken == 0 {
			t.Errorf("no word is a value of %s", flag)
		}
	}
	for _, line := range []string{"run --setsid=false program", "run --setsid=yes program", "run --setsid --setsid=0 program", "explain --json program"} {
		throughFile(t, strings.Fields(line))
	}
}

// Random command lines mean the same when they are written down.
func TestConfigRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	flags, all := flagsOfRun(), slices.Concat(words, oddWords)
	lines := 150
	if testing.Short() {
		lines = 60
	}
	for lines > 0 && !t.Failed() {
		args := []string{"run"}
		for range 1 + rnd.IntN(4) {
			word := flags[rnd.IntN(len(flags))]
			if rnd.IntN(4) > 0 {
				word += "=" + all[rnd.IntN(len(all))]
			}
			args = append(args, word)
			if rnd.IntN(3) == 0 { // and the same again
				args = append(args, word)
			}
		}
		args = append(args, "--", "program", all[rnd.IntN(len(all))])
		if _, _, ok := quick(args); ok {
			throughFile(t, args)
			lines--
		}
	}
}

// What TOML has no way to write is an error, and not something else.
func TestConfigOfBytes(t *testing.T) {
	for _, g := range []struct {
		flags   givenFlags
		program programArgs
	}{{givenFlags{"--env=A=\xff"}, nil}, {nil, programArgs{"echo", "\xc3\x28"}}} {
		if text, err := g.flags.toml(map[string]bool{"--env": true}, g.program); err == nil {
			t.Errorf("%q %q as a file is %q; want an error", g.flags, g.program, text)
		}
	}
}
