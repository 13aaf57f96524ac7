//go:build linux

package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sprog-dev/sprog"
)

// The schedFlags are about processors and memory.
type schedFlags struct {
	Nice          *niceValue   `placeholder:"N" help:"Nice value, from -20 to 19."`
	Sched         *schedPolicy `placeholder:"POLICY[:PRIO]" values:"policy" help:"Scheduling policy: other, batch, idle, fifo:1 to fifo:99, rr:1 to rr:99, deadline, ext."`
	SchedRuntime  duration     `placeholder:"TIME" help:"For --sched deadline: how long it may run in every period, such as 500us or 10ms."`
	SchedDeadline duration     `placeholder:"TIME" help:"By when it must have run that long (default: the period)."`
	SchedPeriod   duration     `placeholder:"TIME" help:"The period (default: the deadline)."`
	SchedReclaim  bool         `help:"For --sched deadline: use what others leave of their bandwidth."`
	SchedOverrun  bool         `help:"For --sched deadline: get SIGXCPU when the runtime is exceeded."`
	ResetOnFork   bool         `help:"Children of the program start with the policy other. Needs --sched."`
	UclampMin     *utilClamp   `placeholder:"N|reset" help:"Take the program's use of a CPU to be at least this, from 0 to 1024."`
	UclampMax     *utilClamp   `placeholder:"N|reset" help:"And at most this."`
	CPUs          cpuList      `name:"cpus" placeholder:"LIST" help:"Run on these CPUs, such as 0-3,8 or 0-10:2. A CPU that is not available is an error."`
	NUMA          *numaPolicy  `name:"numa" placeholder:"POLICY[:NODES]" values:"numa" help:"Memory from these nodes: bind, preferred, preferred-many, interleave, weighted-interleave, with =static or =relative if need be, as in bind=static:0-1; or local, or default."`
	IONice        *ioNice      `name:"ionice" placeholder:"CLASS[:LEVEL]" values:"class" help:"I/O priority: realtime or best-effort, with a level from 0, the highest, to 7 (default: 4), or idle."`
	OOMScoreAdj   *oomScore    `name:"oom-score-adj" placeholder:"N" help:"How soon the kernel kills it when memory is short: from 1000 to -1000, which is never."`
	TimerSlack    duration     `placeholder:"TIME" help:"How late timers may wake it, such as 1ms."`
	CoreSched     *coreSched   `placeholder:"new|PID" help:"Share cores only with itself and its descendants, or with the group of process PID."`
	NoTHP         bool         `name:"no-thp" xor:"thp" help:"No transparent huge pages."`
	AdvisedTHP    bool         `name:"no-thp-except-advised" xor:"thp" help:"None but those that the program asks for by madvise(2)."`
	MemoryMerge   bool         `help:"Let the kernel merge pages that are alike with those of others that allow it (KSM)."`
	Coredump      *coreMaps    `name:"coredump-filter" placeholder:"KIND,..." values:"mapping" help:"What a core file has: a number, or anonymous-private, anonymous-shared, mapped-private, mapped-shared, elf-headers, huge-private, huge-shared, dax-private, dax-shared, default or all. An empty list means nothing but registers."`
	MDWE          bool         `name:"mdwe" help:"No memory that is writable and executable (memory-deny-write-execute)."`
}

// setSched fills in the attributes.
func (f *schedFlags) setSched(attr *sprog.Attr) error {
	var err error
	if attr.Scheduler, err = f.scheduler(); err != nil {
		return err
	}
	attr.Nice, attr.OOMScoreAdj = (*int)(f.Nice), (*int)(f.OOMScoreAdj)
	attr.CPUs, attr.NUMA, attr.IOPriority = f.CPUs, (*sprog.NUMA)(f.NUMA), (*sprog.IOPriority)(f.IONice)
	attr.TimerSlack, attr.CoreSched, attr.MDWE = time.Duration(f.TimerSlack), (*sprog.CoreSched)(f.CoreSched), f.MDWE
	attr.MemoryMerge, attr.CoredumpFilter = f.MemoryMerge, (*sprog.CoredumpFilter)(f.Coredump)
	switch {
	case f.NoTHP:
		attr.THPDisable = sprog.THPDisableCompletely
	case f.AdvisedTHP:
		attr.THPDisable = sprog.THPDisableExceptAdvised
	}
	return nil
}

