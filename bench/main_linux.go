package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

// scenarios, in the order of the report.
var scenarios = []struct {
	id, title string
	run       func(*bench, *section) error
}{
	{"start", "Start and wait", measureStart},
	{"allocs", "Allocations per Run", measureAllocs},
	{"throughput", "Many goroutines starting at once", measureThroughput},
	{"memory", "A parent with much memory", measureMemory},
	{"files", "A parent with many open files", measureFiles},
	{"waiting", "Waiting for many children", measureWaiting},
	{"stall", "A slow exec", measureStall},
	{"facilities", "What each facility costs", measureFacilities},
	{"trace", "What a trace costs", measureTrace},
	{"cgroup", "Into a cgroup", measureCgroup},
	{"commands", "The command beside other tools", measureCommands},
	{"launchers", "Launchers beside other tools", measureLaunchers},
	{"view", "A view of the file system beside bubblewrap", measureView},
	{"warm", "A sandbox that is there already", measureWarm},
	{"service", "A service that runs snippets", measureService},
	{"init", "An init beside others", measureInit},
	{"filter", "A system call under a filter", measureFilter},
}

// roleMark as the first argument makes this binary play one of the roles.
const roleMark = "@role"

// roles are the processes that the benchmark makes of itself.
var roles = map[string]func(args []string) error{
	"worker": workerMain,
	"herd":   herdMain,
	"fuse":   fuseMain,
	"stall":  stallMain,

	"bwrapservice": bwrapServiceMain,

	"signalled": signalledMain,
	"dying":     dyingMain,
	"family":    familyMain,
	"litter":    litterMain,
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == roleMark {
		playRole(os.Args[2], os.Args[3:])
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func playRole(name string, args []string) {
	if err := roles[name](args); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v\n", name, err)
		os.Exit(1)
	}
}

func run() error {
	quick := flag.Bool("quick", false, "measure less, in under a minute")
	n := flag.Int("n", 0, "starts of each contender in the first scenario (default 10000, or 2000 if -quick)")
	only := flag.String("only", "", "measure only the scenarios whose id matches the regular `expression`")
	dir := flag.String("o", "", "write results.md, results.json and the plots into `directory`")
	draw := flag.Bool("draw", false, "measure nothing; draw the overview of the documents from bench/results")
	asJSON := flag.Bool("json", false, "print the report as JSON instead of as tables")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if *draw {
		return drawOverview("bench/results", "docs")
	}
	want, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	b, err := newBench(*quick, *n)
	if err != nil {
		return err
	}
	defer b.close()

	r := &report{Measured: time.Now().UTC().Format(time.DateOnly), Machine: thisMachine(), Quick: *quick}
	if !*asJSON {
		fmt.Printf("%s\n%s\n", r.Machine, howToRead)
	}
	for _, sc := range scenarios {
		if !want.MatchString(sc.id) {
			continue
		}
		s := &section{ID: sc.id, Title: sc.title}
		if err := b.scenario(s, sc.run); err != nil {
			return fmt.Errorf("%s: %w", sc.id, err)
		}
		r.Sections = append(r.Sections, s)
		if !*asJSON {
			fmt.Printf("\n%s", s.text())
		}
	}
	if *asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	if *dir != "" {
		return r.write(*dir)
	}
	return nil
}

// A bench is one run: what it measures with, and what it has to clean up.
type bench struct {
	quick   bool
	n       int
	dir     string
	progs   programs
	workers []*worker
}

func newBench(quick bool, n int) (*bench, error) {
	switch {
	case n > 0:
	case quick:
		n = 2000
	default:
		n = 10000
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	b := &bench{quick: quick, n: n, dir: dir}
	b.progs, err = writePrograms(dir, runtime.GOARCH)
	if err != nil {
		b.close()
		return nil, err
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		killHerd()
		os.RemoveAll(dir) // the other roles end with the pipe they read
		os.Exit(1)
	}()
	return b, nil
}

func (b *bench) close() { os.RemoveAll(b.dir) }

// errSkip is why a scenario cannot be measured here.
type errSkip string

func (e errSkip) Error() string { return string(e) }

func (b *bench) scenario(s *section, measure func(*bench, *section) error) error {
	defer func() {
		for _, w := range b.workers {
			w.close()
		}
		b.workers = nil
	}()
	err := measure(b, s)
	if skip, ok := errors.AsType[errSkip](err); ok {
		s.Skipped = string(skip)
		return nil
	}
	return err
}

// worker starts a worker that lives until the scenario ends.
func (b *bench) worker(s setup) (*worker, error) {
	w, err := newWorker(s)
	if err == nil {
		b.workers = append(b.workers, w)
	}
	return w, err
}

// among lists those of the given contenders that can be measured here.
func (b *bench) among(names ...string) []string {
	var have []string
	for _, name := range names {
		if prepare, ok := contenders[name]; ok {
			if _, err := prepare(order{Prog: b.progs.Exit}); err == nil {
				have = append(have, name)
			}
		}
	}
	return have
}

// rounds is how many rounds to make of a number that a full run would make.
func (b *bench) rounds(full int) int {
	if b.quick {
		return max(full/8, 3)
	}
	return full
}

// A cell is a sample on its way: who makes the starts, and of what kind.
type cell struct {
	*sample
	worker *worker
	order  order
}

// interleave runs the cells' batches in turns.
func (b *bench) interleave(rounds int, cells []cell) error {
	for round := range rounds {
		for _, i := range turns(round, len(cells)) {
			c := cells[i]
			out, err := c.worker.do(c.order)
			if err != nil {
				return err
			}
			c.add(c.order.Starts, out.Elapsed, out.Latency, out.Mallocs, out.Bytes)
		}
	}
	for _, c := range cells {
		c.finish()
	}
	return nil
}
