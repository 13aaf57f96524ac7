package sprog

import "time"

// A SchedPolicy is a scheduling policy of sched(7), by the kernel's name of it.
type SchedPolicy string

// The policies of Linux. SCHED_EXT, for schedulers that are loaded as BPF
// programs, is there from Linux 6.12 on where the kernel is built with it.
const (
	SchedOther    SchedPolicy = "SCHED_OTHER"
	SchedBatch    SchedPolicy = "SCHED_BATCH"
	SchedIdle     SchedPolicy = "SCHED_IDLE"
	SchedFIFO     SchedPolicy = "SCHED_FIFO"
	SchedRR       SchedPolicy = "SCHED_RR"
	SchedDeadline SchedPolicy = "SCHED_DEADLINE"
	SchedExt      SchedPolicy = "SCHED_EXT"
)

// SchedUtilReset, as a utilisation clamp, takes away a clamp that was
// inherited. Linux 5.11.
const SchedUtilReset = -1

// A Scheduler sets how the child is scheduled; see sched_setattr(2). A policy
// that takes privileges needs CAP_SYS_NICE in the initial user namespace, so
// that no child that is born in a user namespace of its own has it, or a limit
// that allows it, which Attr.Rlimits may raise in the same start. It is set
// before the credentials change, and the rest of the start already runs
// with it.
type Scheduler struct {
	// Policy is the policy; empty leaves the one that is inherited. The nice
	// value is left as it is: see Attr.Nice.
	Policy SchedPolicy

	// Priority is the static priority, from 1 to 99, of SchedFIFO and SchedRR.
	// The other policies have none.
	Priority int

	// Runtime, Deadline and Period are the parameters of SchedDeadline: in
	// every period the child may run for Runtime, and has got that by the
	// deadline. Runtime must be given, at least 1024 ns, and one of the others
	// at least, which the other then equals. Runtime <= Deadline <= Period.
	// The kernel keeps a child with this policy from making processes and
	// threads (EAGAIN) unless ResetOnFork is set.
	Runtime, Deadline, Period time.Duration

	// Reclaim lets a SchedDeadline child use what others leave of their
	// bandwidth, and Overrun has it get SIGXCPU when it exceeds its runtime.
	Reclaim, Overrun bool

	// ResetOnFork has the children of the child begin with SchedOther, and
	// with a nice value that is not negative. It needs Policy, and cannot be
	// combined with Attr.Init, whose child the program is.
	ResetOnFork bool

	// UtilMin and UtilMax clamp what the scheduler takes the child's use of a
	// CPU to be when it chooses a CPU and its frequency: from 0 to 1024, the
	// capacity of the largest. Nil leaves a clamp, [SchedUtilReset]
	// takes it away. Linux 5.3, with CONFIG_UCLAMP_TASK.
	UtilMin, UtilMax *int
}
