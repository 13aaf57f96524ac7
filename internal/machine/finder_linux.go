//go:build amd64 || arm64

package machine

import (
	"errors"
	"sync"
	"sync/atomic"
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
	finderEnters = iota + apartBegins // its working directory is its own
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
		if err := p.insns[at].outcome(); err != nil {
			return err
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

func (p *finder) link() {
	p.insns = [...]insn{
		finderEnters: {nr: unix.SYS_CHDIR, arg: [6]uint64{addressOf(p.path)}},
		finderReads:  {nr: unix.SYS_GETCWD, arg: [6]uint64{addressOf(unsafe.SliceData(p.cwd[:])), uint64(len(p.cwd))}},
		finderEnds:   {},
	}
	linkApart(p.insns[:])
	p.frame = frame{all: ^uint64(0), old: addressOf(&p.mask), first: addressOf(&p.insns[0])}
	p.nr = unix.SYS_CLONE
	// As vfork(2), which emulators know, but for the number, which comes before the process has run.
	p.arg = [5]uint64{unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID | uint64(unix.SIGCHLD), stackTop(p.stack[:]), addressOf(&p.pid)}
}
