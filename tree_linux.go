//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/plain"
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

// Exists reports whether the process has not been waited for: until then its
// process id is not another's.
func (c *Cmd) isThere() bool { return finds(c.Process.Signal(syscall.Signal(0))) }

// finds reports whether there is a process, by the error that signal 0 has brought: it may be
// another user's.
func finds(err error) bool { return err == nil || errors.Is(err, unix.EPERM) }

// blind is why the descendants of the process are not known.
func (c *Cmd) blind(err error) error {
	return fmt.Errorf("sprog: the descendants of process %d cannot be found: %w", c.Process.Pid, err)
}

// patience bounds how long the descendants of a process are hunted for. Those
// of a process that forks as fast as it can are caught in milliseconds.
const patience = 10 * time.Second

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
	defer t.close()
	for deadline := plain.In(patience); ; {
		t.freeze(deadline)
		switch killed := t.kill(); {
		case killed == 0:
			return t.missed()
		case deadline.Over():
			return fmt.Errorf("sprog: process %d has got children for %v", c.Process.Pid, patience)
		}
	}
}

// A tree is processes below another one, by process id, each with a pidfd: an id
// may belong to somebody else in the end.
type tree struct {
	proc    ownproc.Dir
	root    int // whose descendants they are, unless it is 0
	isThere func() bool
	pidfds  map[int]int
	denied  []int // those that could not be killed
	err     error // the reason of the first of them
}

// newTree is an empty tree below the process.
func (c *Cmd) newTree(proc ownproc.Dir) *tree {
	return &tree{proc: proc, root: c.Process.Pid, isThere: c.isThere, pidfds: map[int]int{}}
}

// freeze stops all processes of the tree and their descendants, until it finds no
// new ones and all are still. Not all can be: the parent in a vfork(2) waits for a child that
// is stopped. It does not fork then, and there will be another look.
func (t *tree) freeze(deadline plain.Deadline) {
	const settle = 20
	t.denied, t.err = nil, nil
	for _, fd := range t.pidfds {
		send(fd, unix.SIGSTOP)
	}
	for quiet := 0; ; {
		before, moving := len(t.pidfds), false
		for pid := range t.pidfds {
			moving = moving || !t.isStill(pid)
		}
		t.grow(unix.SIGSTOP)
		switch {
		case deadline.Over():
			return
		case len(t.pidfds) > before:
			quiet = 0
			continue
		case !moving || quiet == settle:
			return
		}
		quiet++
		plain.Sleep(time.Millisecond) // a stop takes effect when a system call ends
	}
}

// grow adds what is below the root and the processes of the tree, and sends a
// signal to each, or none: 0.
func (t *tree) grow(sig syscall.Signal) {
	known := slices.Sorted(maps.Keys(t.pidfds))
	if t.root != 0 {
		t.addChildren(t.root, t.isThere, sig)
	}
	for _, pid := range known {
		t.addChildren(pid, t.has(pid), sig)
	}
}

// Has tells whether a process of the tree Has not been waited for.
func (t *tree) has(pid int) func() bool {
	return func() bool { return finds(send(t.pidfds[pid], 0)) }
}

// addChildren adds the children of a process, and theirs.
func (t *tree) addChildren(parent int, isThere func() bool, sig syscall.Signal) {
	for _, pid := range t.proc.Children(parent) {
		if _, ok := t.pidfds[pid]; ok {
			continue
		}
		fd := t.openChild(pid, parent, isThere)
		if fd < 0 {
			continue
		}
		t.pidfds[pid] = fd
		if sig != 0 {
			send(fd, sig)
		}
		t.addChildren(pid, t.has(pid), sig)
	}
}

// openChild opens a pidfd of a living child, or returns -1. The
// pidfd is that of the child only if the child was still there afterwards, and the parent's
// id was its own all the time if the parent is. A dead child is waited for by
// a parent that may be stopped.
func (t *tree) openChild(pid, parent int, isThere func() bool) int {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return -1
	}
	if err != nil {
		t.deny(pid, os.NewSyscallError("pidfd_open", err))
		return -1
	}
	if state, ppid := t.proc.State(pid); ppid != parent || state == "Z" || state == "X" || !isThere() {
		unix.Close(fd)
		return -1
	}
	return fd
}

// isStill reports whether a process does nothing any more: it is stopped, or
// dead.
func (t *tree) isStill(pid int) bool {
	state, _ := t.proc.State(pid)
	return strings.Contains("TtZX", state)
}

// kill kills the processes of the tree, and says how many it has killed. The tree keeps
// those that may not be killed, whose parents may be gone.
func (t *tree) kill() (killed int) {
	for _, pid := range slices.Sorted(maps.Keys(t.pidfds)) { // of several that may not be killed, one is named
		fd := t.pidfds[pid]
		err := send(fd, unix.SIGKILL)
		switch err {
		case nil:
			killed++
		case unix.ESRCH:
		default:
			t.deny(pid, os.NewSyscallError("kill", err))
			continue
		}
		unix.Close(fd)
		delete(t.pidfds, pid)
	}
	return killed
}

func (t *tree) close() {
	for _, fd := range t.pidfds {
		unix.Close(fd)
	}
}

// deny notes a process that could not be killed.
func (t *tree) deny(pid int, err error) {
	if t.err == nil {
		t.err = err
	}
	if !slices.Contains(t.denied, pid) {
		t.denied = append(t.denied, pid)
	}
}

// missed says what could not be killed, if there is anything.
func (t *tree) missed() error {
	if t.err == nil {
		return nil
	}
	who := fmt.Sprintf("process %d", t.denied[0])
	if n := len(t.denied) - 1; n > 0 {
		who += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("sprog: %s: %w", who, t.err)
}

// send sends a signal by a pidfd; 0 only asks.
func send(pidfd int, sig syscall.Signal) error {
	return unix.PidfdSendSignal(pidfd, sig, nil, 0)
}
