//go:build linux && (amd64 || arm64) && !race

package sprog

import (
	"bytes"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/program"
)

// Runs are the ways of running a command that are compared with os/exec.
var runs = []struct {
	name         string
	ours, theirs func() error
	ratio        float64 // of what is allocated, at most
}{
	{
		"plain",
		func() error { return Command("/bin/true").Run() },
		func() error { return exec.Command("/bin/true").Run() },
		0.5,
	},
	{
		"output",
		func() error { _, err := Command("/bin/true").Output(); return err },
		func() error { _, err := exec.Command("/bin/true").Output(); return err },
		0.7,
	},
	{
		"streams",
		func() error {
			c := Command("/bin/true")
			c.Stdin, c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
			return c.Run()
		},
		func() error {
			c := exec.Command("/bin/true")
			c.Stdin, c.Stdout, c.Stderr = new(bytes.Buffer), new(bytes.Buffer), new(bytes.Buffer)
			return c.Run()
		},
		0.7,
	},
}

// A run allocates less than os/exec's: at most half as often, where nothing is
// copied. How many bytes that is depends on the environment, which os/exec
// copies more often.
// (Not with the race detector, which makes sync.Pool forget at random.)
func TestAllocations(t *testing.T) {
	verify := program.Compiled
	program.Compiled = nil // as in other programs
	defer func() { program.Compiled = verify }()
	for i := range 30 { // an environment of the usual size, whatever this one is
		t.Setenv("SPROG_TEST_"+strconv.Itoa(i), strings.Repeat("x", 40))
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties every sync.Pool
	for _, run := range runs {
		ours, ourBytes := allocations(t, run.ours)
		theirs, theirBytes := allocations(t, run.theirs)
		t.Logf("%s: %.1f allocations, %.0f bytes; os/exec: %.1f, %.0f", run.name, ours, ourBytes, theirs, theirBytes)
		if ours > theirs*run.ratio || ourBytes > theirBytes*max(run.ratio, 0.8) {
			t.Errorf("%s: %.1f allocations, %.0f bytes; want at most %v of %.1f, %.0f",
				run.name, ours, ourBytes, run.ratio, theirs, theirBytes)
		}
	}
}

// allocations is how often and how much one run of f allocates.
func allocations(t *testing.T, f func() error) (count, size float64) {
	const n = 100
	var before, after runtime.MemStats
	for i := -5; i < n; i++ {
		if i == 0 {
			runtime.ReadMemStats(&before)
		}
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / n, float64(after.TotalAlloc-before.TotalAlloc) / n
}

func BenchmarkRun(b *testing.B) {
	for _, run := range runs {
		for _, by := range []struct {
			name string
			run  func() error
		}{{"sprog", run.ours}, {"exec", run.theirs}} {
			b.Run(run.name+"/"+by.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := by.run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
