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
// A start clears the flag where somebody may have the right to trace the child
// who has none to trace the parent: the user that the child becomes, and
// whoever owns a user namespace that it enters, or is root there. Without the
// flag it takes CAP_SYS_PTRACE in the user namespace in which the memory's
// program was executed (__ptrace_may_access in kernel/ptrace.c). It is cleared
// before the birth as a rule, so that no core file is written of such a child either
// (do_coredump), and put back when the last such child has left the memory.
//
// While it is clear, the files in /proc/PID of the
// parent and of every child that shares its memory belong to root, and an
// unprivileged parent cannot write an id map (proc_pid_uid_map(5) through
// task_dump_owner). So the two kinds of start keep each other out; starts of
// the same kind do not.
var dumpable = newGate()

// A class is a kind of start with regard to the dumpable flag.
type class int

const (
	none     class = iota // neither
	clearing              // has it cleared
	needing               // needs it to be set
)

type gate struct {
	mu      sync.Mutex
	waiting []*sync.Mutex // of those that are not let in as yet, each locked
	inside  [3]int
	back    int // what is to be put back after the last of the clearing, or unknown
}

// unknown is no flag that can be set: 2 is what the kernel makes it by itself,
// where fs.suid_dumpable says so.
const unknown = 2

func newGate() *gate {
	return new(gate)
}

// enter waits until the class may be entered, and returns who the caller is, for leave. It
// reports false if the launch is to end before. Of the clearing, a start clears the flag at
// once if it hides; otherwise the child does, when it changes its credentials.
func (g *gate) enter(c class, hides bool, stop *Stop) (who identity, entered bool) {
	if c == none {
		return who, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.inside[clearing+needing-c] > 0 { // the other class
		if stop.IsAsked() {
			return who, false
		}
		g.wait()
	}
	g.inside[c]++
	if c == needing {
		return who, true
	}
	flag := dumpableFlag()
	if g.inside[c] == 1 || flag == 1 {
		g.back = flag
	}
	if flag == 1 && hides {
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
	return whoIs(), true
}

// wake has those look again who wait to enter.
func (g *gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wakeAll()
}

func (g *gate) wakeAll() {
	for _, turn := range g.waiting {
		turn.Unlock()
	}
	g.waiting = nil
}

func (g *gate) leave(c class, who identity) {
	if c == none {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if c == clearing && who != whoIs() {
		g.back = unknown
	}
	if g.inside[c]--; g.inside[c] > 0 {
		return
	}
	if c == clearing && g.back != unknown {
		unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(g.back), 0, 0, 0)
		if who != whoIs() { // since they were compared
			unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
		}
	}
	g.wakeAll()
}

// wait is Wait of a sync.Cond. With one of those a goroutine in a bubble of
// testing/synctest could not be woken by one outside.
func (g *gate) wait() {
	turn := new(sync.Mutex)
	turn.Lock()
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	turn.Lock()
	g.mu.Lock()
}

// IsDumpable reports whether this process is dumpable, but for what starts do
// about that.
func IsDumpable() bool {
	g := dumpable
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside[clearing] > 0 {
		return g.back == 1
	}
	return dumpableFlag() == 1
}

func dumpableFlag() int {
	flag, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return unknown
	}
	return flag
}

// An identity is what a process that changes it loses the flag by
// (commit_creds in kernel/cred.c). One that has changed it since the flag was
// cleared keeps that. That a process has cleared the flag itself meanwhile by
// prctl(2), or that a thread has changed its own ids alone, nothing tells: the
// flag is a number, and it was 0 already.
type identity struct{ uid, gid int }

func whoIs() identity { return identity{unix.Geteuid(), unix.Getegid()} }
