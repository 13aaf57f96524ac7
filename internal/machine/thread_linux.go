//go:build amd64 || arm64

package machine

import (
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// A maker is a thread that makes the child. It is none of Go's: it is cloned
// from the calling thread, runs a few instructions of the machine and ends.
// There are two reasons for one.
//
// The kernel sends a parent-death signal when the thread ends that is the
// child's parent (go.dev/issue/27505), and the runtime ends threads. The
// children of a thread that ends go to the process's first living thread
// (find_alive_thread in kernel/exit.c, since Linux 4.0), which is its very first
// one, and that the runtime never ends. So the maker ends, and the child waits
// for it before it asks for the signal. Yet the child has all that the calling
// thread has changed for itself, such as its user, capabilities and namespaces:
// a thread inherits what a process does.
//
// And a birth with CLONE_VFORK keeps the thread that makes the child, while the
// caller may have to do something that the child waits for.
//
// Where both is so, the child of the thread is a second maker, a process. It
// waits until the thread has ended, makes the child as a sibling of its own
// (CLONE_PARENT), and is kept in its place.
type maker struct {
	insns [7]insn
	left  uint32 // not 0 before the thread is out of the memory
	gone  uint32 // not 0 once its child has the parent that stays
	made  uint64 // what the thread has made, or 0
	child uint64 // what the second maker has made, or 0

	first  Result // the second maker, while it is there
	thread bool   // the thread is there
}

// The maker's instructions.
const (
	threadMakes = iota
	threadEnds
	looksForThread // here the child begins, or the second maker
	awaitsThread
	secondMakes
	secondEnds
	secondCrashes
)

// threadFlags are those that threads of the C library have: emulators know no
// others.
const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_THREAD |
	unix.CLONE_SYSVSEM | unix.CLONE_CHILD_CLEARTID

// lasts reports whether the birth lasts until the child is out of the parent's
// memory.
func (l *Launch) lasts() bool { return l.Flags()&unix.CLONE_VFORK != 0 }

// bear makes the child, by the calling thread or by a maker.
func (r *run) bear(l *Launch) {
	if !l.Stop.begin(r) {
		r.ret = -int64(unix.EINTR)
		return
	}
	defer l.Stop.end()
	switch {
	case l.Plain || !l.Permanent && !(l.lasts() && l.needsParent()):
		spawn(r.frame)
	case !r.bearByThread(l):
		// The calling thread has made a PID namespace for its children, and
		// the kernel makes no threads there. Now the calling thread's end is
		// what the parent-death signal comes with, as in os/exec.
		if l.needsParent() {
			l.Vfork = false
		}
		r.useCall(l)
		spawn(r.frame)
	}
	if r.ret > 0 {
		atomic.StoreInt32(&r.pid, int32(r.ret))
	}
}

// bearByThread reports false if no thread can be made here.
func (r *run) bearByThread(l *Launch) bool {
	if r.maker == nil {
		r.maker = new(maker)
	}
	m, f := r.maker, r.frame
	*m = maker{left: 1}
	m.link(r, l)
	f.first = m.at(threadMakes)
	f.useThread(r.scratch[:makerStack], &m.left)
	spawn(f)
	if f.ret <= 0 {
		return f.ret != -int64(unix.EINVAL)
	}
	m.thread = true
	if !l.Permanent {
		f.ret = m.await(r, func() bool { return atomic.LoadUint32(&m.left) == 0 }, &m.made, threadMakes)
		return true
	}
	m.joinThread(int(f.ret))
	if f.ret = m.result(&m.made, threadMakes); f.ret < 0 || !l.lasts() {
		return true
	}
	m.first = Result{Pid: int(f.ret), PidFD: -1, stop: l.Stop}
	l.Stop.has(m.first)
	over := func() bool { return isDead(m.first.Pid) }
	if !l.needsParent() {
		m.first.reap(InChild)
		m.first = Result{}
		over = func() bool { return true }
	}
	f.ret = m.await(r, over, &m.child, secondMakes)
	return true
}

// makerStack is the size of a maker's stack, at the beginning of the child's.
const makerStack = scratchSize / 4

func (m *maker) at(i int) uint64 { return addressOf(&m.insns[i]) }

// link lays out the instructions around the call that makes the child, which
// is the one in the frame.
func (m *maker) link(r *run, l *Launch) {
	f := r.frame
	begin := f.first // of the child's program
	if l.Permanent {
		begin = m.at(looksForThread)
		m.waitForThread(f.first)
	}
	if l.Permanent && l.lasts() {
		m.waitForThread(m.at(secondMakes))
		f.clone[cloneFlags] |= unix.CLONE_PARENT | unix.CLONE_PARENT_SETTID
		if l.OldClone {
			f.arg[0] |= unix.CLONE_PARENT
		}
		m.call(secondMakes, f.nr, f.arg, &m.child, f.first, secondEnds)
		m.insns[secondEnds], m.insns[secondCrashes] = exitInsn(), crashInsn()
		f.nr = unix.SYS_CLONE
		f.arg = [5]uint64{unix.CLONE_VM | unix.CLONE_FILES, stackTop(r.scratch[:2*makerStack])}
	}
	m.call(threadMakes, f.nr, f.arg, &m.made, begin, threadEnds)
	m.insns[threadEnds] = insn{nr: unix.SYS_EXIT, ret: notRun, errno0: anyErrno}
}

// call lays out a call that makes a process, which begins at an instruction.
// The maker goes on at another, be there a process or not.
func (m *maker) call(i int, nr uint64, arg [5]uint64, made *uint64, begin uint64, next int) {
	in := insn{op: opSibling, nr: nr, out0: addressOf(made), next: begin - m.at(i), ret: notRun}
	in.errno0, in.to0 = anyErrno, m.at(next)-m.at(i)
	copy(in.arg[:], arg[:])
	m.insns[i] = in
}

// waitForThread has whoever begins at looksForThread go on at an instruction
// once the thread has ended.
func (m *maker) waitForThread(then uint64) {
	size, gone := uint64(insnSize), addressOf(&m.gone)
	back := -size
	m.insns[looksForThread] = insn{op: opTest, arg: [6]uint64{gone, 1, then - m.at(looksForThread)}, next: size, ret: notRun}
	m.insns[awaitsThread] = insn{nr: unix.SYS_FUTEX, arg: [6]uint64{gone, futexWait}, next: back, errno0: anyErrno, to0: back, ret: notRun}
}

// result is what has been made, as a system call says it.
func (m *maker) result(made *uint64, by int) int64 {
	if pid := atomic.LoadUint64(made); pid != 0 {
		return int64(pid)
	}
	if errno := int64(atomic.LoadUint64(&m.insns[by].ret)); errno < 0 {
		return errno
	}
	return -int64(unix.EAGAIN) // the second maker was killed
}

// await returns the child when there is one, or why there is none when its
// maker has ended.
func (m *maker) await(r *run, over func() bool, made *uint64, by int) int64 {
	for patience := 0; ; patience++ {
		if pid := atomic.LoadInt32(&r.pid); pid != 0 {
			return int64(pid)
		}
		if over() {
			if pid := atomic.LoadInt32(&r.pid); pid != 0 {
				return int64(pid)
			}
			return m.result(made, by)
		}
		pause(patience)
	}
}

// joinThread waits until the thread has ended and given away its child, and lets
// that go on. When the word is cleared, the thread has yet to do so; it has done
// it when its number is nobody's any more.
func (m *maker) joinThread(tid int) {
	m.awaitLeft(nil)
	pid := os.Getpid()
	const enough = 1 << 17 // some seconds: by then it is another thread's number
	for patience := 0; patience < enough && unix.Tgkill(pid, tid, 0) == nil; patience++ {
		pause(patience)
	}
	atomic.StoreUint32(&m.gone, 1)
	futexWakeOne(&m.gone)
}

// awaitLeft waits until the thread is out of the memory, and reports false if its
// child was killed in vain meanwhile.
func (m *maker) awaitLeft(stop *Stop) bool {
	for word := atomic.LoadUint32(&m.left); word != 0; word = atomic.LoadUint32(&m.left) {
		if stop.inVain() {
			return false
		}
		futexWaitFor(&m.left, word, time.Second)
	}
	m.thread = false
	return true
}

// outlive waits for what is left of the makers: they use memory of the
// launch's. The child needs the parent no longer, or was killed: it reports
// false if that was in vain.
func (m *maker) outlive(stop *Stop) bool {
	if m == nil {
		return true
	}
	if m.thread && !m.awaitLeft(stop) {
		return false
	}
	if m.first.Pid == 0 {
		return true
	}
	for stop != nil && !isDead(m.first.Pid) {
		if stop.inVain() {
			return false
		}
		plain.Sleep(time.Millisecond)
	}
	m.first.reap(InChild)
	m.first = Result{}
	return true
}

// makes reports whether the instruction is a maker's.
func (m *maker) makes(at uint64) bool { return m != nil && m.at(0) <= at && at <= m.at(len(m.insns)-1) }

// useThread fills in the call that makes a thread.
func (f *frame) useThread(stack []byte, left *uint32) {
	f.nr = unix.SYS_CLONE
	f.arg = [5]uint64{threadFlags, stackTop(stack)}
	f.arg[childTIDArg] = addressOf(left)
}
