//go:build linux

package main

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sprog-dev/sprog/internal/flags"
)

// throughFile writes a command line as a configuration file, and reads it.
func throughFile(t *testing.T, args []string) {
	t.Helper()
	direct, err := app.Read(args)
	if err == nil {
		err = direct.Set()
	}
	if err != nil {
		t.Errorf("%q: %v", args, err)
		return
	}
	text, err := direct.TOML("toml")
	if err != nil {
		t.Errorf("%q as a file: %v", args, err)
		return
	}
	back, err := readText(args[0], text)
	if err != nil || !reflect.DeepEqual(back.Runner, direct.Runner) || !slices.Equal(back.Rest, direct.Rest) {
		all := cmp.Exporter(func(reflect.Type) bool { return true })
		t.Errorf("%q as a file:\n%s\nis read with %q, %v, and so (-want +got):\n%s", args, text, back.Rest, err, cmp.Diff(direct.Runner, back.Runner, all))
	}
}

// readText is a command line whose only flag is --config with a text.
func readText(command, text string) (*flags.Line, error) {
	line, err := app.Read([]string{command, "--config=file"})
	if err == nil {
		err = line.Expand(func(string) ([]byte, error) { return []byte(text), nil })
	}
	if err == nil {
		err = line.Set()
	}
	return line, err
}

// oddWords are values that a file could have trouble with, and those of flags
// that no other word is for.
var oddWords = []string{"3=r:/x", "4=a=b\n", "8:0,rbps=1M", "interleave:0-1", "A=1\n2", `A="'\`, "A=ü\t\x01", "'''", `"""`, "A=\x7f", "#", "[a]", "true", "1e3", "inf", "2026-01-02", "=", " "}

// Each flag can stand in a file.
func TestConfigTakesEachFlag(t *testing.T) {
	for _, flag := range flagsOfRun() {
		flag = "--" + flag
		lines := [][]string{{"run", flag, "--", "program"}}
		for _, word := range slices.Concat(oddWords, words) {
			lines = append(lines, []string{"run", flag + "=" + word, "--", "program"})
		}
		taken := 0
		for _, line := range lines {
			if taken < 3 && parsed(line...) != nil {
				throughFile(t, line)
				taken++
			}
		}
		if taken == 0 {
			t.Errorf("no word is a value of %s", flag)
		}
	}
	for _, line := range []string{"run --setsid=false program", "run --setsid=yes program", "run --setsid --setsid=0 program"} {
		throughFile(t, strings.Fields(line))
	}
}

// Random command lines mean the same when they are written down.
func TestConfigRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	names, all := flagsOfRun(), slices.Concat(words, oddWords)
	lines := 150
	if testing.Short() {
		lines = 60
	}
	for lines > 0 && !t.Failed() {
		args := []string{"run"}
		for range 1 + rnd.IntN(4) {
			word := "--" + names[rnd.IntN(len(names))]
			if rnd.IntN(4) > 0 {
				word += "=" + all[rnd.IntN(len(all))]
			}
			args = append(args, word)
			if rnd.IntN(3) == 0 { // and the same again
				args = append(args, word)
			}
		}
		args = append(args, "--", "program", all[rnd.IntN(len(all))])
		if parsed(args...) != nil {
			throughFile(t, args)
			lines--
		}
	}
}

// What TOML has no way to write is an error, and not something else.
func TestConfigOfBytes(t *testing.T) {
	for _, args := range [][]string{{"run", "--env=A=\xff"}, {"run", "echo", "\xc3\x28"}} {
		line, err := app.Read(args)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := line.TOML(""); err == nil {
			t.Errorf("%q as a file is %q; want an error", args, text)
		}
	}
}
