package sprog

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// RlimitInfinity is the value of a limit that limits nothing.
const RlimitInfinity = ^uint64(0)

// A RlimitResource is what an [Rlimit] limits: one of the kernel's RLIMIT numbers.
// The zero value is RLIMIT_CPU. Constants without a type, such as unix.RLIMIT_NOFILE,
// do as well.
type RlimitResource int

// The resource limits of Linux, by getrlimit(2)'s names of them and with the units
// of their values.
const (
	RlimitCPU        RlimitResource = iota // RLIMIT_CPU: seconds of CPU time
	RlimitFsize                            // RLIMIT_FSIZE: bytes of a file that is written
	RlimitData                             // RLIMIT_DATA: bytes of data, heap included
	RlimitStack                            // RLIMIT_STACK: bytes of the stack
	RlimitCore                             // RLIMIT_CORE: bytes of a core file
	RlimitRSS                              // RLIMIT_RSS: bytes that are resident; without effect
	RlimitNproc                            // RLIMIT_NPROC: tasks of the user, threads included
	RlimitNofile                           // RLIMIT_NOFILE: one more than the highest descriptor
	RlimitMemlock                          // RLIMIT_MEMLOCK: bytes of locked memory
	RlimitAS                               // RLIMIT_AS: bytes of address space
	RlimitLocks                            // RLIMIT_LOCKS: file locks; without effect
	RlimitSigpending                       // RLIMIT_SIGPENDING: queued signals of the user
	RlimitMsgqueue                         // RLIMIT_MSGQUEUE: bytes of POSIX message queues of the user
	RlimitNice                             // RLIMIT_NICE: 20 minus the lowest nice value
	RlimitRtprio                           // RLIMIT_RTPRIO: the highest real-time priority
	RlimitRttime                           // RLIMIT_RTTIME: microseconds of real-time CPU time between two sleeps
)

// String returns the limit's name as prlimit(1) has it, such as "nofile".
func (r RlimitResource) String() string {
	if r < 0 || int(r) >= len(limitKinds) {
		return strconv.Itoa(int(r))
	}
	return limitKinds[r].name
}

// An Rlimit is one resource limit of the child; see getrlimit(2).
type Rlimit struct {
	// Resource is the limit, such as RlimitNofile.
	Resource RlimitResource
	// Cur is the soft limit, which the kernel enforces, and Max the hard
	// limit, the ceiling of the soft one. The units are those of
	// getrlimit(2): bytes, seconds, or a count. [RlimitInfinity] limits
	// nothing. Cur must not exceed Max. Raising a hard limit needs
	// CAP_SYS_RESOURCE in the initial user namespace.
	Cur, Max uint64
}

// ParseRlimit parses a limit that is written as NAME=SOFT[:HARD]; one value sets
// both. The names are those of prlimit(1): as, core, cpu, data, fsize, locks,
// memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending and
// stack, also as RLIMIT_AS and so on. A value is "unlimited" or a number, with
// a unit if need be: K, M, G or T for bytes; s, m, h or d for cpu, which counts
// seconds; us, ms or s for rttime, which counts microseconds.
func ParseRlimit(s string) (Rlimit, error) {
	name, values, ok := strings.Cut(s, "=")
	if !ok {
		return Rlimit{}, fmt.Errorf("%q is not NAME=SOFT[:HARD]", s)
	}
	resource := resourceNamed(name)
	if resource < 0 {
		return Rlimit{}, fmt.Errorf("%q is not a limit: %s", name, resourceList)
	}
	soft, hard, both := strings.Cut(values, ":")
	if !both {
		hard = soft
	}
	unit := limitKinds[resource].unit
	cur, err1 := unit.parse(soft)
	most, err2 := unit.parse(hard)
	if err := cmp.Or(err1, err2); err != nil {
		return Rlimit{}, fmt.Errorf("%s: %w", s, err)
	}
	if cur > most {
		return Rlimit{}, fmt.Errorf("%s: the soft limit is above the hard one", s)
	}
	return Rlimit{Resource: resource, Cur: cur, Max: most}, nil
}

