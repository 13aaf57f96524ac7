package exitwait

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// current is the poller that new waiters join, nil while nobody waits.
var current struct {
	sync.Mutex
	*poller
}

// A poller is an epoll instance that one of those who wait asks for its events,
// on behalf of all. The network poller sees the instance as one more descriptor
// to be watched.
//
// There is no goroutine but the callers', and they wait for no channel. In a
// bubble of package testing/synctest a goroutine and a channel would belong to
// the bubble of whoever came first, and others may be outside or in another
// one; a mutex and a descriptor belong to none. It also leaves nothing behind
// for those who look for goroutines that have leaked.
type poller struct {
	file    *os.File // owns the epoll descriptor
	fd      int
	conn    syscall.RawConn
	events  [128]unix.EpollEvent
	waiters map[int32][]*waiter // by pidfd
}

// A waiter is a goroutine that waits for a process.
type waiter struct {
	asleep sync.Mutex // locked until it is woken: the process has exited, or it is its turn to ask
	exited bool
}

// poll waits for the process to exit. It reports false if it could not, for
// want of descriptors or memory. The caller keeps pidfd open.
func poll(pidfd int) bool {
	w := new(waiter)
	p, first, err := w.join(int32(pidfd))
	if err != nil {
		return false
	}
	if !first {
		w.asleep.Lock()
	}
	for !w.exited {
		for _, other := range p.leave(p.next(), w) {
			other.asleep.Unlock()
		}
	}
	return true
}

// join adds a pidfd to the current poller. Whoever is the first there asks it.
func (w *waiter) join(pidfd int32) (p *poller, first bool, err error) {
	current.Lock()
	defer current.Unlock()
	p = current.poller
	if p == nil {
		if p, err = newPoller(); err != nil {
			return nil, false, err
		}
	}
	if len(p.waiters[pidfd]) == 0 { // or somebody else waits for the same process
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: pidfd}
		err = unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, int(pidfd), &event)
	}
	if err != nil {
		if current.poller == nil {
			p.file.Close()
		}
		return nil, false, err
	}
	w.asleep.Lock()
	first, current.poller = current.poller == nil, p
	p.waiters[pidfd] = append(p.waiters[pidfd], w)
	return p, first, nil
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	// Files in non-blocking mode are what os.NewFile lets the network poller
	// watch.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "epoll")
	conn, err := file.SyscallConn()
	if err == nil {
		err = file.SetReadDeadline(time.Time{}) // an error if the network poller did not take it
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return &poller{file: file, fd: fd, conn: conn, waiters: make(map[int32][]*waiter)}, nil
}

// next waits for events without holding a thread.
func (p *poller) next() []unix.EpollEvent {
	n := 0
	p.conn.Read(func(uintptr) bool {
		var err error
		for {
			n, err = unix.EpollWait(p.fd, p.events[:], 0)
			if err != unix.EINTR {
				break
			}
		}
		return n > 0
	})
	return p.events[:max(n, 0)]
}

// leave takes those that the events are for out of the poller, and closes it
// if they were the last. If the one that asks is among them, another has to go
// on. The waiters are woken only after that: what they return to finds no
// descriptor left.
func (p *poller) leave(events []unix.EpollEvent, asker *waiter) (woken []*waiter) {
	current.Lock()
	defer current.Unlock()
	for _, e := range events {
		// The pidfd may live on as a duplicate, and its registration with it.
		unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, int(e.Fd), nil)
		for _, w := range p.waiters[e.Fd] {
			if w.exited = true; w != asker {
				woken = append(woken, w)
			}
		}
		delete(p.waiters, e.Fd)
	}
	switch {
	case len(p.waiters) == 0:
		current.poller = nil
		p.file.Close()
	case asker.exited:
		for _, others := range p.waiters {
			return append(woken, others[0])
		}
	}
	return woken
}
