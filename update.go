package sprog

import "github.com/sprog-dev/sprog/internal/cgroup"

// UpdateProcess changes a process that runs, with all its threads. It sets these fields of
// attr: Rlimits, by prlimit(2); CPUs, Nice, Scheduler and IOPriority, of every thread; and
// OOMScoreAdj. They mean what they mean to a start, and everything else is refused, since
// no process can be given it from outside. Limits of a cgroup are [CgroupHandle.Set]'s.
//
// The error is a [*StartError], whose Path is "process" and the number. What was changed before
// it stays changed. To change another user's process takes CAP_SYS_RESOURCE for limits and
// CAP_SYS_NICE for the rest. Linux only.
//
// A pid may belong to somebody else by the time that it is used. That of a
// command's own Process cannot before [Cmd.Wait] has returned.
func UpdateProcess(pid int, attr *Attr) error { return updateProcess(pid, attr, false) }

// UpdateTree is UpdateProcess for a process and all that descends from it. It changes
// all that it may, and the error is about the first one that it may not. Of a command with an
// [Init], which is the process that is waited for, the program is one of those below.
func UpdateTree(pid int, attr *Attr) error { return updateProcess(pid, attr, true) }

// OpenCgroup is a cgroup that somebody else has made, by its directory in a cgroup2 file
// system. It is closed by its Close, or by Remove.
func OpenCgroup(dir string) (*CgroupHandle, error) { return handle(dir, cgroup.Open) }

// CgroupOf is the cgroup that a process is in.
func CgroupOf(pid int) (*CgroupHandle, error) { return handle(pid, cgroup.Of) }

func handle[T any](of T, open func(T) (*cgroup.Group, error)) (*CgroupHandle, error) {
	g, err := open(of)
	if err != nil {
		return nil, err
	}
	return &CgroupHandle{group: g, keep: true}, nil
}

// Close lets go of the cgroup, which stays. That of [Birth] is let go of by [Cmd.Wait].
func (g *CgroupHandle) Close() { g.of().Close() }

// Set changes the limits of the cgroup while it runs: those that fields of limits set, as
// in a start. Zero fields leave what there is, and [RlimitInfinity] lifts a limit of bytes or
// tasks. The fields that are about making a cgroup are refused.
//
// Controllers that the cgroup lacks are enabled above it. A limit on memory that is below what
// is in use has the kernel reclaim, and then kill. The error is a [*StartError], whose Path is
// the cgroup's. What was written before it stays.
func (g *CgroupHandle) Set(limits Cgroup) error { return g.set(&limits) }

// Update is [UpdateProcess] for all processes in the cgroup and below it.
func (g *CgroupHandle) Update(attr *Attr) error { return g.update(attr) }
