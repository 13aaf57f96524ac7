//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
)

func (c *Cmd) killTree() (Reach, error) {
	if c.Process == nil {
		return ReachNothing, errors.New("sprog: not started")
	}
	reach := ReachChildren
	switch {
	case c.SysProcAttr != nil && c.SysProcAttr.Cloneflags&unix.CLONE_NEWPID != 0:
		if err := c.Process.Kill(); err != nil {
			return ReachNothing, err
		}
		return ReachNamespace, nil
	case c.Birth.Cgroup != nil:
		// The process itself first: it may have left the cgroup.
		if err := c.Process.Kill(); err != nil {
			return ReachNothing, err
		}
		if err := c.Birth.Cgroup.Kill(); err != nil {
			return ReachChildren, err
		}
		return ReachCgroup, nil
	case c.Attr != nil && c.Attr.Init != nil:
		reach = ReachDescendants
	}
	// An init has to go on adopting; any other process must not, or it would
	// see its children die and act on it.
	first := unix.SIGSTOP
	if reach == ReachDescendants {
		first = 0
	}
	if err := c.Process.Signal(first); err != nil {
		return ReachNothing, err
	}
	if err := killDescendants(c.Process.Pid); err != nil {
		c.Process.Kill()
		return ReachNothing, err
	}
	return reach, c.Process.Kill()
}

// A frozen is a set of processes that were sent SIGSTOP, by process id, each
// with a pidfd: an id may belong to somebody else in the end.
type frozen map[int]int

// patience bounds how long the descendants of a process are hunted for. Those
// of a process that forks as fast as it can are caught in milliseconds.
const patience = 10 * time.Second

// killDescendants kills all descendants of a process, which goes on: an init
// adopts the orphans. What stops can be looked at in peace; what is killed
// first leaves children to others.
func killDescendants(root int) error {
	deadline := time.Now().Add(patience)
	for {
		f := frozen{}
		err := f.freeze(root, deadline)
		f.kill()
		if err != nil || len(f) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("sprog: process %d has got children for %v", root, patience)
		}
	}
}

// freeze stops all descendants of a process, until it finds no new ones and
// all are still. Not all can be: the parent in a vfork(2) waits for a child that
// is stopped. It does not fork then, and there will be another look.
func (f frozen) freeze(root int, deadline time.Time) error {
	const settle = 20
	for quiet := 0; ; {
		before, moving := len(f), false
		parents := []int{root}
		for pid := range f {
			parents = append(parents, pid)
			moving = moving || !isStill(pid)
		}
		for _, pid := range parents {
			if err := f.stopChildren(pid); err != nil {
				return err
			}
		}
		switch {
		case time.Now().After(deadline):
			return nil
		case len(f) > before:
			quiet = 0
			continue
		case !moving || quiet == settle:
			return nil
		}
		quiet++
		time.Sleep(time.Millisecond) // a stop takes effect when a system call ends
	}
}

// stopChildren stops the children of a process that are not yet stopped.
func (f frozen) stopChildren(parent int) error {
	for _, pid := range childrenOf(parent) {
		if _, ok := f[pid]; ok {
			continue
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err == unix.ESRCH {
			continue
		}
		if err != nil {
			return fmt.Errorf("sprog: process %d: %w", pid, os.NewSyscallError("pidfd_open", err))
		}
		// The pidfd is that of the child only if the child was still there. A
		// dead one is waited for by a parent that may be stopped.
		if state, ppid := stateOf(pid); ppid != parent || state == "Z" || state == "X" {
			unix.Close(fd)
			continue
		}
		f[pid] = fd
		if err := unix.PidfdSendSignal(fd, unix.SIGSTOP, nil, 0); err != nil && err != unix.ESRCH {
			return fmt.Errorf("sprog: process %d: %w", pid, os.NewSyscallError("kill", err))
		}
	}
	return nil
}

func (f frozen) kill() {
	for _, fd := range f {
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
