//go:build amd64 || arm64

package job

import (
	"cmp"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/proctree"
	"golang.org/x/sys/unix"
)

// HasExited reports whether the process is at its end and has only to be waited
// for, or has been. Nothing that is done to it counts any more.
func (j *Job) HasExited() bool {
	info := unix.Siginfo{}
	const options = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
	err := j.Process.WithHandle(func(pidfd uintptr) {
		unix.Waitid(unix.P_PIDFD, int(pidfd), &info, options, nil)
	})
	if err != nil { // it has no handle; the process id is its own until it is waited for
		if j.Process.Signal(syscall.Signal(0)) != nil {
			return true
		}
		unix.Waitid(unix.P_PID, j.Process.Pid, &info, options, nil)
	}
	return info.Signo != 0
}

// SignalFirst sends a signal to those who are to end by themselves. An init
// hands it on to the program: by the group it would come twice.
func (j *Job) SignalFirst(sig syscall.Signal) error {
	group := j.Leads && !j.HasInit
	err := j.signal(sig, group)
	if sig != unix.SIGCONT {
		j.signal(unix.SIGCONT, group)
	}
	return err
}

// signal sends a signal to the process, or to the group that it leads where the
// kernel can say so by a pidfd (Linux 6.9): a number could be another's.
func (j *Job) signal(sig syscall.Signal, group bool) error {
	if group {
		var err error
		handleErr := j.Process.WithHandle(func(pidfd uintptr) {
			err = unix.PidfdSendSignal(int(pidfd), sig, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
		})
		if handleErr == nil && err == nil {
			return nil
		}
	}
	return j.Process.Signal(sig)
}

// Descendants are the processes below the process, which goes on, for a time
// when they can no longer be found. There is none where something
// else reaches them then.
func (j *Job) Descendants() (*Below, error) {
	reach := j.Reach()
	if reach != Children && (reach != Cgroup || j.HasInit) {
		return nil, nil
	}
	proc, err := ownproc.Open()
	if err != nil && reach == Cgroup {
		return nil, nil
	}
	if err != nil {
		return nil, j.blind(err)
	}
	defer proc.Close()
	t := j.newTree(proc)
	t.Grow(0)
	return t, nil
}

// Sweep kills what the process has left, after it was to end, and says how far that
// has reached.
func (j *Job) Sweep(left *Below) (Reach, error) {
	reach := j.Reach()
	var err error
	switch reach {
	case Cgroup:
		err = j.Group.Kill()
		err = cmp.Or(err, left.Sweep()) // of those that have left the cgroup
	case Descendants:
		err = j.End.leftBehind()
	case Children:
		err = left.Sweep()
	}
	if err != nil {
		reach = Process
	}
	return reach, err
}

// UsedCPU is the CPU time that the process and those below it have used, as far
// as it can be known. The error says why that is not all.
func (j *Job) UsedCPU() (time.Duration, error) {
	if j.Group != nil {
		if used := j.Group.CPUUsage(); used != cgroup.Unknown {
			return used, nil
		}
	}
	pid := j.Process.Pid
	used := proctree.CPUTime(pid) // finer than ticks
	proc, err := ownproc.Open()
	if err != nil {
		return used, j.blind(err)
	}
	defer proc.Close()
	return max(used, time.Duration(proctree.Ticks(proc, pid, os.Getpid()))*time.Second/proctree.UserHZ), nil
}
