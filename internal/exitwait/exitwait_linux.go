package exitwait

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

const (
	// patience is how long a thread watches a new child. Waking a goroutine
	// through the network poller takes some 50 us more than waking a thread,
	// which does not matter to a child that has lived longer than this.
	patience = 5 * time.Millisecond
	// watchers bounds the number of threads that do so at the same time.
	watchers = 16
	// blockers bounds the number of threads that wait as long as it takes,
	// in the call that reaps the child: no timer and no second call, which
	// saves 4 us of 100.
	blockers = 4
)

// turns is a semaphore: a child is watched by a thread if there is room.
// blocking is one of those that wait without a limit.
var (
	turns    = make(chan struct{}, watchers)
	blocking = make(chan struct{}, blockers)
)

func tryBlock() bool {
	select {
	case blocking <- struct{}{}:
		return true
	default:
		return false
	}
}

func unblock() { <-blocking }

func wait(p *os.Process) {
	exited, netpoll := false, false
	err := p.WithHandle(func(handle uintptr) {
		// The handle stays open until this function returns, even if
		// somebody else waits for p or releases it meanwhile.
		exited = watch(int(handle))
		if netpoll = exited || plain.Poller() == nil; netpoll && !exited {
			exited = poll(int(handle))
		}
	})
	switch {
	case exited:
	case err != nil && !errors.Is(err, os.ErrNoHandle): // p is done or released, as p.Wait will report
	case (netpoll || plain.Poller() == nil) && !inBubble():
		waitSignal(p.Pid)
	default:
		block(p.Pid)
	}
}

// block waits for the child in a thread.
func block(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
}

// watch lets this thread wait for the process to exit, but only if few others
// do so, and not for long. It reports whether the process has exited.
func watch(pidfd int) bool {
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	default:
		return false
	}
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	left := unix.NsecToTimespec(int64(patience))
	for {
		// After a signal the kernel has put the remaining time into left.
		n, err := unix.Ppoll(fds, &left, nil)
		if err != unix.EINTR {
			return n == 1 && err == nil
		}
	}
}
