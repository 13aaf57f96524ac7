package sprog

import "time"

// Cgroup has the child born in a new cgroup (cgroup v2) with limits of its
// own. After the start [Birth.Cgroup] is the cgroup. [Cmd.Wait] ends it: once
// the program has ended, it kills every process that is left in the cgroup or
// below it, takes the statistics, and removes it with all that the program has
// made below it. A start that fails leaves no cgroup.
//
// Should this process be killed, the cgroup stays, with what runs in it; so
// does one whose command is never waited for.
//
// A limit needs its controller. Those that the fields below need are enabled
// in cgroup.subtree_control of the parent, and of the cgroups above it as far
// as they are missing there, and stay enabled. The kernel wants a cgroup whose
// children have controllers to hold no processes itself, but for the root
// (cgroups(7), "no internal processes"). Where the parent holds some, the start
// is refused, unless Evacuate is set or no controller is needed that is
// not enabled yet.
//
// The kernel counts the child into the cgroup from its birth on
// (CLONE_INTO_CGROUP, Linux 5.7; before that the child enters it before all
// else). A new cgroup namespace has the new cgroup for its root; one of
// SysProcAttr.Cloneflags may have the caller's on kernels older than 6.18.
//
// A program with the right to write to other cgroups can leave its own; root
// has it, unless the cgroup file system is out of its reach or read-only.
//
// It cannot be combined with SysProcAttr.UseCgroupFD.
type Cgroup struct {
	// Parent is the directory of the cgroup to make the new one in. It must be
	// in a cgroup2 file system.
	//
	// Empty stands for the cgroup that this process may use: its own, or the
	// nearest one above it that can give what is asked for. Those above
	// are tried as far as the user may write to them, and up to the one
	// that is marked as delegated by the extended attribute user.delegate or
	// trusted.delegate; root, who may write everywhere, goes up only if there
	// is such a mark. Under systemd, a unit with Delegate=yes is the place for this.
	Parent string

	// Name is the name of the new cgroup, which must not exist: one path
	// component. Empty stands for a name of its own for each start, which
	// begins with "sprog-".
	Name string

	// MemoryMax, MemoryHigh, MemoryLow and MemoryMin are memory.max and its
	// kin, in bytes: the limit beyond which the OOM killer comes, the one
	// beyond which the processes are slowed down and reclaimed from, and what
	// is protected from reclaim, best effort or hard. Zero leaves the
	// kernel's default.
	MemoryMax, MemoryHigh, MemoryLow, MemoryMin uint64

	// SwapMax is memory.swap.max, in bytes; 0 allows no swap. Nil leaves it.
	SwapMax *uint64

	// OOMGroup has the OOM killer kill all processes of the cgroup at once:
	// memory.oom.group, Linux 4.19.
	OOMGroup bool

	// PidsMax is pids.max: how many tasks, threads included, there may be.
	// Zero leaves it.
	PidsMax uint64

	// CPUQuota and CPUPeriod are cpu.max: in every period the cgroup may
	// use that much CPU time, on all CPUs together. A quota of 150ms with a
	// period of 100ms is one and a half CPUs. The quota is at least 1ms, the
	// period from 1ms to 1s; a period of zero stands for 100ms, a quota of
	// zero leaves both. Both count in microseconds.
	CPUQuota, CPUPeriod time.Duration

	// CPUWeight is cpu.weight, from 1 to 10000; the kernel's default is 100.
	// Zero leaves it.
	CPUWeight uint64

	// IOMax are lines of io.max.
	IOMax []IOMax

	// IOWeight is the default of io.weight, from 1 to 10000. Zero leaves it.
	// Kernels have the file only with the iocost or BFQ machinery.
	IOWeight uint64

	// CPUs and Mems are cpuset.cpus and cpuset.mems: lists such as "0-3,7" of
	// CPUs and of memory nodes. Empty leaves them.
	CPUs, Mems string

	// HugeTLB are limits on huge pages.
	HugeTLB []HugeTLBMax

	// Set are more files of the cgroup to write, after those above, in the
	// order given.
	Set []CgroupFile

	// Controllers are controllers to enable besides those that the fields
	// above need: for their statistics, or for what the program wants to do
	// below its cgroup. They are names as in cgroup.controllers.
	Controllers []string

	// Evacuate allows that the processes of the parent, which may include
	// this one, are moved to a cgroup "sprog-leaf" below the parent, if they
	// are in the way of a controller. The leaf stays. Without it such a start
	// is refused with an error that satisfies errors.Is for EBUSY.
	Evacuate bool

	// Keep has Wait leave the cgroup as it is, with the processes that
	// are left in it. [CgroupHandle.Remove] removes it.
	Keep bool
}

// An IOMax is a limit on the transfers of a block device (io.max). Zero leaves
// a limit.
type IOMax struct {
	// Device is the device: its numbers, as in "8:0", or its path. io.max
	// takes whole devices, not partitions.
	Device string
	// ReadBPS and WriteBPS are in bytes a second, ReadIOPS and WriteIOPS in
	// operations a second.
	ReadBPS, WriteBPS, ReadIOPS, WriteIOPS uint64
}

// A HugeTLBMax is a limit on the huge pages of one size: hugetlb.SIZE.max.
type HugeTLBMax struct {
	// Size is the size as the files have it: "2MB", "1GB", "64KB".
	Size string
	// Max is in bytes.
	Max uint64
}

// A CgroupFile is a file of a cgroup and what is written to it.
type CgroupFile struct {
	// Name is the name of the file, such as "memory.zswap.max". The part
	// before the first dot is the controller that has it. Those files of the
	// core that would interfere with the start are refused: cgroup.freeze,
	// cgroup.kill, cgroup.procs, cgroup.subtree_control, cgroup.threads,
	// cgroup.type.
	Name string
	// Value is written with one write(2). It must not be empty.
	Value string
}
