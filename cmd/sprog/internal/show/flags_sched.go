//go:build linux

package show

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

func (c *cook) scheduling() {
	has, plain := c.p.Scheduling, c.own.Scheduling
	addIf(c, "--nice", has.Nice, plain.Nice, strconv.Itoa)
	c.policy()
	addIf(c, "--uclamp-min", has.UtilMin, plain.UtilMin, strconv.Itoa)
	addIf(c, "--uclamp-max", has.UtilMax, plain.UtilMax, strconv.Itoa)
	addIf(c, "--cpus", has.CPUs, plain.CPUs, itself)
	usual := has.IOPriority != nil && *has.IOPriority == has.derivedIO()
	usualHere := plain.IOPriority != nil && *plain.IOPriority == plain.derivedIO()
	switch {
	case has.IOPriority == nil || *has.IOPriority == "none":
	case usual && (usualHere || c.all): // nobody has set it
	default:
		addIf(c, "--ionice", has.IOPriority, plain.IOPriority, itself)
	}
}

func (c *cook) policy() {
	has, plain := c.p.Scheduling, c.own.Scheduling
	key := func(s Scheduling) any {
		if s.Policy == nil {
			return nil
		}
		return [...]any{*s.Policy, s.Priority, s.Runtime, s.Deadline, s.Period, s.ResetOnFork, s.deadlineBits}
	}
	if has.Policy == nil || !c.all && key(has) == key(plain) {
		return
	}
	policy := *has.Policy
	if has.Priority != 0 {
		policy += ":" + strconv.Itoa(has.Priority)
	}
	c.add("--sched", policy)
	for _, t := range []struct {
		flag string
		ns   uint64
	}{{"--sched-runtime", has.Runtime}, {"--sched-deadline", has.Deadline}, {"--sched-period", has.Period}} {
		if t.ns != 0 {
			c.add(t.flag, nanoseconds(t.ns))
		}
	}
	for _, b := range []struct {
		flag string
		is   bool
	}{
		{"--sched-reclaim", has.deadlineBits&unix.SCHED_FLAG_RECLAIM != 0},
		{"--sched-overrun", has.deadlineBits&unix.SCHED_FLAG_DL_OVERRUN != 0}, {"--reset-on-fork", has.ResetOnFork},
	} {
		if b.is {
			c.set(b.flag)
		}
	}
}

func nanoseconds(n uint64) string { return strconv.FormatUint(n, 10) + "ns" }

// derivedIO is the I/O priority of a process that has set none (ioprio_set(2)).
func (s *Scheduling) derivedIO() string {
	if s.Policy == nil || s.Nice == nil {
		return ""
	}
	switch level := ":" + strconv.Itoa((*s.Nice+20)/5); *s.Policy {
	case "idle":
		return "idle"
	case "fifo", "rr", "deadline":
		return "realtime" + level
	default:
		return "best-effort" + level
	}
}

func (c *cook) memory() {
	has, plain := c.p.Scheduling, c.own.Scheduling
	addIf(c, "--oom-score-adj", has.OOMScoreAdj, plain.OOMScoreAdj, strconv.Itoa)
	if has.TimerSlack != nil && *has.TimerSlack != 0 { // real-time policies have none
		addIf(c, "--timer-slack", has.TimerSlack, plain.TimerSlack, nanoseconds)
	}
	if has.HugePages != nil && !*has.HugePages && (c.all || plain.HugePages == nil || *plain.HugePages) {
		c.set("--no-thp")
	}
	if has.MemoryMerge != nil && *has.MemoryMerge && (c.all || plain.MemoryMerge == nil || !*plain.MemoryMerge) {
		c.set("--memory-merge")
	}
	addIf(c, "--coredump-filter", has.Coredump, plain.Coredump, func(n uint32) string { return fmt.Sprintf("%#x", n) })
}