// String returns the limit as [ParseRlimit] takes it, such as "as=2G" or
// "nofile=64:128".
func (l Rlimit) String() string {
	unit := &inCount
	if l.Resource >= 0 && int(l.Resource) < len(limitKinds) {
		unit = limitKinds[l.Resource].unit
	}
	s := l.Resource.String() + "=" + unit.format(l.Cur)
	if l.Cur != l.Max {
		s += ":" + unit.format(l.Max)
	}
	return s
}

// A limitKind is the name of a limit, and how its values are written.
type limitKind struct {
	name string
	unit *limitUnit
}

// A limitUnit is what a limit counts: the suffixes that it takes, from the
// smallest, and their worth.
type limitUnit []limitSuffix

type limitSuffix struct {
	name string
	size uint64
}

var (
	inCount        = limitUnit{{"", 1}}
	inBytes        = limitUnit{{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}}
	inSeconds      = limitUnit{{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}
	inMicroseconds = limitUnit{{"", 1}, {"us", 1}, {"ms", 1e3}, {"s", 1e6}}
)

// limitKinds are all limits, by the kernel's numbers.
var limitKinds = [...]limitKind{
	{"cpu", &inSeconds}, {"fsize", &inBytes}, {"data", &inBytes}, {"stack", &inBytes},
	{"core", &inBytes}, {"rss", &inBytes}, {"nproc", &inCount}, {"nofile", &inCount},
	{"memlock", &inBytes}, {"as", &inBytes}, {"locks", &inCount}, {"sigpending", &inCount},
	{"msgqueue", &inBytes}, {"nice", &inCount}, {"rtprio", &inCount}, {"rttime", &inMicroseconds},
}

const resourceList = "as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack"

// resourceNamed returns the limit of that name, or -1.
func resourceNamed(name string) RlimitResource {
	name = strings.TrimPrefix(strings.ToLower(name), "rlimit_")
	for i, k := range limitKinds {
		if k.name == name {
			return RlimitResource(i)
		}
	}
	return -1
}

// parse parses one value: a number with one of the suffixes, or unlimited.
func (u limitUnit) parse(s string) (uint64, error) {
	switch s {
	case "unlimited", "infinity":
		return RlimitInfinity, nil
	case "":
		return 0, errors.New("a limit is missing")
	}
	end := strings.LastIndexAny(s, "0123456789") + 1
	size := u.size(s[end:])
	n, err := strconv.ParseUint(s[:end], 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		size, n = 2, RlimitInfinity
	} else if err != nil || size == 0 {
		return 0, fmt.Errorf("%q is not %s", s, u)
	}
	over, product := bits.Mul64(n, size)
	if over != 0 || product == RlimitInfinity {
		return 0, fmt.Errorf("%q is too large; say unlimited", s)
	}
	return product, nil
}

// size is the worth of a suffix, in capitals or not, or 0 if there is no such.
func (u limitUnit) size(suffix string) uint64 {
	for _, one := range u {
		if strings.EqualFold(one.name, suffix) {
			return one.size
		}
	}
	return 0
}

// format writes a value with the largest suffix that divides it.
func (u limitUnit) format(v uint64) string {
	if v == RlimitInfinity {
		return "unlimited"
	}
	best := u[0]
	for _, one := range u[1:] {
		if one.size > best.size && v != 0 && v%one.size == 0 {
			best = one
		}
	}
	return strconv.FormatUint(v/best.size, 10) + best.name
}

// String says what a value looks like.
func (u limitUnit) String() string {
	if len(u) == 1 {
		return "a number or unlimited"
	}
	var names []string
	for _, one := range u[1:] {
		names = append(names, one.name)
	}
	return "a number, with one of " + strings.Join(names, " ") + " if need be, or unlimited"
}
