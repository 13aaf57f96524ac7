//go:build amd64 || arm64

package launch

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/userns"
)

// A delegation is the ids that subuid(5) or subgid(5) give to a user.
type delegation struct {
	File, User string
	Ranges     []userns.IDRange
}

func (d delegation) String() string {
	list := make([]string, len(d.Ranges))
	for i, r := range d.Ranges {
		list[i] = r.String()
	}
	if len(list) == 0 {
		list = []string{"nothing"}
	}
	return d.File + " delegates " + strings.Join(list, ", ") + " to " + d.User
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
	d = delegation{File: file, User: cmp.Or(login, "uid "+uid)}
	text, err := readTable(file)
	if err != nil && !os.IsNotExist(err) {
		return d, err
	}
	for line := range strings.Lines(text) {
		if owner, ids, ok := parseSubID(line); ok && (owner == uid || owner == login) {
			d.Ranges = append(d.Ranges, ids)
		}
	}
	return d, nil
}

// parseSubID parses a line "owner:first:count". Others, such as comments, are
// passed over, as shadow does.
func parseSubID(line string) (owner string, ids userns.IDRange, ok bool) {
	parts := strings.Split(line, ":")
	if len(parts) != 3 || parts[0] == "" || strings.HasPrefix(parts[0], "#") {
		return "", userns.IDRange{}, false
	}
	first, err := strconv.ParseUint(parts[1], 10, 32)
	size, err2 := strconv.ParseUint(strings.TrimRight(parts[2], " \t\r\n"), 10, 32)
	if err != nil || err2 != nil || size == 0 || first+size > 1<<32-1 {
		return "", userns.IDRange{}, false
	}
	return parts[0], userns.IDRange{First: int(first), Size: int(size)}, true
}

// Covers reports whether all ids are delegated, by one range or by several
// that adjoin.
func (d delegation) Covers(ids userns.IDRange) bool {
	return len(userns.Without([]userns.IDRange{ids}, d.Ranges)) == 0
}

// mapSubordinate adds lines for the subordinate ids that none of the lines
// maps already.
func mapSubordinate(how spec.SubordinateIDs, lines []syscall.SysProcIDMap, ranges []userns.IDRange) []syscall.SysProcIDMap {
	all := slices.Clone(lines)
	ranges = userns.Without(ranges, userns.OutsideOf(lines))
	if how == spec.SubordinateIDsSame {
		for _, r := range userns.Without(ranges, userns.InsideOf(lines)) {
			all = append(all, syscall.SysProcIDMap{ContainerID: r.First, HostID: r.First, Size: r.Size})
		}
		return all
	}
	const allIDs = 1<<32 - 1
	free := userns.Without([]userns.IDRange{{First: 0, Size: allIDs}}, userns.InsideOf(lines))
	for _, r := range ranges {
		for r.Size > 0 && len(free) > 0 {
			n := min(r.Size, free[0].Size)
			all = append(all, syscall.SysProcIDMap{ContainerID: free[0].First, HostID: r.First, Size: n})
			r = userns.IDRange{First: r.First + n, Size: r.Size - n}
			if free[0] = (userns.IDRange{First: free[0].First + n, Size: free[0].Size - n}); free[0].Size == 0 {
				free = free[1:]
			}
		}
	}
	return all
}
