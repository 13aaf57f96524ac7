//go:build amd64 || arm64

package machine

import (
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// share puts the frame, room for n instructions and the program's data into
// memory that stays shared if a vfork turns out to be a fork.
func (r *run) share(p *program.Program, n int) syscall.Errno {
	const head = int(unsafe.Sizeof(frame{}))
	insns := n * StepSize
	mem, err := unix.Mmap(-1, 0, head+insns+max(len(p.Data), 1), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return err.(syscall.Errno)
	}
	own := *r
	r.private, r.shared = &own, mem
	r.frame = (*frame)(unsafe.Pointer(&mem[0]))
	r.insns = unsafe.Slice((*insn)(unsafe.Pointer(&mem[head])), n)
	data := mem[head+insns:][:len(p.Data)]
	copy(data, p.Data)
	p.Data = data
	return 0
}

// unshare takes that back.
func (r *run) unshare(p *program.Program) {
	p.Data = slices.Clone(p.Data)
	unix.Munmap(r.shared)
	*r = *r.private
}

// usePlain fills in the call as vfork(3) makes it. The stack is the caller's, as an
// emulator expects it there; a tracer that writes to it would write to a fork's.
func (f *frame) usePlain(flags uint64) {
	f.nr = unix.SYS_CLONE
	f.arg = [5]uint64{flags | uint64(unix.SIGCHLD)}
}

//go:noescape
func askValgrind(request *[6]uint64) uint64

// OnValgrind reports whether valgrind runs this process. It ends a process that
// makes a child in a way that it does not know, so it is asked beforehand.
func OnValgrind() bool {
	const runningOnValgrind = 0x1001
	return askValgrind(&[6]uint64{runningOnValgrind}) != 0
}
