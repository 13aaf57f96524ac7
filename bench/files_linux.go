package main

import (
	"fmt"
	"syscall"
)

// measureFiles starts from parents that have many files open.
func measureFiles(b *bench, s *section) error {
	xs := []float64{10, 100, 1000, 5000, 10000, 19000}
	if b.quick {
		xs = []float64{10, 1000, 10000}
	}
	limit := float64(openFileLimit())
	if most := limit - 500; xs[len(xs)-1] > most {
		xs = upTo(xs, most)
		s.Notes = append(s.Notes, fmt.Sprintf("RLIMIT_NOFILE is %.0f here.", limit))
	}
	if len(xs) == 0 {
		return errSkip("RLIMIT_NOFILE is too small")
	}
	p := &parentScenario{
		kinds: append(b.kinds("", bySprog, byExec, byForkExec, byLimit), b.kinds(captured, bySprog, byExec)...),
		xs:    xs,
		setup: func(x float64) setup { return setup{Files: int(x)} },
	}
	if err := p.measure(b, s); err != nil {
		return err
	}
	p.tabulate(s, "open files", count)
	s.Notes = append(s.Notes, "p50 of start and wait. captured: the program writes three bytes, which Output returns.")
	s.Aims = []aim{
		{What: "worst p50 by that with 10 open files", Most: 1.3, Got: s.Samples.flatness(bySprog, "", xs)},
		{What: "the same with the output captured", Most: 1.3, Got: s.Samples.flatness(bySprog, captured, xs)},
	}
	p.lines(s, &lineChart{
		File: "files", Title: "Starting from a parent with many open files",
		Subtitle: "start and wait, median; captured: with its output read through a pipe; less is better",
		XLabel:   "open files", YLabel: "time", Format: duration,
	}, func(_ int, x float64) float64 { return x }, count)
	return nil
}

// openFileLimit is the soft RLIMIT_NOFILE, which Go has raised to the hard one.
func openFileLimit() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return l.Cur
}
