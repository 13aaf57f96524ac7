//go:build amd64 || arm64

package machine

import (
	"errors"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A looker is a process, in this one's memory but with no descriptor of its own, that looks
// at a file in another root. That file's server may never answer, and a process that waits for
// it cannot be killed (fuse: a request that the server has read is waited out). A thread that
// waits would be one of this process, which could not even exit.
type looker struct {
	frame
	insns [8]insn
	mask  uint64
	how   unix.OpenHow
	stat  unix.Stat_t
	stack [4096]byte
	root  *byte
	path  *byte
	head  []byte
}

var lookers = sync.Pool{New: func() any { return new(looker) }}

// Its instructions.
const (
	lookerGoesIn = iota + apartBegins
	lookerOpens
	lookerStats
	lookerReads
	lookerEnds
)

// LookIn opens a file inside of a root, neither ".." nor a symbolic link leading out of it, and
// returns what stat(2) says of it and so much of its beginning, of a regular file only.
// The caller may give up on it: what waits then is no part of this process. Where a filter or an
// emulator is in the way of that, the answer is errors.ErrUnsupported.
func LookIn(root, path string, flags, size int) (stat unix.Stat_t, head []byte, err error) {
	p := lookers.Get().(*looker)
	defer lookers.Put(p)
	if p.root, err = unix.BytePtrFromString(root); err != nil {
		return stat, nil, err
	}
	if p.path, err = unix.BytePtrFromString(path); err != nil {
		return stat, nil, err
	}
	p.how = unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT}
	p.head = make([]byte, size)
	p.link()
	spawn(&p.frame)
	if p.ret < 0 {
		return stat, nil, errors.ErrUnsupported
	}
	unix.Wait4(int(p.ret), nil, 0, nil)
	for _, at := range []int{lookerGoesIn, lookerOpens, lookerStats} {
		if err := p.insns[at].outcome(); err != nil {
			return stat, nil, err
		}
	}
	if p.stat.Mode&unix.S_IFMT != unix.S_IFREG || size == 0 {
		return p.stat, nil, nil
	}
	if err := p.insns[lookerReads].outcome(); err != nil {
		return p.stat, nil, err
	}
	return p.stat, p.head[:p.insns[lookerReads].ret], nil
}

// outcome is what an instruction of a process apart has failed with.
func (in *insn) outcome() error {
	switch {
	case in.ret == notRun: // the process was killed, or has memory of its own
		return errors.ErrUnsupported
	case in.ret > ^uint64(4095):
		return syscall.Errno(-in.ret)
	}
	return nil
}

// The first instructions of a process apart, which leave it without descriptors.
const (
	apartParts  = iota // with all descriptors, and copies none of them
	apartCopies        // where it cannot
	apartCloses        // at worst it has copies of some for as long as it looks
	apartBegins
)

// linkApart has each instruction followed by the next, and by the last where it fails. The first ones
// are made here.
func linkApart(insns []insn) {
	all := ^uint64(0) >> 32
	insns[apartParts] = insn{nr: unix.SYS_CLOSE_RANGE, arg: [6]uint64{0, all, unix.CLOSE_RANGE_UNSHARE}}
	insns[apartCopies] = insn{nr: unix.SYS_UNSHARE, arg: [6]uint64{unix.CLONE_FILES}}
	insns[apartCloses] = insn{nr: unix.SYS_CLOSE_RANGE, arg: [6]uint64{0, all}}
	distance := func(from, to int) uint64 { return addressOf(&insns[to]) - addressOf(&insns[from]) }
	last := len(insns) - 1
	insns[last] = insn{nr: unix.SYS_EXIT_GROUP}
	for i := range insns {
		in := &insns[i]
		in.ret, in.next = notRun, uint64(insnSize)
		in.errno0, in.to0 = anyErrno, distance(i, last)
	}
	insns[apartParts].next = distance(apartParts, apartBegins)
	for _, i := range []int{apartParts, apartCopies, apartCloses} {
		insns[i].to0 = uint64(insnSize)
	}
}

func (p *looker) link() {
	here := unix.AT_FDCWD
	p.insns = [...]insn{
		lookerGoesIn: {nr: unix.SYS_OPENAT, arg: [6]uint64{uint64(here), addressOf(p.root), unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC}},
		lookerOpens:  {nr: unix.SYS_OPENAT2, arg: [6]uint64{0, addressOf(p.path), addressOf(&p.how), unix.SizeofOpenHow}},
		lookerStats:  {nr: unix.SYS_FSTAT, arg: [6]uint64{0, addressOf(&p.stat)}},
		lookerReads:  {nr: unix.SYS_PREAD64, arg: [6]uint64{0, addressOf(unsafe.SliceData(p.head)), uint64(len(p.head))}},
		lookerEnds:   {},
	}
	linkApart(p.insns[:])
	p.insns[lookerGoesIn].out0 = addressOf(&p.insns[lookerOpens].arg[0])
	p.insns[lookerOpens].out0 = addressOf(&p.insns[lookerStats].arg[0])
	p.insns[lookerOpens].out1 = addressOf(&p.insns[lookerReads].arg[0])
	p.frame = frame{all: ^uint64(0), old: addressOf(&p.mask), first: addressOf(&p.insns[0])}
	p.nr = unix.SYS_CLONE
	// As vfork(2), which emulators know.
	p.arg = [5]uint64{unix.CLONE_VM | unix.CLONE_VFORK | uint64(unix.SIGCHLD), stackTop(p.stack[:])}
}
