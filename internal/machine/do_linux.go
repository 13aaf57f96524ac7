//go:build amd64 || arm64

package machine

import (
	"runtime"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// Do launches the child and returns when it has executed its program, or when
// nothing is left of it.
func (l *Launch) Do() Result {
	l.waitInKernel()
	if l.Vfork || l.looks {
		l.UntilEnd = nil
	}
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

// note has the moment that it is now among the times.
func (l *Launch) note(m Moment) {
	if l.Times != nil {
		l.Times.At[m] = l.Times.Now()
	}
}

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

// leave lets go of a child that was killed in vain. It is reaped whenever it dies, and
// keeps its hold on the dumpable flag until then: it shares this process's memory.
func (r *run) leave(res Result) Result {
	res = r.progress(res)
	class, who, insns := r.class, r.who, r.insns
	r.class = none
	go func(res Result) {
		res.reap(InChild)
		r.maker.outlive(nil)
		runtime.KeepAlive(insns) // a maker ends by one of them
		dumpable.leave(class, who)
	}(res)
	return res.left()
}
