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

// A poller is an epoll instance with a goroutine that waits for its events.
// The network poller sees the instance as one more descriptor to be watched.
type poller struct {
	file    *os.File // owns the epoll descriptor
	fd      int
	conn    syscall.RawConn
	waiters map[int32]chan struct{} // by pidfd; closed when its process has exited
}

// poll waits for the process to exit. It reports false if it could not, for
// want of descriptors or memory. The caller keeps pidfd open.
func poll(pidfd int) bool {
	exited, err := join(int32(pidfd))
	if err != nil {
		return false
	}
	<-exited
	return true
}

// join adds a pidfd to the current poller.
func join(pidfd int32) (exited <-chan struct{}, err error) {
	current.Lock()
	defer current.Unlock()
	p := current.poller
	if p == nil {
		if p, err = newPoller(); err != nil {
			return nil, err
		}
	}
	if ch, ok := p.waiters[pidfd]; ok { // somebody else waits for the same process
		return ch, nil
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: pidfd}
	err = unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, int(pidfd), &event)
	if err != nil {
		if current.poller == nil {
			p.file.Close()
		}
		return nil, err
	}
	ch := make(chan struct{})
	p.waiters[pidfd] = ch
	if current.poller == nil {
		current.poller = p
		go p.run()
	}
	return ch, nil
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
	return &poller{file: file, fd: fd, conn: conn, waiters: make(map[int32]chan struct{})}, nil
}

// run wakes the waiters of processes that have exited, until none is left.
func (p *poller) run() {
	events := make([]unix.EpollEvent, 128)
	for {
		n := p.next(events)
		woken := p.leave(events[:n])
		for _, ch := range woken {
			close(ch)
		}
		if p.waiters == nil {
			return
		}
	}
}

// next waits for events without holding a thread.
func (p *poller) next(events []unix.EpollEvent) (n int) {
	p.conn.Read(func(uintptr) bool {
		var err error
		for {
			n, err = unix.EpollWait(p.fd, events, 0)
			if err != unix.EINTR {
				break
			}
		}
		return n > 0
	})
	return max(n, 0)
}

// leave takes those that the events are for out of the poller, and closes it
// if they were the last. The waiters are woken only after that: what they
// return to finds no descriptor left.
func (p *poller) leave(events []unix.EpollEvent) (woken []chan struct{}) {
	current.Lock()
	defer current.Unlock()
	for _, e := range events {
		// The pidfd may live on as a duplicate, and its registration with it.
		unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, int(e.Fd), nil)
		if ch, ok := p.waiters[e.Fd]; ok {
			woken = append(woken, ch)
			delete(p.waiters, e.Fd)
		}
	}
	if len(p.waiters) == 0 {
		p.waiters, current.poller = nil, nil
		p.file.Close()
	}
	return woken
}
