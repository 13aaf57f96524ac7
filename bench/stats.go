package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// quantile is the nearest-rank q-quantile of sorted values, 0 if there are none.
func quantile[T int64 | float64](sorted []T, q float64) T {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank-1, 0), len(sorted)-1)]
}

// median is the middle of values in any order, the mean of the two middle
// ones if their number is even.
func median[T int64 | float64](values []T) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	mid := len(s) / 2
	if len(s)%2 == 1 {
		return float64(s[mid])
	}
	return (float64(s[mid-1]) + float64(s[mid])) / 2
}

// medianRatio is the median of a[i]/b[i].
func medianRatio(a, b []float64) float64 {
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if b[i] != 0 {
			ratios = append(ratios, a[i]/b[i])
		}
	}
	return median(ratios)
}

// duration prints nanoseconds with three significant digits.
func duration(ns float64) string {
	switch d := time.Duration(ns); {
	case ns == 0:
		return "0"
	case d < time.Millisecond:
		return significant(ns/1e3) + " µs"
	case d < time.Second:
		return significant(ns/1e6) + " ms"
	default:
		return significant(ns/1e9) + " s"
	}
}

// significant prints three significant digits, and all digits before the point.
func significant(v float64) string {
	switch {
	case v >= 99.95:
		return fmt.Sprintf("%.0f", v)
	case v >= 9.995:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// count prints a number with its thousands set apart.
func count(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// size prints bytes in binary units.
func size(v float64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	i := 0
	for ; v >= 1024 && i < len(units)-1; i++ {
		v /= 1024
	}
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return significant(v) + " " + units[i]
}
