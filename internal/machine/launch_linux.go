//go:build amd64 || arm64

package machine

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// A Launch is a program and how the child that runs it comes to be.
type Launch struct {
	Program *program.Program
	// Mask is a word of the program's data. It receives the calling thread's
	// signal mask before the child is made, for the step that restores it.
	Mask program.Arg
	// Namespaces are CLONE_NEW flags for the birth itself.
	Namespaces uint64
	// Cgroup is a descriptor of the cgroup that the child is born in, or -1.
	Cgroup int
	// CopyFiles gives the child a copy of the descriptor table at once. It
	// is for kernels where the program cannot unshare a part of it.
	CopyFiles bool
	// Vfork has the birth last until the child has left the parent's memory
	// (CLONE_VFORK). The kernel's OOM killer spares a child in that state,
	// and so its parent: it kills every process that shares the memory of the
	// one that it has chosen (in_vfork in mm/oom_kill.c). It is for children
	// that are born in, or go to, a cgroup that their parent is not in. It
	// is left out with OldClone if the parent has a part in the start. Do sets
	// it where the wait needs it; see [Launch.waitInKernel].
	Vfork bool
	// OldClone uses clone(2). The program must then reset the signal
	// handlers itself.
	OldClone bool
	// NoPidFD does without a pidfd.
	NoPidFD bool
	// Plain makes the child as vfork(3) does, with no flags besides, for
	// emulators that know no other way without threads. They may turn it into
	// a fork, so the program runs in memory that a fork leaves shared.
	Plain bool
	// Permanent has the child be that of a thread which lives as long as the
	// process, so that its parent-death signal means the process's death.
	Permanent bool
	// Credentials says that the program changes credentials, which makes
	// the shared memory undumpable; see dumpable.
	Credentials bool
	// Hides says that the shared memory is undumpable from before the birth
	// on: the program enters namespaces in which others have rights over it.
	Hides bool
	// Rendezvous, if not nil, is called while the child waits for the word
	// Go of the program's data. The child is killed if it fails.
	Rendezvous func(pid int) error
	Go         program.Arg
	// Handover, if not nil, is a descriptor that the child hands to the parent
	// at its end.
	Handover *program.Handover
	// Door, if not nil, is what the child waits at for that, instead of the word.
	Door *Door
	// Sibling, if not nil, says which step makes the process that goes on.
	Sibling *Sibling
	// ReadsProc says that the rendezvous, or the child itself, needs the
	// child's files in /proc to belong to the caller.
	ReadsProc bool
	// Times, if not nil, is filled in.
	Times *Times
	// Stop, if not nil, may end the launch. What becomes of a child that does not die
	// then is nobody's business any more.
	Stop *Stop

	looks bool // the parent has to look whether the child has executed; no word tells
}

// A Result is how a launch ended.
type Result struct {
	Pid   int
	PidFD int // -1 if there is none
	Taken int // the descriptor that was handed over, or -1

	OK bool // the child has executed its program

	// If not OK, nothing is left of the child.
	Place  Place          // what failed
	Step   int            // the step of the program, for InChild and InSecond
	Errno  syscall.Errno  // the kernel's answer, or 0
	Signal syscall.Signal // the signal that killed the child, or 0
	Err    error          // the rendezvous' error

	code  int   // what the child exited with
	ended bool  // the child had come to its end before the parent's part failed
	over  bool  // nothing is left of the child already
	stop  *Stop // of the launch
}

// A Place is where a launch failed.
type Place uint8

const (
	AtBirth      Place = iota // the child could not be made
	AtMeeting                 // the parent's part of the rendezvous
	AtHandover                // taking the descriptor that the child hands over
	InChild                   // a step of the program
	InSecond                  // a step of the second stage
	SecondItself              // the second stage was killed; at which step is not known
)

// A run is one launch while it is going on. It is what the child reads and
// writes, and lives on the heap, which does not move.
type run struct {
	*frame
	insns []insn
	left  *uint32 // cleared when the child has left the parent's memory
	place layout
	class class
	who   identity // that has entered it
	// scratch is the child's stack. The machine uses none, but a tracer may
	// write below the stack pointer: proot puts paths there.
	scratch []byte
	maker   *maker
	private *run // what r is otherwise, while its memory is that of a plain launch
	shared  []byte
	lost    bool // the kernel may write to left some day
	dying   bool // so it may since the child was killed in vain
}

// runs keeps the memory of finished launches for the next ones.
var runs = sync.Pool{New: func() any {
	return &run{frame: new(frame), scratch: make([]byte, scratchSize)}
}}

