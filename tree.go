package sprog

import (
	"errors"
	"sync/atomic"
	"syscall"
)

// A Reach tells how much [Cmd.KillTree] is sure to have killed.
type Reach int

const (
	// ReachNothing: there was nothing to kill, or it could not be done.
	ReachNothing Reach = iota
	// ReachProcess is the process, while others of its descendants may be left: they
	// cannot be found without a /proc of this process's PID namespace, or may not
	// be killed by this process's user.
	ReachProcess
	// ReachChildren is the process and all of its descendants but for those
	// whose parents had died before: they had become somebody else's children.
	ReachChildren
	// ReachDescendants is the process and all of its descendants. With
	// Attr.Init they stay below the init when their parents die. Each was
	// stopped before the first was killed, until a look at all of them
	// found no new ones, so that none could escape by forking.
	ReachDescendants
	// ReachNamespace is every process of the child's PID namespace and of those
	// below it. The kernel sees to it.
	ReachNamespace
	// ReachCgroup is every process of the cgroup of Attr.Cgroup and of those
	// below it, wherever in the process tree: the kernel sees to it. A process
	// with the right to may have left the cgroup. It is looked for as without one, and found
	// unless, without an init, its parent had died before.
	ReachCgroup
)

func (r Reach) String() string {
	return [...]string{"nothing", "process", "children", "descendants", "PID namespace", "cgroup"}[r]
}

// MarshalText makes the reach a word in JSON.
func (r Reach) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// KillTree kills the process and what descends from it, by the strongest means
// that the start has given: the PID namespace of SysProcAttr.Cloneflags,
// Attr.Cgroup, or Attr.Init, below which all descendants stay, or else a look at the
// process's children. It says how far it has reached. The error names a
// process that could not be killed, or says why others cannot be found: that takes
// a /proc whose numbers are this process's. All that can be killed is, all the same. The
// process still has to be waited for.
//
// It can be used as Cancel:
//
//	cmd.Cancel = func() error { _, err := cmd.KillTree(); return err }
//
// Linux only.
func (c *Cmd) KillTree() (Reach, error) {
	if c.Process == nil {
		return ReachNothing, errors.New("sprog: not started")
	}
	c.begin(CauseKilled)
	reach, err := c.killTree()
	c.reached(reach)
	return reach, err
}

// killTree kills the process with what is below it, and notes what it has used.
func (c *Cmd) killTree() (Reach, error) {
	if !c.job.HasExited() {
		used, _ := c.job.UsedCPU()
		atomic.StoreInt64(&c.killed, int64(used))
	}
	reach, err := c.job.Kill()
	if Reach(reach) != ReachNothing {
		c.tellSignal(syscall.SIGKILL)
	}
	return Reach(reach), err
}
