//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// followStops tells of each stop and continue of a child, until that ends. It takes nothing from
// others who wait for the child: it only looks (WNOWAIT), at a stop and at what is no
// stop in turn.
func followStops(p *os.Process, tell func(EventKind, syscall.Signal)) {
	err := p.WithHandle(func(pidfd uintptr) { follow(unix.P_PIDFD, int(pidfd), tell) })
	if err != nil {
		follow(unix.P_PID, p.Pid, tell)
	}
}

func follow(how, id int, tell func(EventKind, syscall.Signal)) {
	const (
		stopped, continued = 5, 6 // si_code: CLD_STOPPED, CLD_CONTINUED
		statusAt           = 24   // of si_status, on 64 bits
	)
	waitFor := unix.WSTOPPED
	for {
		var info unix.Siginfo
		err := unix.Waitid(how, id, &info, waitFor|unix.WEXITED|unix.WNOWAIT, nil)
		status := *(*int32)(unsafe.Add(unsafe.Pointer(&info), statusAt))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return
		case info.Code == stopped:
			tell(EventStopped, syscall.Signal(status))
			waitFor = unix.WCONTINUED
		case info.Code == continued:
			tell(EventContinued, 0)
			waitFor = unix.WSTOPPED
		default:
			return
		}
	}
}