// scratchSize is enough for a few paths, arguments and a signal frame.
const scratchSize = 64 << 10

// Do launches the child and returns when it has executed its program, or when
// nothing is left of it.
func (l *Launch) Do() Result {
	l.waitInKernel()
	r := runs.Get().(*run)
	if errno := r.makeRoom(l); errno != 0 {
		runs.Put(r)
		return Result{PidFD: -1, Taken: -1, Place: AtBirth, Errno: errno}
	}
	r.prepare(l)
	defer r.recycle(l)
	l.note(Linked)
	if !r.gate(l.firstClass(), l.Hides, l.Stop) {
		return Result{PidFD: -1, Taken: -1, Place: AtBirth, Errno: unix.EINTR}
	}
	defer func() { r.gate(none, false, nil) }()

	traced := l.Program.Has(program.Ptrace)
	if l.Rendezvous != nil || traced {
		// While it waits, the child dies with the thread that cloned it. Of
		// a traced child that thread is the tracer.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	l.note(Birth)
	r.bear(l)
	if r.ret < 0 {
		r.lost = !r.maker.outlive(l.Stop)
		return Result{PidFD: -1, Taken: -1, Place: AtBirth, Errno: syscall.Errno(-r.ret)}
	}
	res := r.serve(l)
	if !r.maker.outlive(l.Stop) {
		r.lost, r.dying = true, true
	}
	if res.over {
		l.note(Left)
		return res
	}
	if res.Err != nil {
		res = r.giveUp(l, res)
		l.note(Left)
	} else {
		if traced {
			r.pass(res.Pid)
		}
		r.wait(l, res.Pid)
		l.note(Left)
		res = r.outcome(l, res)
		if res.OK && r.class == clearing {
			awaitOwnMemory(l, res.Pid)
		}
		l.note(Known)
	}
	res.dropTaken()
	runtime.KeepAlive(l)
	return res
}

// firstClass is what the launch is, until its rendezvous, with regard to the
// dumpable flag. Root reaches /proc without the flag.
func (l *Launch) firstClass() class {
	switch {
	case l.Hides:
		return clearing
	case l.ReadsProc && os.Geteuid() != 0:
		return needing
	case l.Credentials:
		return clearing
	}
	return none
}

// gate leaves the class that the run is in and enters another, unless it is stopped
// meanwhile.
func (r *run) gate(c class, hides bool, stop *Stop) bool {
	if r.class == c {
		return true
	}
	dumpable.leave(r.class, r.who)
	r.class = none
	who, entered := dumpable.enter(c, hides, stop)
	if entered {
		r.who, r.class = who, c
	}
	return entered
}

// makeRoom provides the memory that the child runs in.
func (r *run) makeRoom(l *Launch) syscall.Errno {
	r.place = layout{logs: l.Program.Log.Entries > 0}
	n := len(l.Program.Steps)*r.place.perStep() + failureInsns
	if l.Plain {
		return r.share(l.Program, n)
	}
	if cap(r.insns) < n {
		r.insns = make([]insn, 0, 2*n)
	}
	r.insns = r.insns[:n]
	return 0
}

// failureInsns is the number of instructions that are run after a failure.
const failureInsns = 2

// prepare lays out the program and fills in the frame.
func (r *run) prepare(l *Launch) {
	p := l.Program
	steps := len(r.insns) - failureInsns
	r.place.insns, r.place.data, r.place.state = addressOf(&r.insns[0]), addressOf(unsafe.SliceData(p.Data)), addressOf(&r.state)
	r.place.link(p, r.insns[:0])
	r.insns[steps], r.insns[steps+1] = exitInsn(), crashInsn()

	f := r.frame
	*f = frame{all: ^uint64(0), tid: 1, pidfd: -1}
	f.state = r.place.begin(p, addressOf(&r.insns[steps]))
	if p.Handler > 0 {
		f.state.handler = r.place.insn(p.Handler)
	}
	r.left = &f.tid
	f.old = r.place.data + l.Mask.Value
	r.useCall(l)
	f.cur = f.first // where a child is that is killed at once
}

// useCall fills in the call that makes the child.
func (r *run) useCall(l *Launch) {
	r.first = r.place.entry(l.Program, 0)
	switch flags := l.Flags(); {
	case l.Plain:
		r.usePlain(flags)
	case l.OldClone:
		r.useClone(flags, r.scratch)
	default:
		r.useClone3(flags, l.Cgroup, r.scratch)
	}
}

// recycle leaves the launch's memory to the next one, unless somebody may
// still write to it.
func (r *run) recycle(l *Launch) {
	r.place.unlink(l.Program)
	if r.lost {
		abandon(r, l.Program)
		return
	}
	if r.private != nil {
		r.unshare(l.Program)
	}
	runs.Put(r)
}

// Flags are the flags that the child is cloned with.
func (l *Launch) Flags() uint64 {
	if l.Plain {
		return unix.CLONE_VM | unix.CLONE_VFORK | l.Namespaces
	}
	flags := plainFlags | l.Namespaces
	if l.looks {
		flags &^= unix.CLONE_CHILD_CLEARTID
	}
	if l.CopyFiles {
		flags &^= unix.CLONE_FILES
	}
	if l.NoPidFD {
		flags &^= unix.CLONE_PIDFD
	}
	if l.Cgroup >= 0 {
		flags |= cloneIntoCgroup
	}
	switch {
	case l.Vfork && !l.needsParent():
		flags |= unix.CLONE_VFORK
		if l.Stop != nil && (!l.OldClone || l.NoPidFD) {
			flags |= unix.CLONE_PARENT_SETTID
		}
	case l.Vfork && !l.OldClone: // clone(2) has one argument for the pidfd and the pid
		flags |= unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID
	}
	return flags
}

// exitInsn ends the child. The code is seen by nobody: the parent reaps a
// child that failed. A filter may deny even that.
func exitInsn() insn {
	return insn{
		nr: numbers[program.ExitGroup], arg: [6]uint64{125}, ret: notRun,
		errno0: anyErrno, to0: uint64(insnSize),
	}
}

// crashInsn ends a child that cannot exit: it reads address 0.
func crashInsn() insn { return insn{op: opMove, ret: notRun} }

// meet does the parent's part of a rendezvous and lets the child go on.
func (r *run) meet(l *Launch, pid int) error {
	if l.Rendezvous == nil {
		return nil
	}
	if err := l.Rendezvous(pid); err != nil {
		return err
	}
	if l.Credentials && !r.gate(clearing, false, l.Stop) { // the child still waits before it changes them
		return errStopped
	}
	word := word32(l.Program, l.Go)
	atomic.StoreUint32(word, 1)
	futexWakeOne(word)
	return nil
}

// giveUp ends a launch in which the parent's part has failed. That may be the child's
// doing: an unprivileged parent cannot open the files of a process that has
// ended.
func (r *run) giveUp(l *Launch, res Result) Result {
	at, err, ended := res.Place, res.Err, res.ended
	r.wait(l, res.Pid)
	if r.dying {
		return r.leave(res)
	}
	res.Err = nil
	res = r.progress(res.reap(InChild))
	if r.failed == 0 && !ended && (res.Signal == 0 || res.Signal == unix.SIGKILL) {
		res.Place, res.Err, res.Signal = at, err, 0
	}
	return res
}

// progress notes how far the child came, and what failed there if anything
// did.
func (r *run) progress(res Result) Result {
	res.Step = r.step()
	if r.failed != 0 {
		res.Step = r.place.step(r.failed)
		res.Errno = syscall.Errno(r.errno)
	}
	return res
}

// step is the step that the child has come to.
func (r *run) step() int {
	if r.maker.makes(r.cur) { // it has not begun
		return 0
	}
	return r.place.step(r.cur)
}

// pass waits for a traced child to execute, and hands it the signals that it
// gets before: each stops it until its tracer, this thread, says how to go on.
// The stop at the execve is left for whoever traces.
func (r *run) pass(pid int) {
	for atomic.LoadUint32(r.left) != 0 {
		var info waitInfo
		errno := waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT|unix.WALL)
		if errno != 0 || info.code != cldTrapped || atomic.LoadUint32(r.left) == 0 {
			return
		}
		unix.PtraceCont(pid, int(info.status))
	}
}

// outcome finds out how the first stage ended.
func (r *run) outcome(l *Launch, res Result) Result {
	res = r.progress(res)
	if r.dying {
		return r.leave(res)
	}
	if r.failed != 0 {
		res = res.reap(InChild)
		res.Signal = 0 // its exit may have been denied
		return res
	}
	if !r.atExecve(l.Program) || r.settle(l, res.Pid) != executed {
		return res.reap(InChild)
	}
	res.OK = true
	return res
}

// atExecve reports whether the child has come to the end of its program.
func (r *run) atExecve(p *program.Program) bool {
	call := p.Steps[r.step()].Call
	return call == program.Execve || call == program.Execveat
}
