//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
)

func (c *Cmd) killTree() (Reach, error) {
	reach := c.reachOfKill()
	if !c.hasExited() {
		atomic.StoreInt64(&c.killed, int64(c.usedCPU()))
	}
	if reach == ReachDescendants || reach == ReachChildren {
		return c.hunt(reach)
	}
	// The process itself first: it may have left the cgroup.
	if err := c.Process.Kill(); err != nil {
		return ReachNothing, err
	}
	if reach == ReachCgroup {
		if err := c.Birth.Cgroup.Kill(); err != nil {
			return ReachChildren, err
		}
	}
	return reach, nil
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

// hunt kills the process and its descendants one by one.
func (c *Cmd) hunt(reach Reach) (Reach, error) {
	// An init has to go on adopting; any other process must not, or it would
	// see its children die and act on it.
	first := unix.SIGSTOP
	if reach == ReachDescendants {
		first = 0
	}
	if err := c.Process.Signal(first); err != nil {
		return ReachNothing, err
	}
	if err := c.killDescendants(); err != nil {
		c.Process.Kill()
		return ReachNothing, err
	}
	return reach, c.Process.Kill()
}

// isThere reports whether the process has not been waited for: until then its
// process id is not another's.
func (c *Cmd) isThere() bool { return c.Process.Signal(syscall.Signal(0)) == nil }

// A tree is processes below another one, by process id, each with a pidfd: an id
// may belong to somebody else in the end.
type tree map[int]int

// patience bounds how long the descendants of a process are hunted for. Those
// of a process that forks as fast as it can are caught in milliseconds.
const patience = 10 * time.Second

// killDescendants kills all descendants of the process, which goes on: an init
// adopts the orphans. What stops can be looked at in peace; what is killed
// first leaves children to others.
func (c *Cmd) killDescendants() error {
	deadline := time.Now().Add(patience)
	for {
		t := tree{}
		err := t.freeze(c, deadline)
		t.kill()
		if err != nil || len(t) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("sprog: process %d has got children for %v", c.Process.Pid, patience)
		}
	}
}

// freeze stops all descendants of a process, until it finds no new ones and
// all are still. Not all can be: the parent in a vfork(2) waits for a child that
// is stopped. It does not fork then, and there will be another look.
func (t tree) freeze(c *Cmd, deadline time.Time) error {
	const settle = 20
	for quiet := 0; ; {
		before, moving := len(t), false
		for pid := range t {
			moving = moving || !isStill(pid)
		}
		if err := t.addBelow(c.Process.Pid, c.isThere, unix.SIGSTOP); err != nil {
			return err
		}
		switch {
		case time.Now().After(deadline):
			return nil
		case len(t) > before:
			quiet = 0
			continue
		case !moving || quiet == settle:
			return nil
		}
		quiet++
		time.Sleep(time.Millisecond) // a stop takes effect when a system call ends
	}
}

// addBelow adds what is below a process and is not in the tree yet, and sends a
// signal to each, or none: 0.
func (t tree) addBelow(root int, isThere func() bool, sig syscall.Signal) error {
	known := make([]int, 0, len(t))
	for pid := range t {
		known = append(known, pid)
	}
	if err := t.addChildren(root, isThere, sig); err != nil {
		return err
	}
	for _, pid := range known {
		if err := t.addChildren(pid, t.has(pid), sig); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether a process of the tree has not been waited for.
func (t tree) has(pid int) func() bool {
	return func() bool { return unix.PidfdSendSignal(t[pid], 0, nil, 0) == nil }
}

// addChildren adds the children of a process, and theirs.
func (t tree) addChildren(parent int, isThere func() bool, sig syscall.Signal) error {
	for _, pid := range childrenOf(parent) {
		if _, ok := t[pid]; ok {
			continue
		}
		fd, err := openChild(pid, parent, isThere)
		if err == nil && fd < 0 {
			continue
		}
		if err == nil {
			t[pid] = fd
			err = sendTo(fd, sig)
		}
		if err != nil {
			return fmt.Errorf("sprog: process %d: %w", pid, err)
		}
		if err := t.addChildren(pid, t.has(pid), sig); err != nil {
			return err
		}
	}
	return nil
}

// openChild opens a pidfd of a living child, or returns -1 if there is none. The
// pidfd is that of the child only if the child was still there afterwards, and the parent's
// id was its own all the time if the parent is. A dead child is waited for by
// a parent that may be stopped.
func openChild(pid, parent int, isThere func() bool) (int, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return -1, nil
	}
	if err != nil {
		return -1, os.NewSyscallError("pidfd_open", err)
	}
	if state, ppid := stateOf(pid); ppid != parent || state == "Z" || state == "X" || !isThere() {
		unix.Close(fd)
		return -1, nil
	}
	return fd, nil
}

// sendTo sends a signal, if it is one, to a process that may have ended.
func sendTo(pidfd int, sig syscall.Signal) error {
	if sig == 0 {
		return nil
	}
	if err := unix.PidfdSendSignal(pidfd, sig, nil, 0); err != nil && err != unix.ESRCH {
		return os.NewSyscallError("kill", err)
	}
	return nil
}

func (t tree) kill() {
	for _, fd := range t {
		unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
		unix.Close(fd)
	}
}

// childrenOf lists the children of a process, those of all of its threads
// (proc_pid_task(5); a kernel without CONFIG_PROC_CHILDREN has no such list).
func childrenOf(pid int) (list []int) {
	base := "/proc/" + strconv.Itoa(pid) + "/task"
	tasks, err := os.ReadDir(base)
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		b, err := os.ReadFile(base + "/" + task.Name() + "/children")
		if errors.Is(err, os.ErrNotExist) && parentOf(pid) != 0 {
			return childrenByParent(pid)
		}
		for word := range strings.FieldsSeq(string(b)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// childrenByParent looks through all processes.
func childrenByParent(parent int) (list []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && parentOf(pid) == parent {
			list = append(list, pid)
		}
	}
	return list
}

// parentOf is the process id of a process's parent, or 0.
func parentOf(pid int) int {
	_, ppid := stateOf(pid)
	return ppid
}

// isStill reports whether a process does nothing any more: it is stopped, or
// dead.
func isStill(pid int) bool {
	state, _ := stateOf(pid)
	return strings.Contains("TtZX", state)
}

// stateOf reads the state and the parent of a process (proc_pid_stat(5)). A
// process that is gone has the state "".
func stateOf(pid int) (state string, ppid int) {
	fields, _ := machine.Stat(pid)
	if len(fields) < 2 {
		return "", 0
	}
	ppid, _ = strconv.Atoi(fields[1])
	return fields[0], ppid
}
