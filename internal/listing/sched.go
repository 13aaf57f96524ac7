package listing

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

// How calls about scheduling and memory placement are printed.

func priorityWhich(l *line, n int) {
	l.enum(n, names{0: "PRIO_PROCESS", 1: "PRIO_PGRP", 2: "PRIO_USER"})
}

func ioprioWho(l *line, n int) {
	l.enum(n, names{1: "IOPRIO_WHO_PROCESS", 2: "IOPRIO_WHO_PGRP", 3: "IOPRIO_WHO_USER"})
}

func mempolicy(v uint64) string {
	return names{
		0: "MPOL_DEFAULT", 1: "MPOL_PREFERRED", 2: "MPOL_BIND", 3: "MPOL_INTERLEAVE",
		4: "MPOL_LOCAL", 5: "MPOL_PREFERRED_MANY", 6: "MPOL_WEIGHTED_INTERLEAVE",
	}.of(v)
}

func schedPolicy(v uint32) string {
	return names{
		0: "SCHED_OTHER", 1: "SCHED_FIFO", 2: "SCHED_RR", 3: "SCHED_BATCH",
		5: "SCHED_IDLE", 6: "SCHED_DEADLINE", 7: "SCHED_EXT",
	}.of(uint64(v))
}

var schedFlags = []flag{
	{1, "SCHED_FLAG_RESET_ON_FORK"}, {2, "SCHED_FLAG_RECLAIM"}, {4, "SCHED_FLAG_DL_OVERRUN"},
	{schedKeepAll, "SCHED_FLAG_KEEP_ALL"}, {0x20, "SCHED_FLAG_UTIL_CLAMP_MIN"}, {0x40, "SCHED_FLAG_UTIL_CLAMP_MAX"},
}

func ioprio(l *line, n int) {
	v := l.value(n)
	class := names{0: "IOPRIO_CLASS_NONE", 1: "IOPRIO_CLASS_RT", 2: "IOPRIO_CLASS_BE", 3: "IOPRIO_CLASS_IDLE"}.of(v >> 13)
	l.WriteString("IOPRIO_PRIO_VALUE(" + class + ", " + strconv.FormatUint(v&0x1fff, 10) + ")")
}

// cpuMask prints a mask of CPUs whose size is the argument before.
func cpuMask(l *line, n int) { l.mask(n, 8*l.value(n-1)) }

// nodeMask prints a mask of nodes. The argument after it is one more than the
// number of its bits.
func nodeMask(l *line, n int) {
	if !l.null(n) {
		l.mask(n, l.value(n+1))
	}
}

// mask prints the numbers of the bits that are set, as the kernel's lists have
// them.
func (l *line) mask(n int, bits uint64) {
	isSet := func(i int) bool { return uint64(i) < bits && l.word(n, i/64)>>(i%64)&1 != 0 }
	end := 8 * len(l.p.BytesAt(l.s.Args[n], bits/8+8))
	var list []string
	for i := 0; i < end; i++ {
		if !isSet(i) {
			continue
		}
		first := i
		for isSet(i + 1) {
			i++
		}
		one := strconv.Itoa(first)
		if i > first {
			one += "-" + strconv.Itoa(i)
		}
		list = append(list, one)
	}
	l.WriteString("[" + strings.Join(list, ",") + "]")
}

func mempolicyMode(l *line, n int) {
	const staticNodes, relativeNodes = 1 << 15, 1 << 14
	v := l.value(n)
	l.WriteString(mempolicy(v &^ (staticNodes | relativeNodes)))
	if v&staticNodes != 0 {
		l.WriteString("|MPOL_F_STATIC_NODES")
	}
	if v&relativeNodes != 0 {
		l.WriteString("|MPOL_F_RELATIVE_NODES")
	}
}

// scheduled is what a sched_setattr sets: a policy, or the flags that say what
// else.
func scheduled(p *program.Program, s *program.Step) string {
	l := line{p: p, s: s}
	if flags := l.word(1, 1); flags&schedKeepPolicy != 0 {
		return flagNames(flags&^schedKeepAll, schedFlags)
	}
	return schedPolicy(l.uint32(1, 1))
}

const (
	schedKeepPolicy = 0x8
	schedKeepAll    = 0x18
)

// schedAttr prints a struct sched_attr, with those of its members that the
// policy and the flags give a meaning.
func schedAttr(l *line, n int) {
	if l.null(n) {
		return
	}
	const clampMin, clampMax = 0x20, 0x40
	policy, flags := l.uint32(n, 1), l.word(n, 1)
	l.WriteString("{")
	if flags&schedKeepPolicy == 0 {
		l.WriteString("sched_policy=" + schedPolicy(policy) + ", ")
	}
	l.WriteString("sched_flags=" + flagNames(flags, schedFlags))
	if nice := labelAt(l.p, program.Arg{Kind: l.s.Args[n].Kind, Value: l.s.Args[n].Value + 16}); nice != "" {
		l.WriteString(", sched_nice=" + nice)
	}
	for _, member := range []struct {
		name  string
		shown bool
		value uint64
	}{
		{"sched_priority", l.uint32(n, 5) != 0, uint64(l.uint32(n, 5))},
		{"sched_runtime", l.word(n, 3) != 0, l.word(n, 3)},
		{"sched_deadline", l.word(n, 4) != 0, l.word(n, 4)},
		{"sched_period", l.word(n, 5) != 0, l.word(n, 5)},
	} {
		if member.shown {
			l.WriteString(", " + member.name + "=" + strconv.FormatUint(member.value, 10))
		}
	}
	if flags&clampMin != 0 {
		l.WriteString(", sched_util_min=" + strconv.Itoa(int(int32(l.uint32(n, 12)))))
	}
	if flags&clampMax != 0 {
		l.WriteString(", sched_util_max=" + strconv.Itoa(int(int32(l.uint32(n, 13)))))
	}
	l.WriteString("}")
}
