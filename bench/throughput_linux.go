package main

import (
	"fmt"
	"math"
	"runtime"
	"strings"
)

// measureThroughput lets several goroutines start programs as fast as they can.
func measureThroughput(b *bench, s *section) error {
	names := b.among(bySprog, byExec, byForkExec, byLimit)
	workers := map[string]*worker{}
	for _, name := range names {
		w, err := b.worker(setup{})
		if err != nil {
			return err
		}
		workers[name] = w
	}
	all := []int{1, 2, 4, 8, 16}
	s.Table.Head = append([]string{"goroutines"}, names...)
	s.Table.Head = append(s.Table.Head, "sprog / os/exec", "sprog / limit")
	for _, goroutines := range all {
		var cells []cell
		for _, name := range names {
			o := order{Contender: name, Prog: b.progs.Exit, Goroutines: goroutines, Starts: 300}
			if name == byLimit { // each of its starts holds a thread and a P
				o.Procs = max(goroutines+1, runtime.GOMAXPROCS(0))
			}
			cells = append(cells, cell{&sample{Contender: name, X: float64(goroutines)}, workers[name], o})
			s.Samples = append(s.Samples, cells[len(cells)-1].sample)
		}
		if err := b.interleave(b.rounds(30), cells); err != nil {
			return err
		}
		s.throughputRow(names, float64(goroutines), "")
	}
	if err := b.withMoreProcs(s, workers, names); err != nil {
		return err
	}
	s.Notes = []string{"Starts per second: the median of the rounds. The limit has a thread for each goroutine. " +
		"With " + moreProcs + " each start may sleep in the kernel without Go's scheduler having to take its processor away first."}
	for _, variant := range []string{"", moreProcs} {
		s.Aims = append(s.Aims, aim{What: strings.TrimSuffix("starts per second with 8 goroutines, as a multiple of the limit's; "+variant, "; "), Least: 0.75,
			Got: rateRatio(s.Samples.find(bySprog, variant, 8), s.Samples.find(byLimit, variant, 8)).rounds})
	}
	s.charts = []chart{throughputChart(s.Samples, names, all)}
	return nil
}

// moreProcs is a process with more of Go's processors than the machine has.
const moreProcs = "GOMAXPROCS 9"

// withMoreProcs is what that does for 8 goroutines.
func (b *bench) withMoreProcs(s *section, workers map[string]*worker, names []string) error {
	var cells []cell
	for _, name := range names {
		o := order{Contender: name, Prog: b.progs.Exit, Goroutines: 8, Starts: 300, Procs: 9}
		cells = append(cells, cell{&sample{Contender: name, Variant: moreProcs, X: 8}, workers[name], o})
		s.Samples = append(s.Samples, cells[len(cells)-1].sample)
	}
	if err := b.interleave(b.rounds(30), cells); err != nil {
		return err
	}
	s.throughputRow(names, 8, moreProcs)
	return nil
}

func (s *section) throughputRow(names []string, x float64, variant string) {
	row := []string{strings.TrimSuffix(count(x)+", "+variant, ", ")}
	for _, name := range names {
		row = append(row, count(s.Samples.find(name, variant, x).PerSecond))
	}
	sprog := s.Samples.find(bySprog, variant, x)
	row = append(row, rateRatio(sprog, s.Samples.find(byExec, variant, x)).String(),
		rateRatio(sprog, s.Samples.find(byLimit, variant, x)).String())
	s.Table.add(row...)
}

func throughputChart(ss samples, names []string, all []int) chart {
	c := &lineChart{
		File: "throughput", Title: "Many goroutines starting programs at once",
		Subtitle: fmt.Sprintf("start and wait, on %d cores; more is better", runtime.NumCPU()),
		XLabel:   "goroutines", YLabel: "starts per second", Format: count,
	}
	for _, g := range all {
		c.XTicks = append(c.XTicks, tick{math.Log2(float64(g)), fmt.Sprint(g)})
	}
	for _, name := range names {
		line := series{Name: name, Contender: name, Dashed: name == byLimit}
		for _, g := range all {
			line.Points = append(line.Points, point{math.Log2(float64(g)), ss.find(name, "", float64(g)).PerSecond})
		}
		c.Series = append(c.Series, line)
	}
	return c
}
