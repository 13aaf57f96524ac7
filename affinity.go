package sprog

import "github.com/sprog-dev/sprog/internal/spec"

// ParseCPUList parses a list of CPUs, or of NUMA nodes, as taskset(1) and the
// kernel write it: numbers and ranges, separated by commas, such as "0-3,8". A
// range with a stride, "0-10:2", is every second number. The result
// is in the order of the list, without repetitions.
func ParseCPUList(s string) ([]int, error) { return spec.ParseCPUList(s) }
