//go:build amd64 || arm64

// Package proctree finds the processes below a process, and kills them.
package proctree

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/plain"
)

// Finds reports whether there is a process, by the error that signal 0 has brought: it may be
// another user's.
func Finds(err error) bool { return err == nil || errors.Is(err, unix.EPERM) }

// Patience bounds how long the descendants of a process are hunted for. Those
// of a process that forks as fast as it can are caught in milliseconds.
const Patience = 10 * time.Second

// A Tree is processes below another one, by process id, each with a pidfd: an id
// may belong to somebody else in the end.
type Tree struct {
	Proc    ownproc.Dir
	Root    int // whose descendants they are, unless it is 0
	IsThere func() bool
	Pidfds  map[int]int
	denied  []int // those that could not be killed
	err     error // the reason of the first of them
}

// Freeze stops all processes of the tree and their descendants, until it finds no
// new ones and all are still. Not all can be: the parent in a vfork(2) waits for a child that
// is stopped. It does not fork then, and there will be another look.
func (t *Tree) Freeze(deadline plain.Deadline) {
	const settle = 20
	t.denied, t.err = nil, nil
	for _, fd := range t.Pidfds {
		Send(fd, unix.SIGSTOP)
	}
	for quiet := 0; ; {
		before, moving := len(t.Pidfds), false
		for pid := range t.Pidfds {
			moving = moving || !t.isStill(pid)
		}
		t.Grow(unix.SIGSTOP)
		switch {
		case deadline.Over():
			return
		case len(t.Pidfds) > before:
			quiet = 0
			continue
		case !moving || quiet == settle:
			return
		}
		quiet++
		plain.Sleep(time.Millisecond) // a stop takes effect when a system call ends
	}
}

// Grow adds what is below the root and the processes of the tree, and sends a
// signal to each, or none: 0.
func (t *Tree) Grow(sig syscall.Signal) {
	known := slices.Sorted(maps.Keys(t.Pidfds))
	if t.Root != 0 {
		t.addChildren(t.Root, t.IsThere, sig)
	}
	for _, pid := range known {
		t.addChildren(pid, t.has(pid), sig)
	}
}

// has tells whether a process of the tree has not been waited for.
func (t *Tree) has(pid int) func() bool {
	return func() bool { return Finds(Send(t.Pidfds[pid], 0)) }
}

// addChildren adds the children of a process, and theirs.
func (t *Tree) addChildren(parent int, isThere func() bool, sig syscall.Signal) {
	for _, pid := range t.Proc.Children(parent) {
		if _, ok := t.Pidfds[pid]; ok {
			continue
		}
		fd := t.openChild(pid, parent, isThere)
		if fd < 0 {
			continue
		}
		t.Pidfds[pid] = fd
		if sig != 0 {
			Send(fd, sig)
		}
		t.addChildren(pid, t.has(pid), sig)
	}
}

// openChild opens a pidfd of a living child, or returns -1. The
// pidfd is that of the child only if the child was still there afterwards, and the parent's
// id was its own all the time if the parent is. A dead child is waited for by
// a parent that may be stopped.
func (t *Tree) openChild(pid, parent int, isThere func() bool) int {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return -1
	}
	if err != nil {
		t.deny(pid, os.NewSyscallError("pidfd_open", err))
		return -1
	}
	if state, ppid := t.Proc.State(pid); ppid != parent || state == "Z" || state == "X" || !isThere() {
		unix.Close(fd)
		return -1
	}
	return fd
}

// isStill reports whether a process does nothing any more: it is stopped, or
// dead.
func (t *Tree) isStill(pid int) bool {
	state, _ := t.Proc.State(pid)
	return strings.Contains("TtZX", state)
}

// Kill kills the processes of the tree, and says how many it has killed. The tree keeps
// those that may not be killed, whose parents may be gone.
func (t *Tree) Kill() (killed int) {
	for _, pid := range slices.Sorted(maps.Keys(t.Pidfds)) { // of several that may not be killed, one is named
		fd := t.Pidfds[pid]
		err := Send(fd, unix.SIGKILL)
		switch err {
		case nil:
			killed++
		case unix.ESRCH:
		default:
			t.deny(pid, os.NewSyscallError("kill", err))
			continue
		}
		unix.Close(fd)
		delete(t.Pidfds, pid)
	}
	return killed
}

// Close closes the pidfds.
func (t *Tree) Close() {
	for _, fd := range t.Pidfds {
		unix.Close(fd)
	}
}

// deny notes a process that could not be killed.
func (t *Tree) deny(pid int, err error) {
	if t.err == nil {
		t.err = err
	}
	if !slices.Contains(t.denied, pid) {
		t.denied = append(t.denied, pid)
	}
}

// Missed says what could not be killed, if there is anything.
func (t *Tree) Missed() error {
	if t.err == nil {
		return nil
	}
	who := fmt.Sprintf("process %d", t.denied[0])
	if n := len(t.denied) - 1; n > 0 {
		who += fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("sprog: %s: %w", who, t.err)
}

// Send sends a signal by a pidfd; 0 only asks.
func Send(pidfd int, sig syscall.Signal) error {
	return unix.PidfdSendSignal(pidfd, sig, nil, 0)
}

// Sweep kills the processes of the tree, whose root is gone, and those below them.
func (t *Tree) Sweep() error {
	if t == nil {
		return nil
	}
	proc, err := ownproc.Open()
	if err == nil {
		defer proc.Close()
		t.Proc, t.Root = proc, 0
		t.Freeze(plain.In(Patience))
	}
	t.Kill()
	t.Close()
	return cmp.Or(t.Missed(), err)
}

// UserHZ are the ticks of a second in /proc, on both architectures.
const UserHZ = 100

// Ticks is the CPU time of a process and its descendants, and of those that
// they have waited for. A process that ends meanwhile may be left out, and
// counts with its parent the next time.
func Ticks(proc ownproc.Dir, pid, parent int) (ticks int64) {
	fields := proc.Stat(pid)
	if len(fields) < 15 || fields[1] != strconv.Itoa(parent) {
		return 0
	}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(field, 10, 64)
		ticks += n
	}
	for _, child := range proc.Children(pid) {
		ticks += Ticks(proc, child, pid)
	}
	return ticks
}

// CPUTime is the CPU time of a process by its clock (clock_getcpuclockid(3)).
func CPUTime(pid int) time.Duration {
	const ofProcess = 2 // CPUCLOCK_SCHED
	var ts unix.Timespec
	if unix.ClockGettime(int32(^uint32(pid)<<3|ofProcess), &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