func (f *schedFlags) scheduler() (*sprog.Scheduler, error) {
	s := sprog.Scheduler{
		Runtime: time.Duration(f.SchedRuntime), Deadline: time.Duration(f.SchedDeadline), Period: time.Duration(f.SchedPeriod),
		Reclaim: f.SchedReclaim, Overrun: f.SchedOverrun, ResetOnFork: f.ResetOnFork,
		UtilMin: (*int)(f.UclampMin), UtilMax: (*int)(f.UclampMax),
	}
	if f.Sched != nil {
		s.Policy, s.Priority = f.Sched.name, f.Sched.priority
	}
	ofDeadline := s.Runtime != 0 || s.Deadline != 0 || s.Period != 0 || s.Reclaim || s.Overrun
	switch isDeadline := s.Policy == sprog.SchedDeadline; {
	case s == sprog.Scheduler{}:
		return nil, nil
	case s.ResetOnFork && f.Sched == nil:
		return nil, errors.New("add --sched: --reset-on-fork says what its children get")
	case ofDeadline && !isDeadline:
		return nil, mistake("add --sched deadline: no other policy takes {--sched-runtime --sched-deadline --sched-period --sched-reclaim --sched-overrun}")
	case isDeadline && (s.Runtime == 0 || s.Deadline == 0 && s.Period == 0):
		return nil, errors.New("add --sched-runtime, and --sched-deadline or --sched-period: --sched deadline needs them")
	}
	return &s, nil
}

// A duration is a length of time above zero. A unit must be given: what chrt(1)
// takes are nanoseconds, and what timeout(1) takes seconds.
type duration time.Duration

func (d *duration) Set(s string) error { return decodeTo(s, d, parseDuration) }

func parseDuration(s string) (duration, error) {
	t, err := time.ParseDuration(s)
	if err != nil || t <= 0 {
		return 0, fmt.Errorf("%q is not a time above zero and below 292 years with a unit: ns, us, ms or s", s)
	}
	return duration(t), nil
}

// intWithin parses a whole number from least to most.
func intWithin(least, most int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return 0, fmt.Errorf("%q is not a number from %d to %d", s, least, most)
		}
		return n, nil
	}
}

type niceValue int

func (n *niceValue) Set(s string) error {
	return decodeTo(s, (*int)(n), intWithin(-20, 19))
}

type oomScore int

func (n *oomScore) Set(s string) error {
	return decodeTo(s, (*int)(n), intWithin(-1000, 1000))
}

// A schedPolicy is a policy with its priority.
type schedPolicy struct {
	name     sprog.SchedPolicy
	priority int
}

func schedPolicies() map[string]sprog.SchedPolicy {
	return map[string]sprog.SchedPolicy{
		"other": sprog.SchedOther, "batch": sprog.SchedBatch, "idle": sprog.SchedIdle, "fifo": sprog.SchedFIFO,
		"rr": sprog.SchedRR, "deadline": sprog.SchedDeadline, "ext": sprog.SchedExt,
	}
}

func (p *schedPolicy) Set(s string) error { return decodeTo(s, p, parseSched) }

func parseSched(s string) (p schedPolicy, err error) {
	name, priority, given := strings.Cut(s, ":")
	policy, known := schedPolicies()[strings.TrimPrefix(strings.ToLower(name), "sched_")]
	p.name = policy
	switch hasPriority := policy == sprog.SchedFIFO || policy == sprog.SchedRR; {
	case !known:
		return p, fmt.Errorf("%q is not a policy: other, batch, idle, fifo, rr, deadline or ext", name)
	case hasPriority && !given:
		return p, fmt.Errorf("%s needs a priority: %s:1 to %s:99", name, name, name)
	case !hasPriority && given:
		return p, fmt.Errorf("%s has no priority", name)
	case given:
		p.priority, err = strconv.Atoi(priority)
		if err != nil || p.priority < 1 || p.priority > 99 {
			return p, fmt.Errorf("%q is not a priority from 1 to 99", priority)
		}
	}
	return p, nil
}

// A utilClamp is a clamp of the utilisation.
type utilClamp int

func (u *utilClamp) Set(s string) error { return decodeTo(s, u, parseClamp) }

