//go:build amd64 || arm64

package machine

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A finder is a process, in this one's memory but with no descriptor of its own, that finds out where a
// directory is. The server of a file system on the way may never answer; see looker.
type finder struct {
	frame
	insns [6]insn
	mask  uint64
	stack [4096]byte
	path  *byte
	cwd   [unix.PathMax]byte

	mu  sync.Mutex
	pid uint32 // while it is there
}

// Its instructions.
const (
	finderParts = iota // with all descriptors, and copies none of them
	finderCopies
	finderCloses
	finderEnters // its working directory is its own
	finderReads
	finderEnds
)

// FindDir is the absolute path of a directory, without symbolic links. It is given up when the
// channel is closed, and the answer is EINTR then. Where a filter or an emulator is in the way of a process apart,
// it is errors.ErrUnsupported.
func FindDir(path string, stop <-chan struct{}) (string, error) {
	name, err := unix.BytePtrFromString(path)
	if err != nil {
		return "", err
	}
	p := &finder{path: name}
	p.link()
	found := make(chan error, 1)
	go func() { found <- p.find() }()
	select {
	case err := <-found:
		if err != nil {
			return "", err
		}
		return unix.ByteSliceToString(p.cwd[:]), nil
	case <-stop:
		p.kill()
		return "", unix.EINTR
	}
}

func (p *finder) find() error {
	spawn(&p.frame)
	if p.ret < 0 {
		return errors.ErrUnsupported
	}
	p.reap()
	for _, at := range []int{finderEnters, finderReads} {
		switch ret := p.insns[at].ret; {
		case ret == notRun:
			return errors.ErrUnsupported
		case ret > ^uint64(4095):
			return syscall.Errno(-ret)
		}
	}
	return nil
}

// reap waits for the process, whose number is another's afterwards.
func (p *finder) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	unix.Wait4(int(p.ret), nil, unix.WALL, nil)
	atomic.StoreUint32(&p.pid, 0)
}

// kill ends the process if it is still there. One whose request the server has read dies with the server.
func (p *finder) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pid := atomic.LoadUint32(&p.pid); pid != 0 {
		unix.Kill(int(pid), unix.SIGKILL)
	}
}

func (p *finder) at(i int) uint64 { return addressOf(&p.insns[i]) }

func (p *finder) link() {
	all := ^uint64(0) >> 32
	p.insns = [...]insn{
		finderParts:  {nr: unix.SYS_CLOSE_RANGE, arg: [6]uint64{0, all, unix.CLOSE_RANGE_UNSHARE}},
		finderCopies: {nr: unix.SYS_UNSHARE, arg: [6]uint64{unix.CLONE_FILES}},
		finderCloses: {nr: unix.SYS_CLOSE_RANGE, arg: [6]uint64{0, all}},
		finderEnters: {nr: unix.SYS_CHDIR, arg: [6]uint64{addressOf(p.path)}},
		finderReads:  {nr: unix.SYS_GETCWD, arg: [6]uint64{addressOf(unsafe.SliceData(p.cwd[:])), uint64(len(p.cwd))}},
		finderEnds:   {nr: unix.SYS_EXIT_GROUP},
	}
	for i := range p.insns {
		in := &p.insns[i]
		in.ret, in.next = notRun, uint64(insnSize)
		in.errno0, in.to0 = anyErrno, p.at(finderEnds)-p.at(i)
	}
	p.insns[finderParts].next = p.at(finderEnters) - p.at(finderParts)
	p.insns[finderParts].to0 = uint64(insnSize)
	p.insns[finderCopies].to0, p.insns[finderCloses].to0 = uint64(insnSize), uint64(insnSize)
	p.frame = frame{all: ^uint64(0), old: addressOf(&p.mask), first: p.at(finderParts)}
	p.nr = unix.SYS_CLONE
	// As vfork(2), which emulators know, but for the number, which comes before the process has run.
	p.arg = [5]uint64{unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID | uint64(unix.SIGCHLD), stackTop(p.stack[:]), addressOf(&p.pid)}
}
