//go:build linux

// Command ci runs the steps of a file one after the other. A line is a name, a
// timeout and a command for the shell. docs/ci.md explains it.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

var (
	record = flag.String("record", "", "the file that gets a line of JSON for each step")
	grace  = flag.Duration("grace", 5*time.Second, "the time between SIGTERM and SIGKILL")
	keep   = flag.Int("keep", 64<<10, "bytes of a step's output that its record has, from the beginning and from the end")
)

// A step is one line of the file.
type step struct {
	name    string
	timeout time.Duration
	command string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("ci: ")
	flag.Parse()
	steps, err := parse(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	records := io.Discard
	if *record != "" {
		f, err := os.Create(*record)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		records = f
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()

	failed := ""
	var summary strings.Builder
	for _, s := range steps {
		if failed != "" {
			fmt.Fprintf(&summary, "  %-12s not run\n", s.name)
			continue
		}
		r := s.run(ctx)
		if err := json.NewEncoder(records).Encode(map[string]any{"step": s.name, "result": r}); err != nil {
			log.Fatal(err)
		}
		fmt.Fprintf(&summary, "  %-12s %-10s %7.2f s %7.2f s CPU %6d MiB\n", s.name, outcome(r),
			r.Wall.Seconds(), (r.User + r.System).Seconds(), r.MaxRSS>>20)
		if outcome(r) != "ok" {
			failed = s.name
		}
	}
	fmt.Print(summary.String())
	if failed != "" {
		log.Fatal(failed, " has failed")
	}
}

// run runs a step with all that it starts, and ends what it leaves behind.
func (s step) run(ctx context.Context) *sprog.Result {
	fmt.Printf("== %s: %s\n", s.name, s.command)
	cmd := sprog.CommandContext(ctx, "/bin/sh", "-ec", s.command)
	cmd.Stdout = &sprog.Capture{Head: *keep / 2, Tail: *keep / 2, Tee: os.Stdout}
	cmd.Stderr = cmd.Stdout
	cmd.Ending = &sprog.Ending{Timeout: s.timeout, Grace: *grace}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true,            // the terminal's Ctrl-C is for this program, which ends the step
		Pdeathsig: syscall.SIGKILL, // should this program be killed
	}
	cmd.Attr = &sprog.Attr{Init: &sprog.Init{}} // the tree is whole, and ends with the step
	cmd.Run()                                   // its error is in the result
	return cmd.Result()
}

// outcome is one word, or two.
func outcome(r *sprog.Result) string {
	switch {
	case r.Cause != sprog.CauseProgram:
		return r.Cause.String()
	case r.Signal != 0:
		return r.Signal.String()
	case r.ExitCode != 0:
		return fmt.Sprint("exit ", r.ExitCode)
	}
	return "ok"
}

// parse reads the file. Lines that are empty or begin with # are left out.
func parse(path string) (steps []step, err error) {
	f, err := os.Open(cmp.Or(path, "ci.steps"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) < 3 {
			return nil, fmt.Errorf("%s:%d: a step is a name, a timeout and a command", f.Name(), n)
		}
		timeout, err := time.ParseDuration(words[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", f.Name(), n, err)
		}
		_, command, _ := strings.Cut(lines.Text(), words[1])
		steps = append(steps, step{words[0], timeout, strings.TrimSpace(command)})
	}
	return steps, lines.Err()
}
