package spec

import (
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
