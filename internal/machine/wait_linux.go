//go:build amd64 || arm64

package machine

import (
	"math"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/program"
)

// A fate is what has become of a child that was to execute a program.
type fate uint8

const (
	pending  fate = iota // it has not executed as yet
	executed             // it has, whatever has become of it since
	dead                 // it has ended before
)

// fateOf tells what has become of a child, in whatever session, user or filter
// it or its program has put itself since, and without /proc.
//
// The child is made with no exit signal, and execve gives it SIGCHLD as its
// own (de_thread in fs/exec.c), before it leaves the parent's memory. waitid(2)
// with __WCLONE considers only children whose exit signal is not SIGCHLD. So
// it finds no child exactly if the child has executed.
func fateOf(pid int) fate {
	var info waitInfo
	errno := waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WCLONE)
	switch {
	case errno == unix.ECHILD:
		return executed
	case info.pid != 0:
		return dead
	}
	return pending
}

// fateOfFork is fateOf for a child whose exit signal is SIGCHLD, as that of a
// fork must be: with Plain, and where the child is traced by the caller, whom
// waitid shows it always.
//
// POSIX has a way to ask: setpgid(2) answers EACCES for a child that has
// executed. In another session, whoever made that, it answers EPERM before it
// looks. There a child that was not to make a session has executed, and of any
// other the kernel's flags tell, if there is a /proc.
func fateOfFork(pid int, leadsSession bool) fate {
	const noGroup = math.MaxInt32
	switch err := unix.Setpgid(pid, noGroup); {
	case err == unix.EACCES, err == unix.ESRCH: // somebody else has reaped it
		return executed
	case inOwnSession(pid) && !leadsSession:
		return executed
	}
	flags, known := statFlags(pid)
	switch {
	case known && flags&pfForkNoExec == 0:
		return executed
	case isDead(pid):
		return dead
	}
	return pending
}

func inOwnSession(pid int) bool {
	theirs, err := unix.Getsid(pid)
	mine, _ := unix.Getsid(0)
	return err == nil && theirs != mine
}

func (r *run) fate(l *Launch, pid int) fate {
	if l.Plain || l.Program.Has(program.Ptrace) {
		return fateOfFork(pid, l.Program.Has(program.Setsid))
	}
	return fateOf(pid)
}

// settle waits until it is known what has become of a child that has left the
// parent's memory in its execve: what is left of that, or of its end, takes no
// time of the child's own.
func (r *run) settle(l *Launch, pid int) fate {
	for patience := 0; ; patience++ {
		if f := r.fate(l, pid); f != pending {
			return f
		}
		pause(patience)
	}
}

// awaitOwnMemory returns when a child that executes its program has memory of its
// own. The kernel tells the parent a little before that (exec_mmap in fs/exec.c calls
// mm_release first), and whoever has rights over the child would still find the
// parent's memory there, which must not be dumpable until then. PF_FORKNOEXEC goes
// after that. Where neither a process group nor /proc tells, a moment has to do.
func awaitOwnMemory(l *Launch, pid int) {
	const patient = 100
	leads := l.Program.Has(program.Setsid)
	for patience := 0; patience < patient && fateOfFork(pid, leads) == pending; patience++ {
		pause(patience)
	}
}

// wait returns when the child has left the parent's memory. It waits in a
// system call that the scheduler knows of: a child that takes long to execute
// holds up nothing but this goroutine.
//
// The kernel clears the word and wakes the parent. From time to time the parent
// looks for itself: there are kernels that do not clear it at an execve
// (gVisor), and a fork leaves no memory.
func (r *run) wait(l *Launch, pid int) {
	if l.UntilEnd != nil { // or until somebody else has reaped it
		waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT|unix.WALL)
		return
	}
	for nap := firstNap(l); !r.dying; nap = min(2*nap, longestNap) {
		word := atomic.LoadUint32(r.left)
		if word == 0 || r.mayGo(l, pid, nap) {
			return
		}
		if l.Stop.inVain() {
			r.lost, r.dying = true, true
			return
		}
		// The kernel wakes a futex that is not private.
		futexWaitFor(r.left, word, nap)
	}
}

// How long the parent waits before it looks for itself.
const (
	longestNap  = time.Second
	shortestNap = 100 * time.Microsecond // where the child wakes nobody
	usualNap    = 5 * time.Millisecond
)

func firstNap(l *Launch) time.Duration {
	if l.Plain || l.looks {
		return shortestNap
	}
	return usualNap
}

// mayGo reports whether the child needs the parent's memory no longer, although
// the word is not cleared.
func (r *run) mayGo(l *Launch, pid int, nap time.Duration) bool {
	if l.Flags()&unix.CLONE_VFORK != 0 && !l.Plain && l.Sibling == nil && !l.Stop.IsAsked() {
		// The birth has lasted until the child was out of the memory. A
		// maker that is killed does not wait for that.
		wordStays.Store(true)
		return true
	}
	if nap == firstNap(l) || r.fate(l, pid) == pending {
		return false
	}
	if l.Plain || l.looks {
		return true
	}
	// A kernel that clears the word is about to do so.
	for moment := plain.In(10 * time.Millisecond); !moment.Over(); plain.Sleep(time.Millisecond) {
		if atomic.LoadUint32(r.left) == 0 {
			return true
		}
	}
	wordStays.Store(true)
	r.lost = true
	return true
}

// wordStays says that the kernel does not clear the word at an execve. It is a
// fact about the kernel, learned from the first start.
var wordStays atomic.Bool

// waitInKernel has the birth last until the child has left the parent's memory
// where the word does not tell that, and where this process is traced. A debugger
// takes a child that shares its parent's memory for one that copies it, and
// removes its breakpoints there, unless it is told that it is a vfork.
//
// A traced child stops before it executes, and its parent has to say how it
// goes on.
func (l *Launch) waitInKernel() {
	if l.Program.Has(program.Ptrace) {
		return
	}
	switch {
	case wordStays.Load() && l.Permanent:
		// gVisor has no CLONE_PARENT either, which it would take; see maker.
		l.looks, l.Vfork = true, false
	case wordStays.Load() || isTraced():
		l.Vfork = true
	}
}

// isTraced reports whether this process is traced. It looks a few times a second
// at most.
func isTraced() bool {
	now := time.Now().UnixNano()
	if last := traced.seen.Load(); now-last < int64(200*time.Millisecond) && last <= now {
		return traced.is.Load()
	}
	is := tracerPid() != 0
	traced.is.Store(is)
	traced.seen.Store(now)
	return is
}

var traced struct {
	seen atomic.Int64
	is   atomic.Bool
}

// abandoned is memory that the kernel may write to when it gets on with an
// execve which has begun. It is never used again.
var abandoned struct {
	mu   sync.Mutex
	runs []*run
	data [][]byte
}

func abandon(r *run, p *program.Program) {
	abandoned.mu.Lock()
	defer abandoned.mu.Unlock()
	r.insns, r.scratch = nil, nil
	abandoned.runs = append(abandoned.runs, r)
	if r.left != &r.tid {
		abandoned.data = append(abandoned.data, p.Data)
		p.Data = append([]byte(nil), p.Data...)
	}
}

// Operations of futex(2).
const (
	futexWait = 0
	futexWake = 1
)

func futexWakeOne(word *uint32) {
	syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, 1, 0, 0, 0)
}

// futexWaitFor sleeps while the word has the value, and no longer than nap.
func futexWaitFor(word *uint32, value uint32, nap time.Duration) {
	most := unix.NsecToTimespec(int64(nap))
	syscall.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(value), uintptr(unsafe.Pointer(&most)), 0, 0)
}
