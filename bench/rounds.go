package main

import (
	"slices"
	"time"
)

// A sample is what was measured of one contender in one situation.
type sample struct {
	Contender string  `json:"contender"`
	Variant   string  `json:"variant,omitempty"` // "NEWUSER", "captured", or plain
	X         float64 `json:"x"`                 // goroutines, bytes of memory, open files ...

	Starts    int     `json:"starts"`
	P50       float64 `json:"p50_ns"`
	P99       float64 `json:"p99_ns"`
	PerSecond float64 `json:"starts_per_second"`
	Allocs    float64 `json:"allocs_per_start"`
	Bytes     float64 `json:"bytes_per_start"`

	latency []int64
	p50s    []float64 // of each round
	rates   []float64 // of each round
}

// add takes in one batch. The limit's mallocs are those of the benchmark.
func (s *sample) add(starts int, elapsed time.Duration, latency []int64, mallocs, bytes uint64) {
	s.Starts += starts
	s.Allocs += float64(mallocs)
	s.Bytes += float64(bytes)
	s.latency = append(s.latency, latency...)
	s.p50s = append(s.p50s, median(latency))
	s.rates = append(s.rates, float64(starts)/elapsed.Seconds())
}

// finish computes the figures from what has been added.
func (s *sample) finish() {
	slices.Sort(s.latency)
	s.P50 = float64(quantile(s.latency, 0.50))
	s.P99 = float64(quantile(s.latency, 0.99))
	s.PerSecond = median(s.rates)
	if s.Starts > 0 {
		s.Allocs /= float64(s.Starts)
		s.Bytes /= float64(s.Starts)
	}
}

// A ratio compares two samples: by the median of the rounds' ratios, and by
// the overall figures.
type ratio struct{ rounds, overall float64 }

func (r ratio) String() string {
	if r.rounds == 0 {
		return "-"
	}
	return significant(r.rounds) + " (" + significant(r.overall) + ")"
}

// latencyRatio is how many times as long a's starts take as b's (p50).
func latencyRatio(a, b *sample) ratio {
	if a == nil || b == nil || b.P50 == 0 {
		return ratio{}
	}
	return ratio{medianRatio(a.p50s, b.p50s), a.P50 / b.P50}
}

// rateRatio is how many times as many starts a made per second as b.
func rateRatio(a, b *sample) ratio {
	if a == nil || b == nil || b.PerSecond == 0 {
		return ratio{}
	}
	return ratio{medianRatio(a.rates, b.rates), a.PerSecond / b.PerSecond}
}

// samples finds a contender's samples.
type samples []*sample

func (ss samples) find(contender, variant string, x float64) *sample {
	for _, s := range ss {
		if s.Contender == contender && s.Variant == variant && s.X == x {
			return s
		}
	}
	return nil
}

// flatness is the worst ratio of a contender's p50 to its p50 at the first of
// the given places.
func (ss samples) flatness(contender, variant string, xs []float64) float64 {
	first := ss.find(contender, variant, xs[0])
	var worst float64
	for _, x := range xs {
		worst = max(worst, latencyRatio(ss.find(contender, variant, x), first).rounds)
	}
	return worst
}

// turns is the order in which n batches run in a round. Over 2n rounds every
// batch gets every place twice, once with the others behind it in order and
// once in reverse, so that none always follows the same other one.
func turns(round, n int) []int {
	order := make([]int, n)
	for i := range order {
		if round/n%2 == 0 {
			order[i] = (round + i) % n
		} else {
			order[i] = ((round-i)%n + n) % n
		}
	}
	return order
}

// upTo cuts a rising list off at most, and ends it with most itself if that
// leaves much room.
func upTo(xs []float64, most float64) []float64 {
	for i, x := range xs {
		if x <= most {
			continue
		}
		xs = slices.Clone(xs[:i])
		if most >= 1 && (i == 0 || most >= 1.5*xs[i-1]) {
			xs = append(xs, most)
		}
		break
	}
	return xs
}
