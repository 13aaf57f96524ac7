//go:build linux

package main

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// kongReads is what kong makes of a command line.
func kongReads(args []string) (cmd starting, program programArgs, err error) {
	var c cli
	parser := newParser(&c)
	parser.Exit = func(int) {}
	own, program := splitArgs(parser.Model, args)
	_, err = parser.Parse(own)
	if args[0] == "exec" {
		return &c.Exec, program, err
	}
	return &c.Run, program, err
}

// agree checks that a command line that is read without kong means the same to
// kong. It reports whether it was.
func agree(t *testing.T, args []string) bool {
	t.Helper()
	got, program, ok := quick(args)
	if !ok {
		return false
	}
	want, wantProgram, err := kongReads(args)
	if err != nil {
		t.Errorf("%q is read without kong, which says: %v", args, err)
		return true
	}
	if !reflect.DeepEqual(got, want) || !slices.Equal(program, wantProgram) {
		t.Errorf("%q:\n\t%+v %q, kong:\n\t%+v %q", args, got, program, want, wantProgram)
	}
	return true
}

// Every flag that is declared has the name here that kong gives it.
func TestQuickKnowsAllFlags(t *testing.T) {
	model := newParser(new(cli)).Model
	for _, node := range model.Children {
		if node.Name != "run" {
			continue
		}
		var r reader
		r.declare(reflect.ValueOf(new(runCmd)).Elem(), "")
		var names, want []string
		for _, f := range r.flags {
			names = append(names, f.name)
		}
		for _, flag := range node.Flags {
			want = append(want, flag.Name)
		}
		slices.Sort(names)
		slices.Sort(want)
		if !slices.Equal(names, want) {
			t.Errorf("flags: %q; kong has %q", names, want)
		}
	}
}

// words are values that some flag or other takes, and some that none does.
var words = []string{
	"", "0", "1", "7", "-1", "a", "a,b", "/", "/tmp", "null", "A=1", "nobody", "user,net", "pid", "0:1000:1", "allow",
	"as=1G", "nofile=10:20", "core=x", "TERM", "10s", "1.5", "0-1", "027", "net_bind_service", "cap_chown,kill", "--", "--dir",
	"fifo:10", "batch", "idle", "3", "4:/dev/null", "x=y", "all", "none", "strict", "key=value", "read:/tmp", "8080", "signal", "new-exec-on", "fs", "rw:/", "/dev/null", "64k", "t.svg", ".json",
}

// Random command lines over all flags mean the same with and without kong.
func TestQuickAgreesWithKong(t *testing.T) {
	var r reader
	r.declare(reflect.ValueOf(new(runCmd)).Elem(), "")
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list []string) string { return list[rnd.IntN(len(list))] }
	quickly, lines := map[string]int{}, 600
	if testing.Short() {
		lines = 200
	}
	for range lines {
		args := []string{pick([]string{"run", "exec"})}
		var given []string
		for range 1 + rnd.IntN(3) {
			f := r.flags[rnd.IntN(len(r.flags))]
			given = append(given, f.name)
			switch {
			case f.value.Kind() == reflect.Bool:
				args = append(args, "--"+f.name)
			case rnd.IntN(2) == 0:
				args = append(args, "--"+f.name+"="+pick(words))
			default:
				args = append(args, "--"+f.name, pick(words))
			}
		}
		if rnd.IntN(3) == 0 {
			args = append(args, "--")
		}
		if agree(t, append(args, "program", "--flag", "-x")) {
			for _, name := range given {
				quickly[name]++
			}
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d of %d flags were read without kong", len(quickly), len(r.flags))
}

// One flag, all words: each flag that kong takes a value for is read without
// it with the same result.
func TestQuickReadsEachFlag(t *testing.T) {
	var r reader
	r.declare(reflect.ValueOf(new(runCmd)).Elem(), "")
	for _, f := range r.flags {
		lines := [][]string{{"run", "--" + f.name, "program"}}
		if f.value.Kind() != reflect.Bool {
			if _, optional := f.value.Addr().Interface().(kong.BoolMapperValue); !optional {
				lines = nil
			}
			for _, word := range words {
				lines = append(lines, []string{"run", "--" + f.name + "=" + word, "program"})
			}
		}
		read := false
		for _, line := range lines {
			read = agree(t, line) || read
		}
		for _, line := range lines {
			if read {
				break
			}
			if _, _, err := kongReads(line); err == nil {
				t.Errorf("%q is not read without kong", line)
			}
		}
	}
}

// What is not plain is left to kong.
func TestQuickLeavesTheRest(t *testing.T) {
	for _, line := range []string{
		"", "version", "explain true", "run --help", "run -h", "run --no-such-flag true", "run --dir", "run --dir=", "run --setsid=false true",
		"run --map-root --map-current true", "run --rlimit x true", "exec --umask 8 true", "walk",
	} {
		if _, _, ok := quick(strings.Fields(line)); ok {
			t.Errorf("%q is read without kong", line)
		}
	}
}

func TestFlagName(t *testing.T) {
	for field, want := range map[string]string{
		"Dir": "dir", "UnsetEnv": "unset-env", "JSON": "json", "CttyFD": "ctty-fd", "HTTPServer": "http-server", "NoNewPrivs": "no-new-privs", "A": "a", "Argv0": "",
	} {
		if got := flagName(field); got != want {
			t.Errorf("flagName(%s) = %q; want %q", field, got, want)
		}
	}
}
