//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/proctree"
)

func (c *Cmd) killTree() (Reach, error) {
	if !c.hasExited() {
		used, _ := c.usedCPU()
		atomic.StoreInt64(&c.killed, int64(used))
	}
	switch reach := c.reachOfKill(); reach {
	case ReachDescendants, ReachChildren:
		return c.hunt(reach)
	case ReachCgroup:
		return c.killCgroup()
	default:
		if err := c.Process.Kill(); err != nil {
			return ReachNothing, err
		}
		return reach, nil
	}
}

// killCgroup kills all in the command's cgroup. A process that may write to another one's
// cgroup.procs can have left it: those below the process are looked for as if there were none,
// before the cgroup's end takes from them the parents by whom they are found.
func (c *Cmd) killCgroup() (Reach, error) {
	below := ReachChildren
	if c.nature.hasInit {
		below = ReachDescendants
	}
	_, err := c.hunt(below)
	if errors.Is(err, os.ErrProcessDone) {
		return ReachNothing, err
	}
	// The cgroup also kills one that has become another user's.
	if cgroupErr := c.Birth.Cgroup.Kill(); cgroupErr != nil {
		return ReachProcess, cmp.Or(err, cgroupErr)
	}
	return ReachCgroup, nil
}

// reachOfKill is how far killing the tree can reach.
func (c *Cmd) reachOfKill() Reach {
	switch {
	case c.nature.firstInside:
		return ReachNamespace
	case c.Birth.Cgroup != nil:
		return ReachCgroup
	case c.nature.hasInit:
		return ReachDescendants
	}
	return ReachChildren
}

// hunt kills the process and its descendants one by one. What could not be killed
// keeps nobody else alive.
func (c *Cmd) hunt(reach Reach) (Reach, error) {
	if !c.isThere() {
		return ReachNothing, os.ErrProcessDone
	}
	// An init has to go on adopting; any other process must not, or it would
	// see its children die and act on it.
	if reach != ReachDescendants {
		c.Process.Signal(unix.SIGSTOP)
	}
	err := c.killDescendants()
	if err != nil {
		reach = ReachProcess
	}
	// An init ends by itself once the program is dead.
	if killErr := c.Process.Kill(); killErr != nil && !errors.Is(killErr, os.ErrProcessDone) {
		return ReachNothing, fmt.Errorf("sprog: process %d: kill: %w", c.Process.Pid, killErr)
	}
	return reach, err
}

// isThere reports whether the process has not been waited for: until then its
// process id is not another's.
func (c *Cmd) isThere() bool { return proctree.Finds(c.Process.Signal(syscall.Signal(0))) }

// blind is why the descendants of the process are not known.
func (c *Cmd) blind(err error) error {
	return fmt.Errorf("sprog: the descendants of process %d cannot be found: %w", c.Process.Pid, err)
}

// killDescendants kills all descendants of the process, which goes on: an init
// adopts the orphans. What stops can be looked at in peace; what is killed
// first leaves children to others. A round in which nothing could be killed is the last.
func (c *Cmd) killDescendants() error {
	proc, err := ownproc.Open()
	if err != nil {
		return c.blind(err)
	}
	defer proc.Close()
	t := c.newTree(proc)
	defer t.Close()
	for deadline := plain.In(proctree.Patience); ; {
		t.Freeze(deadline)
		switch killed := t.Kill(); {
		case killed == 0:
			return t.Missed()
		case deadline.Over():
			return fmt.Errorf("sprog: process %d has got children for %v", c.Process.Pid, proctree.Patience)
		}
	}
}

// newTree is an empty tree below the process.
func (c *Cmd) newTree(proc ownproc.Dir) *proctree.Tree {
	return &proctree.Tree{Proc: proc, Root: c.Process.Pid, IsThere: c.isThere, Pidfds: map[int]int{}}
}
