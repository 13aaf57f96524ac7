//go:build amd64 || arm64

// Package userns has what user namespaces are about: ranges of ids, and maps of them.
package userns

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/sprog-dev/sprog/internal/plain"
)

// An IDRange is ids that follow each other.
type IDRange struct{ First, Size int }

func (r IDRange) end() int { return r.First + r.Size }

func (r IDRange) String() string {
	if r.Size == 1 {
		return strconv.Itoa(r.First)
	}
	return strconv.Itoa(r.First) + "-" + strconv.Itoa(r.end()-1)
}

// Without is what is left of ranges when others are taken away.
func Without(ranges, others []IDRange) []IDRange {
	for _, o := range others {
		var left []IDRange
		for _, r := range ranges {
			if r.end() <= o.First || o.end() <= r.First {
				left = append(left, r)
				continue
			}
			if r.First < o.First {
				left = append(left, IDRange{r.First, o.First - r.First})
			}
			if o.end() < r.end() {
				left = append(left, IDRange{o.end(), r.end() - o.end()})
			}
		}
		ranges = left
	}
	return ranges
}

// InsideOf are the ids of the new namespace that a map is about.
func InsideOf(lines []syscall.SysProcIDMap) (ids []IDRange) {
	for _, m := range lines {
		ids = append(ids, IDRange{m.ContainerID, m.Size})
	}
	return ids
}

// OutsideOf are the ids of the namespace above that a map is about.
func OutsideOf(lines []syscall.SysProcIDMap) (ids []IDRange) {
	for _, m := range lines {
		ids = append(ids, IDRange{m.HostID, m.Size})
	}
	return ids
}

// OwnMap is the ids that exist in the user namespace of this process, or nil if
// that is not known.
func OwnMap(file string) []IDRange {
	text, err := plain.Read(file)
	if err != nil {
		return nil
	}
	ids := []IDRange{}
	for line := range strings.Lines(text) {
		if w := strings.Fields(line); len(w) == 3 {
			first, _ := strconv.Atoi(w[0])
			size, _ := strconv.Atoi(w[2])
			ids = append(ids, IDRange{first, size})
		}
	}
	return ids
}

// Has reports whether an id is in one of the ranges.
func Has(ids []IDRange, id int) bool { return len(Without([]IDRange{{id, 1}}, ids)) == 0 }
