package cgroup

import "time"

// Unknown stands for a counter that is not there.
const Unknown = -1

// Stats are counters of a cgroup and of all below it, or Unknown. They say what
// cgroup v2's files of these names do.
type Stats struct {
	MemoryPeak, SwapPeak, PidsPeak                      int64
	CPUUsage, CPUUser, CPUSystem                        time.Duration
	CPUPeriods, CPUThrottled                            int64
	CPUThrottledTime                                    time.Duration
	IOReadBytes, IOWriteBytes, IOReads, IOWrites        int64
	MemoryHigh, MemoryMax, OOM, OOMKills, OOMGroupKills int64
	OOMLocal                                            int64
	PidsMax                                             int64
	Populated, Frozen                                   bool
}
