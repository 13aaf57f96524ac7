//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
)

// A limitKind is one of the kernel's limits, and how its values are written.
type limitKind struct {
	name     string
	resource int
	unit     limitUnit
}

// A limitUnit is what a limit counts: the suffixes it takes, and their worth.
type limitUnit map[string]uint64

var (
	inBytes = limitUnit{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
	inCount = limitUnit{"": 1}
	// RLIMIT_CPU is in seconds, RLIMIT_RTTIME in microseconds.
	inSeconds      = limitUnit{"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
	inMicroseconds = limitUnit{"": 1, "us": 1, "ms": 1e3, "s": uint64(time.Second / time.Microsecond)}
)

// limitKinds are all limits of getrlimit(2), by prlimit(1)'s names.
var limitKinds = []limitKind{
	{"as", unix.RLIMIT_AS, inBytes},
	{"core", unix.RLIMIT_CORE, inBytes},
	{"cpu", unix.RLIMIT_CPU, inSeconds},
	{"data", unix.RLIMIT_DATA, inBytes},
	{"fsize", unix.RLIMIT_FSIZE, inBytes},
	{"locks", unix.RLIMIT_LOCKS, inCount},
	{"memlock", unix.RLIMIT_MEMLOCK, inBytes},
	{"msgqueue", unix.RLIMIT_MSGQUEUE, inBytes},
	{"nice", unix.RLIMIT_NICE, inCount},
	{"nofile", unix.RLIMIT_NOFILE, inCount},
	{"nproc", unix.RLIMIT_NPROC, inCount},
	{"rss", unix.RLIMIT_RSS, inBytes},
	{"rtprio", unix.RLIMIT_RTPRIO, inCount},
	{"rttime", unix.RLIMIT_RTTIME, inMicroseconds},
	{"sigpending", unix.RLIMIT_SIGPENDING, inCount},
	{"stack", unix.RLIMIT_STACK, inBytes},
}

// An rlimit is the value of --rlimit.
type rlimit sprog.Rlimit

func (r *rlimit) Decode(ctx *kong.DecodeContext) error {
	s, err := decode(ctx)
	if err != nil {
		return err
	}
	limit, err := parseRlimit(s)
	*r = rlimit(limit)
	return err
}

// parseRlimit parses NAME=SOFT[:HARD].
func parseRlimit(s string) (sprog.Rlimit, error) {
	var limit sprog.Rlimit
	name, values, ok := strings.Cut(s, "=")
	if !ok {
		return limit, fmt.Errorf("%q is not NAME=SOFT[:HARD]", s)
	}
	kind := slices.IndexFunc(limitKinds, func(k limitKind) bool {
		return k.name == strings.TrimPrefix(strings.ToLower(name), "rlimit_")
	})
	if kind < 0 {
		return limit, fmt.Errorf("%q is not a limit: %s", name, limitNames())
	}
	soft, hard, both := strings.Cut(values, ":")
	if !both {
		hard = soft
	}
	var err1, err2 error
	limit.Resource = limitKinds[kind].resource
	limit.Cur, err1 = limitKinds[kind].unit.parse(soft)
	limit.Max, err2 = limitKinds[kind].unit.parse(hard)
	if err := cmp.Or(err1, err2); err != nil {
		return limit, fmt.Errorf("%s: %w", s, err)
	}
	if limit.Cur > limit.Max {
		return limit, fmt.Errorf("%s: the soft limit is above the hard one", s)
	}
	return limit, nil
}

// parse parses one value: a number with one of the unit's suffixes, or
// unlimited.
func (u limitUnit) parse(s string) (uint64, error) {
	switch s {
	case "unlimited", "infinity":
		return sprog.RlimitInfinity, nil
	case "":
		return 0, errors.New("a limit is missing")
	}
	digits := strings.TrimRight(s, "KMGTkmgtsuhd")
	suffix := s[len(digits):]
	factor, ok := u[suffix]
	if !ok {
		factor, ok = u[strings.ToUpper(suffix)]
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || !ok {
		return 0, fmt.Errorf("%q is not %s", s, u)
	}
	over, product := bits.Mul64(n, factor)
	if over != 0 || product == sprog.RlimitInfinity {
		return 0, fmt.Errorf("%q is too large; say unlimited", s)
	}
	return product, nil
}

// String says what a value looks like.
func (u limitUnit) String() string {
	suffixes := slices.SortedFunc(maps.Keys(u), func(a, b string) int { return int(u[a]) - int(u[b]) })
	if len(suffixes) == 1 {
		return "a number or unlimited"
	}
	return fmt.Sprintf("a number, with one of %s if need be, or unlimited", strings.Join(suffixes[1:], " "))
}

// limitNames lists the limits.
func limitNames() string {
	names := make([]string, len(limitKinds))
	for i, k := range limitKinds {
		names[i] = k.name
	}
	return strings.Join(names, ", ")
}
