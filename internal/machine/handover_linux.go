//go:build amd64 || arm64

package machine

import (
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// takeOver does the parent's part of a handover. That the child is gone is no
// error here.
func (r *run) takeOver(l *Launch, res *Result) error {
	if l.Handover == nil {
		return nil
	}
	number := r.await(l, word32(l.Program, l.Handover.Number))
	if number == program.NoNumber {
		return nil
	}
	pidfd := res.PidFD
	if pidfd < 0 {
		var err error
		if pidfd, err = unix.PidfdOpen(res.Pid, 0); err != nil {
			return os.NewSyscallError("pidfd_open", err)
		}
		defer unix.Close(pidfd)
	}
	fd, err := unix.PidfdGetfd(pidfd, int(number), 0)
	if err == unix.ESRCH {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("pidfd_getfd", err)
	}
	res.Taken = fd
	if l.Door != nil {
		return l.Door.Open()
	}
	atomic.StoreUint32(word32(l.Program, l.Handover.Taken), 1)
	return nil
}

// await returns the word when it is no longer program.NoNumber, or program.NoNumber if the
// child has left the parent's memory. Nothing wakes the parent for the word, so
// that it looks again and again, seldom when the child takes long.
func (r *run) await(l *Launch, word *uint32) uint32 {
	for pause := 10 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		if n := atomic.LoadUint32(word); n != program.NoNumber {
			return n
		}
		left := atomic.LoadUint32(r.left)
		if left == 0 || l.Stop.inVain() {
			return atomic.LoadUint32(word)
		}
		futexWaitFor(r.left, left, pause)
	}
}
