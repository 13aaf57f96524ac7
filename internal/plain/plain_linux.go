package plain

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Open opens a file for reading.
func Open(path string) (*os.File, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil // in blocking mode the poller gets none
		case unix.EINTR:
		default:
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

// most is more than any file of the kernel's has.
const most = 16 << 20

// Read reads a file, or the 16 MiB at its beginning.
func Read(path string) (string, error) {
	f, err := Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	return string(b), err
}

// Names lists a directory.
func Names(dir string) ([]string, error) {
	f, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// Sleep waits in the kernel. In a bubble of testing/synctest time.Sleep does not
// wait, and moves the caller's clock.
func Sleep(d time.Duration) {
	left := unix.NsecToTimespec(int64(d))
	for unix.Nanosleep(&left, &left) == unix.EINTR {
	}
}

// A Deadline is a moment of the kernel's clock. The clock of package time stands
// still for a caller in a bubble of testing/synctest.
type Deadline time.Duration

// In is the moment after a time.
func In(d time.Duration) Deadline { return Deadline(clock() + d) }

// Over reports whether the moment is over.
func (d Deadline) Over() bool { return clock() >= time.Duration(d) }

func clock() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return time.Duration(now.Nano())
}

// pollerIsThere says that the runtime has its network poller.
var pollerIsThere atomic.Bool

// Poller has the runtime make its network poller, or says why it cannot:
// what needs it after that finds it there.
func Poller() error {
	if pollerIsThere.Load() {
		return nil
	}
	first, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC) // as it will do itself
	if err != nil {
		return err
	}
	second, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	unix.Close(first)
	if err != nil {
		return err
	}
	unix.Close(second)
	time.AfterFunc(time.Hour, func() {}).Stop()
	pollerIsThere.Store(true)
	return nil
}
