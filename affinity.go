package sprog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/spec"
)

// ParseCPUList parses a list of CPUs, or of NUMA nodes, as taskset(1) and the
// kernel write it: numbers and ranges, separated by commas, such as "0-3,8". A
// range with a stride, "0-10:2", is every second number. The result
// is in the order of the list, without repetitions.
func ParseCPUList(s string) ([]int, error) {
	var list []int
	seen := map[int]bool{}
	for part := range strings.SplitSeq(s, ",") {
		first, last, stride, ok := parseCPURange(strings.TrimSpace(part))
		if !ok {
			return nil, fmt.Errorf("%q is not a list such as 0-3,8 or 0-10:2", s)
		}
		if last >= spec.MostCPUs {
			return nil, fmt.Errorf("%d is beyond what any kernel has, %d", last, spec.MostCPUs-1)
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
