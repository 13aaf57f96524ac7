package main

import "fmt"

// batch is how many starts of one contender follow each other.
const batch = 50

// measureStart is the plain case: one start after the other.
func measureStart(b *bench, s *section) error {
	names := b.among(bySprog, byApart, byExec, byForkExec, byLimit)
	var cells []cell
	for _, name := range names {
		w, err := b.worker(setup{})
		if err != nil {
			return err
		}
		cells = append(cells, cell{&sample{Contender: name, X: 1}, w, order{
			Contender: name, Prog: b.progs.Exit, Goroutines: 1, Starts: batch,
		}})
		s.Samples = append(s.Samples, cells[len(cells)-1].sample)
	}
	if err := b.interleave(max(b.n/batch, 3), cells); err != nil {
		return err
	}
	plain := func(name string) *sample { return s.Samples.find(name, "", 1) }
	s.Table.Head = []string{"", "p50", "p99", "starts/s", "p50 / limit", "p50 / os/exec", "starts"}
	for _, name := range names {
		m := plain(name)
		s.Table.add(name, duration(m.P50), duration(m.P99), count(m.PerSecond),
			latencyRatio(m, plain(byLimit)).String(), latencyRatio(m, plain(byExec)).String(), count(float64(m.Starts)))
	}
	s.Notes = []string{"sprog and os/exec are their Run. Apart are Start and then Wait, between which a program could do something: this process sleeps two times."}
	sprog := plain(bySprog)
	s.Aims = []aim{
		{What: "start + wait (p50), as a multiple of the limit", Most: 1.15, Got: latencyRatio(sprog, plain(byLimit)).rounds},
		{What: "start + wait (p50), as a multiple of os/exec's", Most: 0.65, Got: latencyRatio(sprog, plain(byExec)).rounds},
	}
	s.charts = []chart{startChart(s.Samples)}
	return nil
}

func startChart(ss samples) chart {
	p := panel{Label: "solid: median; pale: 99th percentile; less is better", Format: duration}
	for _, m := range ss {
		p.Bars = append(p.Bars, bar{Name: m.Contender, Contender: m.Contender, Value: m.P50, Tail: m.P99,
			Note: fmt.Sprintf("(p99 %s)", duration(m.P99))})
	}
	return &barChart{
		File: "start", Title: "Start a program and wait for it",
		Subtitle: "a static program that exits at once; the limit is a bare vfork, execve and wait4",
		Panels:   []panel{p},
	}
}
