//go:build amd64 || arm64

package machine

import (
	"sync"

	"golang.org/x/sys/unix"
)

// dumpable looks after the process's dumpable flag, which belongs to the
// memory and so to the parent and all children that still share it. It is
// process-wide kernel state, so this is package state.
//
// A child that changes its credentials clears the flag (commit_creds in
// kernel/cred.c), and must: it keeps the new user from tracing the child and
// through it the parent's memory. The flag is put back when the last such
// child has left the memory. While it is clear, the files in /proc/PID of the
// parent and of every child that shares its memory belong to root, and an
// unprivileged parent cannot write an id map (proc_pid_uid_map(5) through
// task_dump_owner). So the two kinds of start keep each other out; starts of
// the same kind do not.
var dumpable = newGate()

// A class is a kind of start with regard to the dumpable flag.
type class int

const (
	none     class = iota // neither
	clearing              // may clear it
	needing               // needs it to be set
)

type gate struct {
	mu      sync.Mutex
	free    sync.Cond
	inside  [3]int
	restore bool // the flag was set when the first of the clearing came
}

func newGate() *gate {
	g := new(gate)
	g.free.L = &g.mu
	return g
}

func (g *gate) enter(c class) {
	if c == none {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside[clearing+needing-c] > 0 { // the other class
		g.free.Wait()
	}
	if g.inside[c]++; c == clearing && g.inside[c] == 1 {
		flag, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		g.restore = err == nil && flag == 1
	}
}

func (g *gate) leave(c class) {
	if c == none {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[c]--; g.inside[c] > 0 {
		return
	}
	if c == clearing && g.restore {
		unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
	g.free.Broadcast()
}
