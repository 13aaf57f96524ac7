//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// An idRange is ids that follow each other.
type idRange struct{ first, size int }

func (r idRange) end() int { return r.first + r.size }

func (r idRange) String() string {
	if r.size == 1 {
		return strconv.Itoa(r.first)
	}
	return strconv.Itoa(r.first) + "-" + strconv.Itoa(r.end()-1)
}

// A delegation is the ids that subuid(5) or subgid(5) give to a user.
type delegation struct {
	file, user string
	ranges     []idRange
}

func (d delegation) String() string {
	list := make([]string, len(d.ranges))
	for i, r := range d.ranges {
		list[i] = r.String()
	}
	if len(list) == 0 {
		list = []string{"nothing"}
	}
	return d.file + " delegates " + strings.Join(list, ", ") + " to " + d.user
}

// readDelegation reads what a file gives to this process's real user, whom
// newuidmap(1) goes by as well, by uid or by login name. A file that does not
// exist gives nothing.
func readDelegation(file, login string) (d delegation, err error) {
	if login == "" {
		if login, err = loginName(); err != nil {
			return d, err
		}
	}
	uid := strconv.Itoa(os.Getuid())
	d = delegation{file: file, user: cmp.Or(login, "uid "+uid)}
	text, err := readTable(file)
	if err != nil && !os.IsNotExist(err) {
		return d, err
	}
	for line := range strings.Lines(text) {
		if owner, ids, ok := parseSubID(line); ok && (owner == uid || owner == login) {
			d.ranges = append(d.ranges, ids)
		}
	}
	return d, nil
}

// parseSubID parses a line "owner:first:count". Others, such as comments, are
// passed over, as shadow does.
func parseSubID(line string) (owner string, ids idRange, ok bool) {
	parts := strings.Split(line, ":")
	if len(parts) != 3 || parts[0] == "" || strings.HasPrefix(parts[0], "#") {
		return "", idRange{}, false
	}
	first, err := strconv.ParseUint(parts[1], 10, 32)
	size, err2 := strconv.ParseUint(strings.TrimRight(parts[2], " \t\r\n"), 10, 32)
	if err != nil || err2 != nil || size == 0 || first+size > 1<<32-1 {
		return "", idRange{}, false
	}
	return parts[0], idRange{int(first), int(size)}, true
}

// covers reports whether all ids are delegated, by one range or by several
// that adjoin.
func (d delegation) covers(ids idRange) bool {
	return len(without([]idRange{ids}, d.ranges)) == 0
}

// without is what is left of ranges when others are taken away.
func without(ranges, others []idRange) []idRange {
	for _, o := range others {
		var left []idRange
		for _, r := range ranges {
			if r.end() <= o.first || o.end() <= r.first {
				left = append(left, r)
				continue
			}
			if r.first < o.first {
				left = append(left, idRange{r.first, o.first - r.first})
			}
			if o.end() < r.end() {
				left = append(left, idRange{o.end(), r.end() - o.end()})
			}
		}
		ranges = left
	}
	return ranges
}

// insideOf and outsideOf are the ids that a map is about.
func insideOf(lines []syscall.SysProcIDMap) (ids []idRange) {
	for _, m := range lines {
		ids = append(ids, idRange{m.ContainerID, m.Size})
	}
	return ids
}

func outsideOf(lines []syscall.SysProcIDMap) (ids []idRange) {
	for _, m := range lines {
		ids = append(ids, idRange{m.HostID, m.Size})
	}
	return ids
}

// mapSubordinate adds lines for the subordinate ids that none of the lines
// maps already.
func mapSubordinate(how SubordinateIDs, lines []syscall.SysProcIDMap, ranges []idRange) []syscall.SysProcIDMap {
	all := slices.Clone(lines)
	ranges = without(ranges, outsideOf(lines))
	if how == SubordinateIDsSame {
		for _, r := range without(ranges, insideOf(lines)) {
			all = append(all, syscall.SysProcIDMap{ContainerID: r.first, HostID: r.first, Size: r.size})
		}
		return all
	}
	const allIDs = 1<<32 - 1
	free := without([]idRange{{0, allIDs}}, insideOf(lines))
	for _, r := range ranges {
		for r.size > 0 && len(free) > 0 {
			n := min(r.size, free[0].size)
			all = append(all, syscall.SysProcIDMap{ContainerID: free[0].first, HostID: r.first, Size: n})
			r = idRange{r.first + n, r.size - n}
			if free[0] = (idRange{free[0].first + n, free[0].size - n}); free[0].size == 0 {
				free = free[1:]
			}
		}
	}
	return all
}
