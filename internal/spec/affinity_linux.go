//go:build amd64 || arm64

package spec

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/terms"
)

func (r *Start) checkCPUs() *Error {
	cpus := r.Attr.CPUs
	switch {
	case cpus == nil:
		return nil
	case len(cpus) == 0:
		return Invalid("Attr.CPUs", "", "is a list of no CPUs")
	}
	return checkNumbers("Attr.CPUs", cpus, MostCPUs)
}

// checkNumbers looks at the numbers of CPUs or nodes.
func checkNumbers(field string, list []int, most int) *Error {
	for i, n := range list {
		if n < 0 || n >= most {
			return Invalid(Index(field, i), strconv.Itoa(n), terms.Sprintf("is not from 0 to %s", most-1))
		}
	}
	return nil
}
