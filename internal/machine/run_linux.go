//go:build amd64 || arm64

package machine

import (
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
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

// step is the step that the child has come to.
func (r *run) step() int {
	if r.maker.makes(r.cur) { // it has not begun
		return 0
	}
	return r.place.step(r.cur)
}

// born is the child, as soon as it is made.
func (r *run) born() Result {
	return Result{Pid: int(atomic.LoadInt32(&r.pid)), PidFD: int(r.pidfd), Taken: -1}
}
