//go:build amd64 || arm64

package machine

import (
	"math"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kill kills the child, which may be gone already. Its number may then belong
// to another process, so it is not used where there is a pidfd.
func (res Result) kill() {
	if res.PidFD < 0 || unix.PidfdSendSignal(res.PidFD, unix.SIGKILL, nil, 0) == unix.ENOSYS {
		unix.Kill(res.Pid, unix.SIGKILL)
	}
}

// ended reports whether the child is a zombie.
func (res Result) ended() bool {
	info := waitInfo{}
	waitid(unix.P_PID, res.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
	return info.pid != 0
}

// reap waits for a child that is at its end, and notes what killed it if it
// did not end by itself.
func (res Result) reap(at Place) Result {
	info := waitInfo{}
	who, id := unix.P_PID, res.Pid
	if res.PidFD >= 0 {
		who, id = unix.P_PIDFD, res.PidFD
	}
	// ECHILD is the answer where SIGCHLD is ignored, or where somebody in
	// this process waits for every child: the child is gone all the same.
	if waitid(who, id, &info, unix.WEXITED) == unix.EINVAL { // before Linux 5.4
		waitid(unix.P_PID, res.Pid, &info, unix.WEXITED)
	}
	const cldExited, cldKilled, cldDumped = 1, 2, 3
	switch info.code {
	case cldExited:
		res.code = int(info.status)
	case cldKilled, cldDumped:
		res.Signal = syscall.Signal(info.status)
	}
	if res.PidFD >= 0 {
		unix.Close(res.PidFD)
		res.PidFD = -1
	}
	res.Place, res.OK = at, false
	return res
}

// A waitInfo is the siginfo_t that waitid fills in.
type waitInfo struct {
	signo, errno, code int32
	_                  int32
	pid                int32
	uid                uint32
	status             int32
	_                  [100]byte
}

func waitid(who, id int, info *waitInfo, flags int) (errno syscall.Errno) {
	for {
		_, _, errno = syscall.Syscall6(unix.SYS_WAITID, uintptr(who), uintptr(id), uintptr(unsafe.Pointer(info)), uintptr(flags), 0, 0)
		if errno != unix.EINTR {
			return errno
		}
	}
}

// executed reports whether the child has executed a program, once it has left
// the parent's memory. The other way to leave it is to die in execve.
//
// POSIX gives a parent one way to ask: setpgid(2) answers EACCES for a child
// that has executed. The group asked for here does not exist, so that the call
// changes nothing.
func executed(pid int) bool {
	switch unix.Setpgid(pid, math.MaxInt32) {
	case unix.EACCES:
		return true
	case unix.ESRCH: // reaped by somebody else already; as far as can be known
		return true
	}
	// EPERM: the child is on its way, or it has a session of its own, where
	// setpgid does not look further. The kernel's flags tell.
	for {
		flags, gone := taskFlags(pid)
		switch {
		case flags&pfForkNoExec == 0:
			return true
		case gone || flags&pfExiting != 0:
			return false
		}
		time.Sleep(10 * time.Microsecond)
	}
}

// Task flags of include/linux/sched.h, which proc_pid_stat(5) shows.
const (
	pfExiting    = 0x4
	pfForkNoExec = 0x40
)

// taskFlags returns the task's flags, and whether it is a zombie. Without
// /proc it can only look whether the child is dead.
func taskFlags(pid int) (flags uint64, zombie bool) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return taskFlagsWithoutProc(pid)
	}
	var buf [512]byte
	n, _ := unix.Read(fd, buf[:])
	unix.Close(fd)
	s := string(buf[:max(n, 0)])
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	if len(fields) < 7 {
		return 0, false
	}
	flags, _ = strconv.ParseUint(fields[6], 10, 64)
	return flags, fields[0] == "Z" || fields[0] == "X"
}

// taskFlagsWithoutProc gives a dying child some time to become a zombie. One
// that is killed right now and one that runs cannot be told apart sooner.
func taskFlagsWithoutProc(pid int) (flags uint64, zombie bool) {
	for range 20 {
		info := waitInfo{}
		waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT)
		if info.pid != 0 {
			if info.code == 1 { // CLD_EXITED: only a program exits
				return 0, true
			}
			return pfForkNoExec, true
		}
		time.Sleep(50 * time.Microsecond)
	}
	return 0, false
}
