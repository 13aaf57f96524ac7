package main

// measureAllocs is what a Run leaves to the garbage collector.
func measureAllocs(b *bench, s *section) error {
	names := b.among(bySprog, byExec)
	w, err := b.worker(setup{})
	if err != nil {
		return err
	}
	var cells []cell
	for _, name := range names {
		for _, v := range []struct{ variant, prog string }{{"", b.progs.Exit}, {captured, b.progs.Write}} {
			cells = append(cells, cell{&sample{Contender: name, Variant: v.variant, X: 1}, w, order{
				Contender: name, Prog: v.prog, Capture: v.variant == captured, Goroutines: 1, Starts: 200,
			}})
			s.Samples = append(s.Samples, cells[len(cells)-1].sample)
		}
	}
	if err := b.interleave(b.rounds(10), cells); err != nil {
		return err
	}
	s.Table.Head = []string{"", "Run: allocs", "bytes", "Output: allocs", "bytes"}
	for _, name := range names {
		run, output := s.Samples.find(name, "", 1), s.Samples.find(name, captured, 1)
		s.Table.add(name, count(run.Allocs), count(run.Bytes), count(output.Allocs), count(output.Bytes))
	}
	if sprog, exec := s.Samples.find(bySprog, "", 1), s.Samples.find(byExec, "", 1); sprog != nil {
		s.Aims = []aim{
			{What: "allocations per Run, as a multiple of os/exec's", Most: 0.5, Got: sprog.Allocs / exec.Allocs},
			{What: "bytes per Run, as a multiple of os/exec's", Most: 0.5, Got: sprog.Bytes / exec.Bytes},
		}
	}
	s.charts = []chart{allocsChart(s.Samples, names)}
	return nil
}

func allocsChart(ss samples, names []string) chart {
	allocs := panel{Label: "allocations", Format: count}
	bytes := panel{Label: "bytes", Format: count}
	for _, name := range names {
		m := ss.find(name, "", 1)
		allocs.Bars = append(allocs.Bars, bar{Name: name, Contender: name, Value: m.Allocs})
		bytes.Bars = append(bytes.Bars, bar{Name: name, Contender: name, Value: m.Bytes})
	}
	return &barChart{
		File: "allocs", Title: "What one Run allocates", Subtitle: "less is better",
		Panels: []panel{allocs, bytes},
	}
}
