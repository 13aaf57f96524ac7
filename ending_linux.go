//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/proctree"
	"github.com/sprog-dev/sprog/internal/terms"
)

// hasExited reports whether the process is at its end and has only to be waited
// for, or has been. Nothing that is done to it counts any more.
func (c *Cmd) hasExited() bool {
	info := unix.Siginfo{}
	const options = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT
	err := c.Process.WithHandle(func(pidfd uintptr) {
		unix.Waitid(unix.P_PIDFD, int(pidfd), &info, options, nil)
	})
	if err != nil { // it has no handle; the process id is its own until it is waited for
		if c.Process.Signal(syscall.Signal(0)) != nil {
			return true
		}
		unix.Waitid(unix.P_PID, c.Process.Pid, &info, options, nil)
	}
	return info.Signo != 0
}

// signalFirst sends a signal to those who are to end by themselves. An init
// hands it on to the program: by the group it would come twice.
func (c *Cmd) signalFirst(sig syscall.Signal) error {
	group := c.nature.leads && !c.nature.hasInit
	err := c.signal(sig, group)
	if sig != unix.SIGCONT {
		c.signal(unix.SIGCONT, group)
	}
	return err
}

// signal sends a signal to the process, or to the group that it leads where the
// kernel can say so by a pidfd (Linux 6.9): a number could be another's.
func (c *Cmd) signal(sig syscall.Signal, group bool) error {
	if group {
		var err error
		handleErr := c.Process.WithHandle(func(pidfd uintptr) {
			err = unix.PidfdSendSignal(int(pidfd), sig, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
		})
		if handleErr == nil && err == nil {
			return nil
		}
	}
	return c.Process.Signal(sig)
}

// descendants are the processes below the process, which goes on, for a time
// when they can no longer be found. There is none where something
// else reaches them then.
func (c *Cmd) descendants() (*proctree.Tree, error) {
	reach := c.reachOfKill()
	if reach != ReachChildren && (reach != ReachCgroup || c.nature.hasInit) {
		return nil, nil
	}
	proc, err := ownproc.Open()
	if err != nil && reach == ReachCgroup {
		return nil, nil
	}
	if err != nil {
		return nil, c.blind(err)
	}
	defer proc.Close()
	t := c.newTree(proc)
	t.Grow(0)
	return t, nil
}

// sweep kills what the process has left, after it was to end, and says how far that
// has reached.
func (c *Cmd) sweep(left *proctree.Tree) (Reach, error) {
	reach := c.reachOfKill()
	var err error
	switch reach {
	case ReachCgroup:
		err = c.Birth.Cgroup.Kill()
		err = cmp.Or(err, left.Sweep()) // of those that have left the cgroup
	case ReachDescendants:
		err = c.program.leftBehind()
	case ReachChildren:
		err = left.Sweep()
	}
	if err != nil {
		reach = ReachProcess
	}
	return reach, err
}

// nextLook is when the CPU time has to be looked at that has come to used: the
// machine cannot use what is left faster than with all its processors.
func (c *Cmd) nextLook(used time.Duration) time.Duration {
	return max((c.Ending.CPUTime-used)/time.Duration(runtime.NumCPU()), 5*time.Millisecond)
}

// usedCPU is the CPU time that the process and those below it have used, as far
// as it can be known. The error says why that is not all.
func (c *Cmd) usedCPU() (time.Duration, error) {
	if c.Birth.Cgroup != nil {
		if used := c.Birth.Cgroup.of().CPUUsage(); used != CgroupUnknown {
			return used, nil
		}
	}
	pid := c.Process.Pid
	used := proctree.CPUTime(pid) // finer than ticks
	proc, err := ownproc.Open()
	if err != nil {
		return used, c.blind(err)
	}
	defer proc.Close()
	return max(used, time.Duration(proctree.Ticks(proc, pid, os.Getpid()))*time.Second/proctree.UserHZ), nil
}

// checkCPUTime refuses a limit on CPU time where it could not be kept.
func (c *Cmd) checkCPUTime() *StartError {
	if c.Ending == nil || c.Ending.CPUTime == 0 || c.Attr != nil && c.Attr.Cgroup != nil {
		return nil
	}
	if err := ownproc.Missing(); err != nil {
		return refuse("Ending.CPUTime", c.Ending.CPUTime.String(), "cannot be kept without {Attr.Cgroup}: "+terms.Of(err))
	}
	return nil
}
