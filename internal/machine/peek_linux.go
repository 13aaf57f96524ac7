//go:build amd64 || arm64

package machine

import (
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A peeker is a thread, none of Go's, that reads from a file with a descriptor
// table of its own. Whoever closes any descriptor of a file takes from the
// process all record locks on it that were set with F_SETLK
// (fcntl_locking(2)): that is, from the table that the descriptor was in. So
// nothing but such a thread may open a file that the caller may have locked,
// and close it again.
type peeker struct {
	frame
	insns [5]insn
	mask  uint64
	left  uint32 // not 0 before the thread has ended
	stack [4096]byte
}

// Its instructions.
const (
	peekerParts = iota // with all descriptors, and copies none of them
	peekerCopies
	peekerOpens
	peekerReads
	peekerEnds
)

var peekers = sync.Pool{New: func() any { return new(peeker) }}

// Peek reads from a file as pread(2) does. Nothing else is to be seen of it in
// this process.
func Peek(path string, b []byte, off int64) (int, error) {
	name, err := unix.BytePtrFromString(path)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	p := peekers.Get().(*peeker)
	defer peekers.Put(p)
	p.link(name, b, off)
	spawn(&p.frame)
	if p.ret < 0 {
		return 0, &fs.PathError{Op: "clone", Path: path, Err: syscall.Errno(-p.ret)}
	}
	for word := atomic.LoadUint32(&p.left); word != 0; word = atomic.LoadUint32(&p.left) {
		futexWaitFor(&p.left, word, time.Second)
	}
	runtime.KeepAlive(name)
	runtime.KeepAlive(b)
	for at, op := range []string{peekerCopies: "unshare", peekerOpens: "open", peekerReads: "read"} {
		if errno := p.errno(at); op != "" && errno != 0 {
			return 0, &fs.PathError{Op: op, Path: path, Err: errno}
		}
	}
	return int(atomic.LoadUint64(&p.insns[peekerReads].ret)), nil
}

// errno is what an instruction has failed with.
func (p *peeker) errno(at int) syscall.Errno {
	if errno := -atomic.LoadUint64(&p.insns[at].ret); errno <= 4095 {
		return syscall.Errno(errno)
	}
	return 0
}

func (p *peeker) at(i int) uint64 { return addressOf(&p.insns[i]) }

func (p *peeker) link(name *byte, b []byte, off int64) {
	here := unix.AT_FDCWD
	const flags = unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	p.insns = [...]insn{
		peekerParts:  {nr: unix.SYS_CLOSE_RANGE, arg: [6]uint64{0, ^uint64(0) >> 32, unix.CLOSE_RANGE_UNSHARE}},
		peekerCopies: {nr: unix.SYS_UNSHARE, arg: [6]uint64{unix.CLONE_FILES}},
		peekerOpens:  {nr: unix.SYS_OPENAT, arg: [6]uint64{uint64(here), addressOf(name), flags}},
		peekerReads:  {nr: unix.SYS_PREAD64, arg: [6]uint64{0, addressOf(unsafe.SliceData(b)), uint64(len(b)), uint64(off)}},
		peekerEnds:   {nr: unix.SYS_EXIT},
	}
	for i := range p.insns {
		in := &p.insns[i]
		in.ret, in.next = notRun, uint64(insnSize)
		in.errno0, in.to0 = anyErrno, p.at(peekerEnds)-p.at(i)
	}
	p.insns[peekerParts].next = p.at(peekerOpens) - p.at(peekerParts)
	p.insns[peekerParts].to0 = p.at(peekerCopies) - p.at(peekerParts)
	p.insns[peekerOpens].out0 = addressOf(&p.insns[peekerReads].arg[0])
	p.left = 1
	p.frame = frame{all: ^uint64(0), old: addressOf(&p.mask), first: p.at(peekerParts)}
	p.useThread(p.stack[:], &p.left)
}
