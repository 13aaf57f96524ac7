//go:build linux

package main

import (
	"debug/elf"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// An initialisation is what a package does before main.
type initialisation struct {
	ms     float64 // the least that has been seen
	allocs int
}

// Every start of the command waits for what packages do before main. Times are
// the least of many runs, since other work on the machine adds to them; the
// number of allocations is always the same.
func TestBeforeMain(t *testing.T) {
	const (
		mostOfLibrary, mostOfAll = 0.08, 0.2 // ms
		fewAllocs                = 8
	)
	seen := initialisations(t, buildCommand(t))
	var all, library initialisation
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		done := seen[name]
		if name != "runtime" { // whose clock is that of the whole process
			all.ms += done.ms
		}
		if strings.HasPrefix(name, "github.com/sprog-dev/sprog") {
			library.ms += done.ms
			library.allocs += done.allocs
		}
		t.Logf("%-50s %.3f ms, %d allocations", name, done.ms, done.allocs)
	}
	if library.ms == 0 {
		t.Error("nothing is seen of the library, which keeps descriptors before main")
	}
	if library.ms > mostOfLibrary || library.allocs > fewAllocs {
		t.Errorf("the library takes %.3f ms and %d allocations; want at most %v and %d", library.ms, library.allocs, mostOfLibrary, fewAllocs)
	}
	if main := seen["main"]; main.allocs > 0 {
		t.Errorf("the command's own variables take %d allocations; want none", main.allocs)
	}
	if all.ms > mostOfAll {
		t.Errorf("all packages take %.3f ms; want at most %v", all.ms, mostOfAll)
	}
}

// The command loads no C library, however it is built: that would take longer than all the rest of
// what comes before main.
func TestCommandIsStatic(t *testing.T) {
	f, err := elf.Open(buildCommand(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the command asks for a dynamic loader")
		}
	}
}

// initialisations are those of a program's packages.
func initialisations(t *testing.T, program string) map[string]initialisation {
	line := regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock, \d+ bytes, (\d+) allocs$`)
	seen := map[string]initialisation{}
	for range 30 {
		cmd := exec.Command(program, "version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, m := range line.FindAllStringSubmatch(string(out), -1) {
			ms, _ := strconv.ParseFloat(m[2], 64)
			allocs, _ := strconv.Atoi(m[3])
			if before, ok := seen[m[1]]; ok {
				ms, allocs = min(ms, before.ms), min(allocs, before.allocs)
			}
			seen[m[1]] = initialisation{ms, allocs}
		}
	}
	return seen
}
