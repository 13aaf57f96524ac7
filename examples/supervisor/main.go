//go:build linux

// Command supervisor keeps many children running, and starts those again that
// end. docs/supervisor.md explains it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

var (
	children = flag.Int("n", 2000, "how many children")
	grace    = flag.Duration("grace", 5*time.Second, "the time between SIGTERM and SIGKILL at the end")
	first    = flag.Duration("backoff", 100*time.Millisecond, "the pause before the first restart; it doubles with each that follows")
	longest  = flag.Duration("longest", 30*time.Second, "the longest pause, and how long a child has to run for the next one to be the shortest")
	length   = flag.Duration("for", 0, "stop after that time; 0 is at SIGINT or SIGTERM")
)

// A supervisor counts what it does.
type supervisor struct {
	running, starts, restarts, failures atomic.Int64
	slots                               chan struct{} // how many may be starting at once
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("supervisor: ")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("supervisor [flags] program [argument ...]")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if *length > 0 {
		ctx, stop = context.WithTimeout(ctx, *length)
		defer stop()
	}

	s := &supervisor{slots: make(chan struct{}, 16)}
	begin := time.Now()
	var all sync.WaitGroup
	for range *children {
		all.Go(func() { s.supervise(ctx, flag.Args()) })
	}
	s.report(ctx, begin)
	stopping := time.Now()
	all.Wait()
	fmt.Printf("stopped in %.2f s; %d starts, %d of them restarts; %d failed\n",
		time.Since(stopping).Seconds(), s.starts.Load(), s.restarts.Load(), s.failures.Load())
}

// supervise keeps one child running until the context is done.
func (s *supervisor) supervise(ctx context.Context, args []string) {
	pause := *first
	for {
		begin := time.Now()
		s.run(ctx, args)
		if time.Since(begin) > *longest {
			pause = *first
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)): // not all at the same time
		}
		pause = min(2*pause, *longest)
		s.restarts.Add(1)
	}
}

// run runs a child once.
func (s *supervisor) run(ctx context.Context, args []string) {
	cmd := sprog.CommandContext(ctx, args[0], args[1:]...)
	cmd.Ending = &sprog.Ending{Grace: *grace}                          // how the context ends it
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // if the supervisor is killed
	s.slots <- struct{}{}
	err := cmd.Start()
	<-s.slots
	if err != nil {
		if ctx.Err() == nil && s.failures.Add(1) == 1 {
			log.Print(err)
		}
		return
	}
	s.starts.Add(1)
	s.running.Add(1)
	cmd.Wait() // takes no thread
	s.running.Add(-1)
}

// report prints the state whenever it has changed, once a second at most.
func (s *supervisor) report(ctx context.Context, begin time.Time) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	told := ""
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		state := fmt.Sprintf("%d running, %d restarts", s.running.Load(), s.restarts.Load())
		if state != told && (n%10 == 0 || s.running.Load() == int64(*children)) {
			fmt.Printf("%6.2f s: %s; %s threads, %s\n", time.Since(begin).Seconds(), state, status("Threads"), status("VmRSS"))
			told = state
		}
	}
}

// status is a line of /proc/self/status.
func status(name string) string {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(value)
}