func parseClamp(s string) (utilClamp, error) {
	n, err := strconv.Atoi(s)
	switch {
	case s == "reset":
		n = sprog.SchedUtilReset
	case err != nil || n < 0 || n > 1024:
		return 0, fmt.Errorf("%q is not a number from 0 to 1024, and not reset", s)
	}
	return utilClamp(n), nil
}

// A cpuList is a list of CPUs.
type cpuList []int

func (l *cpuList) Set(s string) error {
	return decodeTo(s, (*[]int)(l), sprog.ParseCPUList)
}

// A numaPolicy is written as the kernel writes one in /proc/PID/numa_maps:
// MODE[=FLAG][:NODES].
type numaPolicy sprog.NUMA

func numaModes() map[string]sprog.NUMAMode {
	return map[string]sprog.NUMAMode{
		"default": sprog.NUMADefault, "bind": sprog.NUMABind, "preferred": sprog.NUMAPreferred, "prefer": sprog.NUMAPreferred,
		"preferred-many": sprog.NUMAPreferredMany, "interleave": sprog.NUMAInterleave,
		"weighted-interleave": sprog.NUMAWeightedInterleave, "local": sprog.NUMALocal,
	}
}

func (p *numaPolicy) Set(s string) error { return decodeTo(s, p, parseNUMA) }

func parseNUMA(s string) (p numaPolicy, err error) {
	mode, nodes, hasNodes := strings.Cut(s, ":")
	name, flag, hasFlag := strings.Cut(mode, "=")
	var known bool
	p.Mode, known = numaModes()[name]
	p.StaticNodes, p.RelativeNodes = flag == "static", flag == "relative"
	switch takesNodes := p.Mode != sprog.NUMADefault && p.Mode != sprog.NUMALocal; {
	case !known:
		return p, fmt.Errorf("%q is not a policy: default, local, bind, preferred, preferred-many, interleave or weighted-interleave", name)
	case hasFlag && !p.StaticNodes && !p.RelativeNodes:
		return p, fmt.Errorf("%q is neither static nor relative", flag)
	case takesNodes && !hasNodes:
		return p, fmt.Errorf("%s needs nodes: %s:0 or %s:0-3,8", name, name, name)
	case !takesNodes && (hasNodes || hasFlag):
		return p, fmt.Errorf("%s has no nodes", name)
	case hasNodes:
		p.Nodes, err = sprog.ParseCPUList(nodes)
	}
	return p, err
}

// An ioNice is an I/O class and level, by the names or numbers of ionice(1).
type ioNice sprog.IOPriority

func ioClasses() map[string]sprog.IOClass {
	return map[string]sprog.IOClass{
		"realtime": sprog.IORealTime, "rt": sprog.IORealTime, "1": sprog.IORealTime,
		"best-effort": sprog.IOBestEffort, "be": sprog.IOBestEffort, "2": sprog.IOBestEffort,
		"idle": sprog.IOIdle, "3": sprog.IOIdle,
	}
}

func (p *ioNice) Set(s string) error { return decodeTo(s, p, parseIONice) }

func parseIONice(s string) (p ioNice, err error) {
	const usual = 4 // as the kernel derives it from a nice value of 0
	name, level, given := strings.Cut(s, ":")
	class, known := ioClasses()[name]
	p.Class = class
	switch {
	case !known:
		return p, fmt.Errorf("%q is not a class: realtime, best-effort or idle", name)
	case class == sprog.IOIdle && given:
		return p, fmt.Errorf("%s has no level", name)
	case class == sprog.IOIdle:
		return p, nil
	case !given:
		p.Level = usual
		return p, nil
	}
	p.Level, err = strconv.Atoi(level)
	if err != nil || p.Level < 0 || p.Level > 7 {
		return p, fmt.Errorf("%q is not a level from 0 to 7", level)
	}
	return p, nil
}

// A coreSched is a group of core scheduling: a new one, or that of a process.
type coreSched sprog.CoreSched

func (c *coreSched) Set(s string) error {
	if s == "new" {
		return nil
	}
	pid, err := parseNumber(s)
	if err != nil || pid == 0 {
		return fmt.Errorf("%q is neither new nor a pid", s)
	}
	c.ShareFrom = pid
	return nil
}
