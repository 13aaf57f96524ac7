package main

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

var exampleCharts = []chart{
	&lineChart{
		File: "lines", Title: "Much <memory> & more", Subtitle: "less is better", XLabel: "memory", YLabel: "time",
		XTicks: []tick{{0, "0"}, {1, "1"}, {2, "2"}}, LogY: true, Format: duration,
		Series: []series{
			{Name: "sprog", Contender: "sprog", Points: []point{{0, 1e5}, {1, 1e5}, {2, 1.1e5}}},
			{Name: "os/exec", Contender: "os/exec", Dashed: true, Points: []point{{0, 1e5}, {1, 4e7}}, Fate: "dies"},
		},
	},
	&lineChart{
		File: "linear", Title: "One place, all zero", XTicks: []tick{{5, "5"}}, Format: count,
		Series: []series{{Name: "limit", Contender: "limit", Points: []point{{5, 0}}}},
	},
	&barChart{
		File: "bars", Title: "Bars", Subtitle: "less is better",
		Panels: []panel{
			{Label: "time", Format: duration, Bars: []bar{{Name: "sprog", Contender: "sprog", Value: 100, Tail: 200, Note: "(p99)"}}},
			{Label: "nothing", Format: count, Bars: []bar{{Name: "no start", Contender: "no start"}}},
		},
	},
}

func TestChartsAreWellFormed(t *testing.T) {
	for _, c := range exampleCharts {
		t.Run(c.name(), func(t *testing.T) {
			svg := c.svg()
			dec := xml.NewDecoder(strings.NewReader(svg))
			for {
				_, err := dec.Token()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("%v in:\n%s", err, svg)
				}
			}
			for _, bad := range []string{"NaN", "Inf", "%!"} {
				if strings.Contains(svg, bad) {
					t.Errorf("the picture contains %s:\n%s", bad, svg)
				}
			}
		})
	}
}

func TestChartNamesItsSeries(t *testing.T) {
	svg := exampleCharts[0].svg()
	for _, want := range []string{
		"Much &lt;memory&gt; &amp; more", ">sprog</tspan>", ">os/exec</tspan>", ">110 µs<", ">dies<", "prefers-color-scheme:dark",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, tt := range []struct {
		got, want []float64
	}{
		{linearTicks(0), []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{linearTicks(9800), []float64{0, 2000, 4000, 6000, 8000, 10000}},
		{linearTicks(2.1), []float64{0, 0.5, 1, 1.5, 2, 2.5}},
		{logTicks(7e4, 3e8), []float64{1e4, 1e5, 1e6, 1e7, 1e8, 1e9}},
		{logTicks(120, 180), []float64{100, 200}},
		{logTicks(100, 1000), []float64{100, 200, 500, 1000}},
	} {
		if !slices.EqualFunc(tt.got, tt.want, func(a, b float64) bool { return a-b < 1e-9*b+1e-12 && b-a < 1e-9*b+1e-12 }) {
			t.Errorf("ticks = %v; want %v", tt.got, tt.want)
		}
	}
}

func TestSpread(t *testing.T) {
	at := []float64{100, 101, 300, 99, 398}
	got := spread(at, 17, 0, 400)
	order := []int{3, 0, 1, 2, 4}
	for k := 1; k < len(order); k++ {
		if d := got[order[k]] - got[order[k-1]]; d < 16.9 {
			t.Errorf("spread(%v) = %v; labels %d and %d are %v apart", at, got, order[k-1], order[k], d)
		}
	}
	if got[2] != 300 {
		t.Errorf("spread moved a label that had room to %v", got[2])
	}
}
