//go:build linux

// Command judge runs a program against tests, and gives a verdict on each:
// NAME.in is what it reads, NAME.out what it has to print. docs/judge.md explains it.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

var (
	tests     = flag.String("tests", ".", "the directory with NAME.in and NAME.out")
	cpu       = flag.Duration("cpu", time.Second, "CPU time for a test")
	wall      = flag.Duration("wall", 3*time.Second, "time for a test")
	memory    = flag.Uint64("memory", 256<<20, "bytes of memory")
	output    = flag.Int("output", 1<<20, "bytes of output")
	processes = flag.Uint64("processes", 16, "how many processes and threads there may be")
	cgroup    = flag.Bool("cgroup", false, "count the memory and the processes of all together, in a cgroup")
	user      = flag.Int("user", 65534, "the user and group that the program runs as, if the judge is root")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("judge: ")
	flag.Parse()
	inputs, err := filepath.Glob(filepath.Join(*tests, "*.in"))
	if err != nil || len(inputs) == 0 || flag.NArg() == 0 {
		log.Fatal("judge -tests DIR program [argument ...]: there must be tests and a program")
	}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = *user, *user
		if err := syscall.Setgroups(nil); err != nil {
			log.Fatal(err)
		}
	}
	accepted := 0
	for _, input := range inputs {
		name := strings.TrimSuffix(input, ".in")
		verdict, result := judge(name, uid, gid)
		time, memory := used(result)
		fmt.Printf("%-12s %-4s %8.3f s CPU %8.3f s %7.1f MiB\n", filepath.Base(name), verdict,
			time.Seconds(), result.Wall.Seconds(), float64(memory)/(1<<20))
		if verdict == "AC" {
			accepted++
		}
	}
	fmt.Printf("%d of %d\n", accepted, len(inputs))
	if accepted < len(inputs) {
		os.Exit(1)
	}
}

// judge runs one test.
func judge(name string, uid, gid int) (verdict string, result *sprog.Result) {
	input, err := os.Open(name + ".in")
	if err != nil {
		log.Fatal(err)
	}
	defer input.Close()
	want, err := os.ReadFile(name + ".out")
	if err != nil {
		log.Fatal(err)
	}
	cmd := confined(flag.Args(), uid, gid)
	got := &limited{room: *output}
	cmd.Stdin, cmd.Stdout = input, got
	if err := cmd.Start(); err != nil {
		log.Fatal(err) // it is the judge's fault, not the program's
	}
	cmd.Wait() // its error is in the result
	return verdictOf(cmd.Result(), got, want), cmd.Result()
}

// verdictOf looks first for what has ended the program, and last at its output.
func verdictOf(r *sprog.Result, got *limited, want []byte) string {
	switch {
	case r.Cause == sprog.CauseSyscall:
		return "SV" // security violation
	case got.over:
		return "OLE"
	case r.Cause == sprog.CauseCPUTime || r.Cause == sprog.CauseTimeout || r.User+r.System > *cpu:
		return "TLE"
	case r.Cause == sprog.CauseMemory || uint64(r.MaxRSS) > *memory && !r.MaxRSSBound:
		return "MLE"
	case r.ExitCode != 0: // by a signal, too
		return "RE"
	case !bytes.Equal(bytes.TrimSpace(got.text), bytes.TrimSpace(want)):
		return "WA"
	}
	return "AC"
}

// used is what was used: in a cgroup by all together, whatever they have died of.
func used(r *sprog.Result) (cpu time.Duration, memory int64) {
	cpu, memory = r.User+r.System, r.MaxRSS
	if g := r.Cgroup; g != nil {
		cpu, memory = max(cpu, g.CPUUsage), max(memory, g.MemoryPeak)
	}
	return cpu, memory
}

// limited keeps what fits. A program that writes more finds its output closed.
type limited struct {
	text []byte
	room int
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if len(l.text)+len(p) > l.room {
		l.over = true
		return 0, syscall.EFBIG
	}
	l.text = append(l.text, p...)
	return len(p), nil
}
