//go:build amd64 || arm64

package machine

import (
	"bytes"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// kill kills the child, which may be gone already. Its number may then belong
// to another process, so it is not used where there is a pidfd.
func (res Result) kill() {
	if res.Pid <= 1 { // to kill(2), others than one child
		return
	}
	err := error(unix.ENOSYS)
	if res.PidFD >= 0 {
		err = unix.PidfdSendSignal(res.PidFD, unix.SIGKILL, nil, 0)
	}
	if err == unix.ENOSYS || err == unix.EPERM { // before Linux 5.1, or a filter
		unix.Kill(res.Pid, unix.SIGKILL)
	}
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
	const how = unix.WEXITED | unix.WALL // it may have no exit signal
	if res.stop != nil {                 // it may be killed until it has ended
		waitid(unix.P_PID, res.Pid, &info, how|unix.WNOWAIT)
	}
	res.stop.reaping(res, func() {
		if waitid(who, id, &info, how) == unix.EINVAL { // before Linux 5.4
			waitid(unix.P_PID, res.Pid, &info, how)
		}
		if res.PidFD >= 0 {
			unix.Close(res.PidFD)
		}
	})
	res.PidFD = -1
	switch info.code {
	case cldExited:
		res.code = int(info.status)
	case cldKilled, cldDumped:
		res.Signal = syscall.Signal(info.status)
	}
	res.Place, res.OK = at, false
	return res
}

// What has happened to a child, as waitid puts it into si_code.
const (
	cldExited  = 1
	cldKilled  = 2
	cldDumped  = 3
	cldTrapped = 4
)

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

// executedSecond reports whether a second stage that has come to its execve has
// executed the program, once its end of the pipe is closed: by the execve, or by
// its own end. The program may have ended since, and called itself anything.
// Without /proc only an end tells, and whoever was killed is taken to have
// executed: by what kills in the middle of an execve, few are.
func executedSecond(pid int) bool {
	const patient = 40
	for patience := 0; ; patience++ {
		flags, known := statFlags(pid)
		if known && flags&pfExiting == 0 {
			return true // it does not end, so it was the execve
		}
		if info := ended(pid); info.pid != 0 {
			name, known := taskName(pid)
			return info.code == cldExited || !known || name != stage2.Name // a step that fails says so
		}
		if !known && patience > patient { // no /proc, or somebody else has reaped it
			return true
		}
		pause(patience)
	}
}

// isDead reports whether the child is a zombie.
func isDead(pid int) bool { return ended(pid).pid != 0 }

// ended is how the child ended, if it has.
func ended(pid int) (info waitInfo) {
	waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL)
	return info
}

// pause lets a child go on that is about to be seen: at first it only makes
// room on the processor.
func pause(patience int) {
	if patience < 20 {
		syscall.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		return
	}
	plain.Sleep(20 * time.Microsecond)
}

// Flags of a task, from include/linux/sched.h: it is ending, and has not let go
// of its files before; it has not executed.
const (
	pfExiting    = 0x4
	pfForkNoExec = 0x40
)

// statFlags are the task's flags, those of a zombie too, if they can be known.
func statFlags(pid int) (flags uint64, known bool) {
	proc, err := ownproc.Open()
	if err != nil {
		return 0, false
	}
	defer proc.Close()
	return flagsAmong(proc.Stat(pid))
}

func flagsAmong(fields []string) (flags uint64, known bool) {
	if len(fields) < 7 { // reaped by somebody else
		return 0, false
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	return flags, err == nil
}

// taskName returns the task's name, that of a zombie too, if it can be known.
func taskName(pid int) (string, bool) {
	proc, err := ownproc.Open()
	if err != nil {
		return "", false
	}
	defer proc.Close()
	return proc.Name(pid)
}

// tracerPid is the tracer of this process, or 0 where that is not known. In a /proc of
// another PID namespace the number is another, but not 0.
func tracerPid() int {
	fd, err := unix.Open("/proc/self/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	var buf [512]byte
	n, _ := unix.Read(fd, buf[:])
	_, after, _ := bytes.Cut(buf[:max(n, 0)], []byte("\nTracerPid:\t"))
	pid := 0
	for _, c := range after { // with nothing allocated: it is asked in starts
		if c < '0' || c > '9' {
			break
		}
		pid = pid*10 + int(c-'0')
	}
	return pid
}

// End kills a child that has executed its program, and reaps it.
func (res Result) End() Result {
	res.OK = false
	res.dropTaken()
	res.kill()
	for moment := plain.In(100 * time.Millisecond); !isDead(res.Pid); {
		if moment.Over() {
			go res.reap(InChild)
			return res.left()
		}
		pause(20)
	}
	return res.reap(InChild)
}

// left is the result of a child that was killed and is reaped by somebody else.
func (res Result) left() Result {
	res.Place, res.OK, res.Err, res.Signal, res.PidFD = InChild, false, nil, unix.SIGKILL, -1
	return res
}

// dropTaken closes a descriptor that was handed over in a launch that failed.
func (res *Result) dropTaken() {
	if !res.OK && res.Taken >= 0 {
		unix.Close(res.Taken)
		res.Taken = -1
	}
}
