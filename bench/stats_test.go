package main

import "testing"

func TestQuantile(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, tt := range []struct {
		sorted []int64
		q      float64
		want   int64
	}{
		{nil, 0.5, 0},
		{[]int64{7}, 0, 7},
		{[]int64{7}, 0.99, 7},
		{[]int64{1, 2}, 0.5, 1},
		{[]int64{1, 2, 3}, 0.5, 2},
		{hundred, 0.50, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
	} {
		if got := quantile(tt.sorted, tt.q); got != tt.want {
			t.Errorf("quantile(%v, %v) = %v; want %v", tt.sorted, tt.q, got, tt.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 2, 3}, 2.5},
	} {
		if got := median(tt.values); got != tt.want {
			t.Errorf("median(%v) = %v; want %v", tt.values, got, tt.want)
		}
	}
}

func TestMedianRatio(t *testing.T) {
	// The machine was slow for both in the second round, and the divisor of
	// the last one is missing.
	if got := medianRatio([]float64{2, 20, 3, 9}, []float64{1, 10, 1, 0}); got != 2 {
		t.Errorf("medianRatio = %v; want 2", got)
	}
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{duration(0), "0"},
		{duration(72_345), "72.3 µs"},
		{duration(999_900), "1000 µs"},
		{duration(1_204_000), "1.20 ms"},
		{duration(1.0051e9), "1.01 s"},
		{significant(0.6), "0.60"},
		{significant(12.34), "12.3"},
		{significant(1234.5), "1234"},
		{count(999), "999"},
		{count(1234567), "1\u202f234\u202f567"},
		{size(0), "0 B"},
		{size(64 << 20), "64 MiB"},
		{size(1.5 * (1 << 30)), "1.50 GiB"},
		{roundLabel("10.0 ms"), "10 ms"},
		{roundLabel("1.50 ms"), "1.5 ms"},
		{roundLabel("100 µs"), "100 µs"},
		{roundLabel("0"), "0"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q; want %q", tt.got, tt.want)
		}
	}
}
