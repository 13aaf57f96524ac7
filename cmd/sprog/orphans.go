//go:build linux

package main

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// reapOrphans reaps those that have ended of the processes that sprog did not start: as PID 1
// and as a child subreaper it gets all that are orphaned, and it may have been executed by a
// shell that had children. The program is left to Wait. A zombie of the program hides others;
// then the channel that is returned says when to look again.
func (s *supervisor) reapOrphans() (again <-chan time.Time) {
	for {
		pid := endedChild()
		if pid == 0 {
			return nil
		}
		if pid == s.process.Pid {
			return time.After(10 * time.Millisecond)
		}
		unix.Wait4(pid, nil, unix.WNOHANG, nil)
	}
}

// endedChild is a child that can be reaped, or 0.
func endedChild() int {
	var info unix.Siginfo
	if unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != nil {
		return 0
	}
	const pidAt = 16 // si_pid, on 64 bits
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), pidAt)))
}
