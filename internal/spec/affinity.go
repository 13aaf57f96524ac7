package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// MostCPUs is more than any kernel is built for.
const MostCPUs = 8192

// FormatCPUList writes a sorted list with ranges.
func FormatCPUList(list []int) string {
	var parts []string
	for i := 0; i < len(list); i++ {
		first := i
		for i+1 < len(list) && list[i+1] <= list[i]+1 {
			i++
		}
		one := strconv.Itoa(list[first])
		if list[i] > list[first] {
			one += "-" + strconv.Itoa(list[i])
		}
		parts = append(parts, one)
	}
	return strings.Join(parts, ",")
}

// ParseCPUList reads a list as FormatCPUList writes it, with strides too.
func ParseCPUList(s string) ([]int, error) {
	var list []int
	seen := map[int]bool{}
	for part := range strings.SplitSeq(s, ",") {
		first, last, stride, ok := parseCPURange(strings.TrimSpace(part))
		if !ok {
			return nil, fmt.Errorf("%q is not a list such as 0-3,8 or 0-10:2", s)
		}
		if last >= MostCPUs {
			return nil, fmt.Errorf("%d is beyond what any kernel has, %d", last, MostCPUs-1)
		}
		for n := first; n <= last; n += stride {
			if !seen[n] {
				seen[n] = true
				list = append(list, n)
			}
		}
	}
	return list, nil
}

// parseCPURange parses N, N-M or N-M:STRIDE.
func parseCPURange(s string) (first, last, stride int, ok bool) {
	parse := func(s string) int {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return -1
		}
		return int(n)
	}
	from, to, isRange := strings.Cut(s, "-")
	first, stride = parse(from), 1
	if !isRange {
		return first, first, stride, first >= 0
	}
	to, step, strides := strings.Cut(to, ":")
	last = parse(to)
	if strides {
		stride = parse(step)
	}
	return first, last, stride, first >= 0 && last >= first && stride > 0
}
