//go:build amd64 || arm64

package machine

import (
	"errors"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// ErrAlone says that this process can have no other beside it in its memory: valgrind and
// debuggers know no such thing, and would end it or lose their breakpoints.
var ErrAlone = errors.New("there is somebody who does not expect a process that shares memory")

// asides is the memory of processes that stay.
var asides struct {
	mu       sync.Mutex
	runs     []*run
	programs []*program.Program
}

// Aside makes a child that runs the program in this process's memory and stays there. It
// has all signals blocked. It is reaped with __WALL, since it has no exit signal, and
// gets the parent-death signal that it asks for when the calling thread ends.
func Aside(p *program.Program, mask program.Arg) (pid int, err error) {
	if OnValgrind() || isTraced() {
		return 0, ErrAlone
	}
	l := &Launch{Program: p, Mask: mask, Cgroup: -1, NoPidFD: true}
	ret := l.aside()
	if ret == -int64(unix.ENOSYS) {
		l.OldClone = true
		ret = l.aside()
	}
	if ret < 0 {
		return 0, syscall.Errno(-ret)
	}
	return int(ret), nil
}

func (l *Launch) aside() int64 {
	r := &run{frame: new(frame), scratch: make([]byte, scratchSize)}
	r.makeRoom(l)
	r.prepare(l)
	if spawn(r.frame); r.ret < 0 {
		r.place.unlink(l.Program)
		return r.ret
	}
	asides.mu.Lock()
	defer asides.mu.Unlock()
	asides.runs, asides.programs = append(asides.runs, r), append(asides.programs, l.Program)
	return r.ret
}
