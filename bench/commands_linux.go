package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A comparison is a command line of well-known tools and what sprog has for
// it; the program of each is true(1).
type comparison struct {
	what  string
	tools []string
	flags []string
	subs  []string // the sub-commands that do it
}

var comparisons = []comparison{
	{
		what:  "prlimit taskset chrt ionice setpriv",
		tools: strings.Fields("prlimit --nofile=1000:1000 taskset -c 0 chrt -o 0 ionice -c 2 -n 4 setpriv --no-new-privs true"),
		flags: strings.Fields("--rlimit nofile=1000 --cpus 0 --sched other --ionice best-effort:4 --no-new-privs"),
		subs:  []string{"exec", "run"},
	},
	{
		what:  "setpriv",
		tools: strings.Fields("setpriv --no-new-privs true"),
		flags: strings.Fields("--no-new-privs"),
		subs:  []string{"exec", "run"},
	},
	{
		what:  "unshare -Urpfmiun",
		tools: strings.Fields("unshare -Urpfmiun true"),
		flags: strings.Fields("--unshare user,pid,mount,ipc,uts,net --map-root --no-init"), // unshare has none
		subs:  []string{"run"},
	},
}

// measureCommands compares the command with the tools that it stands for, from
// the start of the first to the end of the last, and with what no Go program can fall below.
func measureCommands(b *bench, s *section) error {
	command, err := b.buildCommand()
	if err != nil {
		return err
	}
	floor, err := b.buildNothing()
	if err != nil {
		return err
	}
	s.Table.Head = []string{"", "p50", "p99", "p50 / tools", "starts"}
	for _, c := range comparisons {
		if err := b.compare(s, c, command, floor); err != nil {
			return err
		}
	}
	if err := b.compareWords(s, command, floor); err != nil {
		return err
	}
	s.Notes = append(s.Notes, "The program is true(1). The floor is a Go program that does nothing. "+
		"Earlier aims of the command were multiples of the tools that are below this floor, so that nobody could have met them.")
	return nil
}

// The figures that the aims are about, beside the floor.
const (
	theFloor   = "the floor: an empty Go program"
	theProgram = "the program alone"
)

// buildNothing builds the smallest Go program.
func (b *bench) buildNothing() (string, error) {
	source, path := filepath.Join(b.dir, "nothing.go"), filepath.Join(b.dir, "nothing")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", path, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errSkip(fmt.Sprintf("a Go program cannot be built here: %v: %s", err, out))
	}
	return path, rewrite(path)
}

// rewrite copies a program to itself: what a linker has just written is in small pieces of the page cache, and starts
// slower than what was copied.
func rewrite(path string) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path+".copy", text, 0o755)
	}
	if err == nil {
		err = os.Rename(path+".copy", path)
	}
	return err
}

// buildCommand builds the command as it is for others.
func (b *bench) buildCommand() (string, error) {
	path := filepath.Join(b.dir, "sprog")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/sprog-dev/sprog/cmd/sprog")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errSkip(fmt.Sprintf("the command cannot be built here: %v: %s", err, out))
	}
	return path, rewrite(path)
}

func (b *bench) compare(s *section, c comparison, command, floor string) error {
	const starts = 5
	lines := []timed{
		{&sample{Contender: c.what, X: 1}, timing(c.tools), 0},
		{&sample{Contender: theFloor, X: 1}, timing([]string{floor}), 0},
		{&sample{Contender: theProgram, X: 1}, timing([]string{"true"}), 0},
	}
	for _, sub := range c.subs {
		argv := append(append([]string{command, sub}, c.flags...), "true")
		lines = append(lines, timed{&sample{Contender: "sprog " + sub + ", for " + c.what, X: 1}, timing(argv), 0})
	}
	for _, l := range lines {
		if _, err := l.once(); err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured here: %v.", l.Contender, err))
			return nil
		}
	}
	if err := b.inTurns(s, lines, 120, starts, "it"); err != nil {
		return err
	}
	if c.what != "setpriv" {
		return nil
	}
	tool, empty, alone, executes, runs := lines[0].sample, lines[1].sample, lines[2].sample, lines[3].sample, lines[4].sample
	s.Aims = append(s.Aims,
		aim{What: "sprog exec, as a multiple of setpriv", Most: 1.55, Got: latencyRatio(executes, tool).rounds},
		aim{What: "sprog exec, as a multiple of the floor", Most: 1.25, Got: latencyRatio(executes, empty).rounds},
		aim{What: "sprog run, as a multiple of the floor and the program together", Most: 1.35, Got: runs.P50 / (empty.P50 + alone.P50)},
	)
	return nil
}

// compareWords measures what the command says without starting anything.
func (b *bench) compareWords(s *section, command, floor string) error {
	lines := []timed{{&sample{Contender: theFloor, X: 1}, timing([]string{floor}), 0}}
	for _, word := range []string{"version", "--help"} {
		lines = append(lines, timed{&sample{Contender: "sprog " + word, X: 1}, timing([]string{command, word}), 1.5})
	}
	return b.inTurns(s, lines, 120, 5, "the floor")
}

// A timed is something that takes a time, and the aim for it: how many times what the first of a list
// takes, or 0.
type timed struct {
	*sample
	once func() (time.Duration, error)
	most float64
}

// timing is a whole command.
func timing(argv []string) func() (time.Duration, error) {
	return func() (time.Duration, error) { return timeCommand(argv) }
}

// inTurns measures them in turns, and reports each beside the first, which has a name.
func (b *bench) inTurns(s *section, lines []timed, full, starts int, first string) error {
	for round := range b.rounds(full) {
		for _, i := range turns(round, len(lines)) {
			begin, latency := time.Now(), make([]int64, starts)
			for n := range latency {
				took, err := lines[i].once()
				if err != nil {
					return err
				}
				latency[n] = int64(took)
			}
			lines[i].add(starts, time.Since(begin), latency, 0, 0)
		}
	}
	for _, l := range lines {
		l.finish()
		s.Samples = append(s.Samples, l.sample)
		r := latencyRatio(l.sample, lines[0].sample)
		s.Table.add(l.Contender, duration(l.P50), duration(l.P99), r.String(), count(float64(l.Starts)))
		if l.most != 0 {
			s.Aims = append(s.Aims, aim{What: l.Contender + ", as a multiple of " + first, Most: l.most, Got: r.rounds})
		}
	}
	return nil
}

// timeCommand is how long a command takes, with nothing on its streams.
func timeCommand(argv []string) (time.Duration, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return 0, err
	}
	null, err := devNull()
	if err != nil {
		return 0, err
	}
	fd := uintptr(null)
	begin := time.Now()
	pid, err := syscall.ForkExec(path, argv, &syscall.ProcAttr{Env: commandEnv, Files: []uintptr{fd, fd, fd}})
	if err != nil {
		return 0, err
	}
	ws, err := waitFor(pid)
	if err != nil {
		return 0, err
	}
	return time.Since(begin), exited(ws)
}

// commandEnv has a short PATH: it is not the search that is measured.
var commandEnv = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C"}
