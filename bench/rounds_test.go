package main

import (
	"slices"
	"testing"
	"time"
)

func TestTurns(t *testing.T) {
	const n = 4
	first, pairs := map[int]int{}, map[[2]int]int{}
	for round := range 2 * n {
		order := turns(round, n)
		first[order[0]]++
		pairs[[2]int{order[0], order[1]}]++
		if got := slices.Sorted(slices.Values(order)); !slices.Equal(got, []int{0, 1, 2, 3}) {
			t.Errorf("turns(%d, %d) = %v; not a permutation", round, n, order)
		}
	}
	for i := range n {
		if first[i] != 2 {
			t.Errorf("%d begins %d of %d rounds; want 2", i, first[i], 2*n)
		}
	}
	if len(pairs) != 2*n {
		t.Errorf("rounds begin with the pairs %v; want %d different ones", pairs, 2*n)
	}
}

// measured is a sample with one round for each latency.
func measured(contender string, x float64, latencies ...int64) *sample {
	s := &sample{Contender: contender, X: x}
	for _, l := range latencies {
		s.add(2, time.Duration(2*l), []int64{l, l}, 6, 100)
	}
	s.finish()
	return s
}

func TestSample(t *testing.T) {
	s := measured("sprog", 1, 1000, 3000, 2000)
	if s.Starts != 6 || s.P50 != 2000 || s.P99 != 3000 || s.PerSecond != 5e5 || s.Allocs != 3 || s.Bytes != 50 {
		t.Errorf("sample = %+v", s)
	}
}

func TestRatios(t *testing.T) {
	ss := samples{
		measured("sprog", 0, 100, 200, 300),
		measured("sprog", 1, 120, 180, 390),
		measured("os/exec", 0, 200, 400, 600),
	}
	sprog, exec := ss.find("sprog", "", 0), ss.find("os/exec", "", 0)
	if got := latencyRatio(sprog, exec).String(); got != "0.50 (0.50)" {
		t.Errorf("latencyRatio = %s; want 0.50 (0.50)", got)
	}
	if got := rateRatio(sprog, exec).String(); got != "2.00 (2.00)" {
		t.Errorf("rateRatio = %s; want 2.00 (2.00)", got)
	}
	if got := latencyRatio(sprog, ss.find("limit", "", 0)).String(); got != "-" {
		t.Errorf("latencyRatio without a limit = %s; want -", got)
	}
	if got := ss.flatness("sprog", "", []float64{0, 1}); got != 1.2 {
		t.Errorf("flatness = %v; want 1.2", got)
	}
	if got := ss.flatness("limit", "", []float64{0, 1}); got != 0 {
		t.Errorf("flatness of nothing = %v; want 0", got)
	}
}

func TestAim(t *testing.T) {
	for _, tt := range []struct {
		aim  aim
		want string
	}{
		{aim{What: "p50", Most: 0.6, Got: 0.55}, "p50 ≤ 0.6: measured 0.55, met"},
		{aim{What: "p50", Most: 0.6, Got: 0.61}, "p50 ≤ 0.6: measured 0.61, MISSED"},
		{aim{What: "rate", Least: 2.5, Got: 2.6}, "rate ≥ 2.5: measured 2.60, met"},
		{aim{What: "rate", Least: 2.5, Got: 2.4}, "rate ≥ 2.5: measured 2.40, MISSED"},
		{aim{What: "rate", Least: 2.5}, "rate ≥ 2.5: not measured"},
	} {
		if got := tt.aim.String(); got != tt.want {
			t.Errorf("String() = %q; want %q", got, tt.want)
		}
	}
}

func TestUpTo(t *testing.T) {
	xs := []float64{10, 100, 1000}
	for _, tt := range []struct {
		most float64
		want []float64
	}{
		{0, nil},
		{5, []float64{5}},
		{10, []float64{10}},
		{120, []float64{10, 100}},
		{500, []float64{10, 100, 500}},
		{1000, xs},
		{9999, xs},
	} {
		if got := upTo(xs, tt.most); !slices.Equal(got, tt.want) {
			t.Errorf("upTo(%v, %v) = %v; want %v", xs, tt.most, got, tt.want)
		}
	}
}
