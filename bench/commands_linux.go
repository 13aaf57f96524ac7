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
	aims  map[string]float64 // the sub-command, and how many times the tools' time it may take
}

var comparisons = []comparison{
	{
		what:  "prlimit taskset chrt ionice setpriv",
		tools: strings.Fields("prlimit --nofile=1000:1000 taskset -c 0 chrt -o 0 ionice -c 2 -n 4 setpriv --no-new-privs true"),
		flags: strings.Fields("--rlimit nofile=1000 --cpus 0 --sched other --ionice best-effort:4 --no-new-privs"),
		aims:  map[string]float64{"exec": 0.45, "run": 0.55},
	},
	{
		what:  "setpriv",
		tools: strings.Fields("setpriv --no-new-privs true"),
		flags: strings.Fields("--no-new-privs"),
		aims:  map[string]float64{"exec": 0.9},
	},
	{
		what:  "unshare -Urpfmiun",
		tools: strings.Fields("unshare -Urpfmiun true"),
		flags: strings.Fields("--unshare user,pid,mount,ipc,uts,net --map-root --no-init"), // unshare has none
		aims:  map[string]float64{"run": 1.1},
	},
}

// measureCommands compares the command with the tools that it stands for, from
// the start of the first to the end of the last.
func measureCommands(b *bench, s *section) error {
	command, err := b.buildCommand()
	if err != nil {
		return err
	}
	s.Table.Head = []string{"", "p50", "p99", "p50 / tools", "starts"}
	for _, c := range comparisons {
		if err := b.compare(s, c, command); err != nil {
			return err
		}
	}
	s.Notes = append(s.Notes, "The program is true(1).")
	return nil
}

// buildCommand builds the command as it is for others.
func (b *bench) buildCommand() (string, error) {
	path := filepath.Join(b.dir, "sprog")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/sprog-dev/sprog/cmd/sprog")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errSkip(fmt.Sprintf("the command cannot be built here: %v: %s", err, out))
	}
	return path, nil
}

func (b *bench) compare(s *section, c comparison, command string) error {
	const starts = 5
	lines := []timed{{&sample{Contender: c.what, X: 1}, timing(c.tools), 0}}
	for _, sub := range []string{"exec", "run"} {
		if most := c.aims[sub]; most != 0 {
			argv := append(append([]string{command, sub}, c.flags...), "true")
			lines = append(lines, timed{&sample{Contender: "sprog " + sub + ", for " + c.what, X: 1}, timing(argv), most})
		}
	}
	for _, l := range lines {
		if _, err := l.once(); err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured here: %v.", l.Contender, err))
			return nil
		}
	}
	return b.inTurns(s, lines, 120, starts, "it")
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
