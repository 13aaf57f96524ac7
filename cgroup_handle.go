package sprog

import (
	"time"

	"github.com/sprog-dev/sprog/internal/cgroup"
)

// A CgroupHandle is the cgroup that a start has made. Its methods may be called
// by several goroutines at once.
type CgroupHandle struct {
	group *cgroup.Group
	keep  bool
}

// of is the cgroup, or one that is gone.
func (g *CgroupHandle) of() *cgroup.Group {
	if g.group == nil {
		return new(cgroup.Group)
	}
	return g.group
}

// Path is the cgroup's directory.
func (g *CgroupHandle) Path() string { return g.of().Path() }

// Stats reads the cgroup's counters. After [CgroupHandle.Remove], which
// [Cmd.Wait] calls, they are those at its end. If the program has removed its
// cgroup, the error is fs.ErrNotExist, and everything is CgroupUnknown.
func (g *CgroupHandle) Stats() (CgroupStats, error) {
	stats, err := g.of().Stats()
	return CgroupStats(stats), err
}

// Kill kills all processes in the cgroup and below it, and returns without
// waiting for their end: cgroup.kill, or, before Linux 5.14, SIGKILL for every
// one while they are frozen.
func (g *CgroupHandle) Kill() error { return g.of().Kill() }

// Freeze stops all processes in the cgroup and below it, in a way that they
// cannot notice, and Thaw lets them go on (cgroup.freeze, Linux 5.2). Freeze
// returns at once; Stats tells when all have stopped. Frozen processes
// can be killed.
func (g *CgroupHandle) Freeze() error { return g.of().Freeze(true) }

// Thaw ends what Freeze began.
func (g *CgroupHandle) Thaw() error { return g.of().Freeze(false) }

// Remove removes the cgroup and those below it. None may hold processes, but
// those that are just ending get some seconds to do so. It is no error if the
// cgroup is gone already.
func (g *CgroupHandle) Remove() error { return g.of().Remove() }

// end is what Wait does when the program has ended.
func (g *CgroupHandle) end() error {
	if g == nil || g.keep {
		return nil
	}
	if err := g.Kill(); err != nil {
		return err
	}
	return g.Remove()
}

// CgroupUnknown stands for a counter that the kernel does not have, or that belongs
// to a controller that is not enabled. See [Cgroup.Controllers].
const CgroupUnknown = -1

var _ = [1]struct{}{}[CgroupUnknown-cgroup.Unknown] // it is the one of package cgroup, or nothing is built

// CgroupStats are counters of a cgroup and of all below it, or [CgroupUnknown].
type CgroupStats struct {
	// MemoryPeak and SwapPeak are the most bytes that were in use
	// (memory.peak, Linux 5.19; memory.swap.peak, 6.5), PidsPeak the most
	// tasks that there were (pids.peak, 6.1).
	MemoryPeak, SwapPeak, PidsPeak int64

	// The CPU time used: in all, by the programs, and by the kernel for them
	// (cpu.stat).
	CPUUsage, CPUUser, CPUSystem time.Duration

	// CPUPeriods counts the periods of cpu.max in which there was something to
	// run, CPUThrottled those in which the quota was used up, and
	// CPUThrottledTime is how long tasks had to wait for that (cpu.stat).
	CPUPeriods, CPUThrottled int64
	CPUThrottledTime         time.Duration

	// Bytes and operations of all block devices together (io.stat).
	IOReadBytes, IOWriteBytes, IOReads, IOWrites int64

	// MemoryHigh, MemoryMax and OOM count how often the limits were hit,
	// OOMKills the processes that the OOM killer has killed, OOMGroupKills
	// how often it has killed all (memory.events).
	MemoryHigh, MemoryMax, OOM, OOMKills, OOMGroupKills int64

	// OOMLocal is the part of OOM that is due to the cgroup's own limit, and not
	// to one below (memory.events.local, Linux 5.2).
	OOMLocal int64

	// PidsMax counts the forks that pids.max has refused (pids.events).
	PidsMax int64

	// Populated is whether there are processes, Frozen whether all are
	// stopped by Freeze (cgroup.events).
	Populated, Frozen bool
}
