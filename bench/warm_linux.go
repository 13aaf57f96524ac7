package main

import (
	"fmt"
	"os/exec"
	"time"

	"github.com/sprog-dev/sprog"
)

// measureWarm compares a start whose child has waited with one whose child has not, with bubblewrap, and
// with the start of a program that nothing confines.
func measureWarm(b *bench, s *section) error {
	sandbox := b.inNamespaces(theView)
	sandbox.Attr.NoNewPrivs = true
	sandbox.Attr.Seccomp = &sprog.Seccomp{Default: sprog.SeccompAllow, Rules: []sprog.SeccompRule{{Names: []string{"ptrace", "bpf"}, Action: sprog.SeccompErrno}}}
	p, err := sprog.Prepare(sandbox)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.Warm(1); err != nil {
		return errSkip("a sandbox cannot be made: " + err.Error())
	}
	cold, err := sprog.Prepare(sandbox)
	if err != nil {
		return err
	}
	plain := &sprog.Cmd{Path: b.progs.Exit, Env: []string{}}
	unconfined, err := sprog.Prepare(plain)
	if err != nil {
		return err
	}
	lines := []timed{
		{&sample{Contender: "cold", X: 1}, running(cold), 0},
		{&sample{Contender: "warm", X: 1}, func() (time.Duration, error) {
			for p.State().Waiting == 0 {
				time.Sleep(time.Millisecond)
			}
			return running(p)()
		}, 0.25},
		{&sample{Contender: "the floor: a program that nothing confines", X: 1}, running(unconfined), 0},
	}
	if _, err := exec.LookPath("bwrap"); err == nil {
		options := append([]string{"bwrap", "--unshare-all"}, viewCases(nil)[0].options...)
		lines = append(lines, timed{&sample{Contender: "bwrap", X: 1}, timing(append(options, b.progs.Exit)), 0})
	}
	s.Table.Head = []string{"", "p50", "p99", "p50 / cold", "starts"}
	s.Notes = append(s.Notes, "A sandbox: seven namespaces, a view, a filter, no_new_privs. A start and the wait for a program that ends at once. "+
		"The child of a warm start has been born before the clock runs.")
	if err := b.inTurns(s, lines, 200, 3, "cold"); err != nil {
		return err
	}
	if state := p.State(); state.Cold > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d of the warm starts were cold.", state.Cold))
	}
	return nil
}

func running(p *sprog.Prepared) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		begin := time.Now()
		err := p.Command(sprog.Inputs{}).Run()
		return time.Since(begin), err
	}
}
