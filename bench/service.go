package main

import (
	"fmt"
	"math"
)

// serviceNames are the contenders of the service that there are figures of, in their order.
func serviceNames(ss samples) (names []string) {
	for _, s := range ss {
		if s.X == ss[0].X && s.Variant == "" {
			names = append(names, s.Contender)
		}
	}
	return names
}

// serviceTable has a row for each rate, and one for as much as there can be.
func (s *section) serviceTable() {
	names := serviceNames(s.Samples)
	s.Table.Head = []string{"requests a second"}
	for _, name := range names {
		s.Table.Head = append(s.Table.Head, name+": p50", "p99")
	}
	for _, one := range s.Samples {
		if one.Contender != names[0] {
			continue
		}
		row := []string{count(one.X)}
		if one.Variant != "" {
			row = []string{one.Variant}
		}
		for _, name := range names {
			got := s.Samples.find(name, one.Variant, one.X)
			p50 := duration(got.P50)
			if one.Variant != "" {
				p50 += ", " + count(got.PerSecond) + "/s"
			}
			row = append(row, p50, duration(got.P99))
		}
		s.Table.add(row...)
	}
}

// serviceCharts are how long a request takes, and how many there can be.
func serviceCharts(ss samples) []chart {
	lines := &lineChart{
		File: "latency", Title: "A snippet in a sandbox of its own: how long a request takes",
		Subtitle: "p50, and dashed p99; requests at random moments; less is better",
		XLabel:   "requests a second", YLabel: "from the request to its answer", LogY: true, Format: duration,
	}
	bars := &barChart{File: "throughput", Title: "A snippet in a sandbox of its own: as many as there can be", Subtitle: "client and service on the same cores"}
	rates := panel{Label: "requests a second; more is better", Format: count}
	last := 0.0
	for _, s := range ss {
		if s.Variant == "" && s.X != last {
			last = s.X
			lines.XTicks = append(lines.XTicks, tick{math.Log2(s.X), fmt.Sprint(s.X)})
		}
	}
	for _, name := range serviceNames(ss) {
		p50, p99 := series{Name: name, Contender: name}, series{Name: name + " p99", Contender: name, Dashed: true}
		for _, s := range ss {
			switch {
			case s.Contender != name:
			case s.Variant == "":
				p50.Points = append(p50.Points, point{math.Log2(s.X), s.P50})
				p99.Points = append(p99.Points, point{math.Log2(s.X), s.P99})
			default:
				rates.Bars = append(rates.Bars, bar{Name: name, Contender: name, Value: s.PerSecond})
			}
		}
		lines.Series = append(lines.Series, p50, p99)
	}
	bars.Panels = []panel{rates}
	return []chart{lines, bars}
}
