//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
)

// An updateCmd is sprog update.
type updateCmd struct {
	Tree        bool         `group:"limits" brief:"Also all that descends from the process" help:"Also all that descends from the process."`
	Rlimit      []fullRlimit `group:"limits" placeholder:"NAME=SOFT[:HARD]" brief:"Resource limit, such as nofile=4096" values:"limit" help:"Resource limit of the process; one value sets both. Repeatable."`
	CPUs        cpuList      `group:"scheduling" name:"cpus" placeholder:"LIST" brief:"Run on these CPUs, such as 0-3,8" help:"Run on these CPUs, such as 0-3,8."`
	Nice        *niceValue   `group:"scheduling" placeholder:"N" brief:"Nice value, from -20 to 19" help:"Nice value, from -20 to 19."`
	Sched       *schedPolicy `group:"scheduling" placeholder:"POLICY[:PRIO]" brief:"Scheduling policy, such as batch or fifo:10" values:"policy" help:"Scheduling policy: other, batch, idle, fifo:1 to fifo:99, rr:1 to rr:99, ext."`
	UclampMin   *utilClamp   `group:"scheduling" placeholder:"N|reset" help:"Take its use of a CPU to be at least this, from 0 to 1024."`
	UclampMax   *utilClamp   `group:"scheduling" placeholder:"N|reset" help:"And at most this."`
	IONice      *ioNice      `group:"scheduling" name:"ionice" placeholder:"CLASS[:LEVEL]" brief:"I/O priority, such as idle" values:"class" help:"I/O priority: realtime or best-effort, with a level from 0, the highest, to 7 (default: 4), or idle."`
	OOMScoreAdj *oomScore    `group:"scheduling" name:"oom-score-adj" placeholder:"N" help:"How soon the kernel kills it when memory is short: from 1000 to -1000, which is never."`

	Cgroup cgroupLimits `embed:"" group:"cgroup"`
	Target string       `arg:"" name:"pid|cgroup" help:"A process, or the directory of a cgroup. The limits of a cgroup are those of the process's own; everything else goes for all processes in a cgroup."`
}

const updateHelp = `
Examples:
  sprog update 4242 --rlimit nofile=4096 --nice 10
  sprog update 4242 --tree --cpus 0-1 --sched batch
  sprog update 4242 --memory 2G --pids 500       the cgroup that it is in
  sprog update /sys/fs/cgroup/job --cpu-max 50% --oom-score-adj 500
  sprog update /sys/fs/cgroup/job --memory max   no limit any more
`

// A fullRlimit is a limit of which nothing is left as it is.
type fullRlimit sprog.Rlimit

func (r *fullRlimit) Set(s string) error {
	return decodeTo(s, (*sprog.Rlimit)(r), sprog.ParseRlimit)
}

// Run changes the cgroup first, and then processes.
func (u *updateCmd) Run(*flags.Line) error {
	attr, asked := u.attr()
	pid, group, err := u.target()
	switch {
	case err != nil:
		return err
	case !asked && !u.Cgroup.asked():
		return errors.New("update: say what to change, such as --nice 10 or --memory 2G")
	case pid == 0 && u.Tree:
		return errors.New("--tree is for a process: all processes in a cgroup are changed anyway")
	}
	if u.Cgroup.asked() {
		if err := u.setLimits(pid, group); err != nil {
			return err
		}
	}
	switch {
	case !asked:
		return nil
	case pid == 0:
		return group.Update(attr)
	case u.Tree:
		return sprog.UpdateTree(pid, attr)
	}
	return sprog.UpdateProcess(pid, attr)
}

// target is the process, or the cgroup.
func (u *updateCmd) target() (pid int, group *sprog.CgroupHandle, err error) {
	if strings.Contains(u.Target, "/") {
		group, err = sprog.OpenCgroup(u.Target)
		return 0, group, err
	}
	n, err := strconv.ParseInt(u.Target, 10, 32)
	if err != nil || n <= 0 {
		return 0, nil, fmt.Errorf("update: %q is neither the number of a process nor the directory of a cgroup, which has a slash", u.Target)
	}
	return int(n), nil, nil
}

// attr is what is to become of processes, if anything is.
func (u *updateCmd) attr() (attr *sprog.Attr, asked bool) {
	attr = &sprog.Attr{
		CPUs: u.CPUs, Nice: (*int)(u.Nice), IOPriority: (*sprog.IOPriority)(u.IONice), OOMScoreAdj: (*int)(u.OOMScoreAdj),
	}
	for _, l := range u.Rlimit {
		attr.Rlimits = append(attr.Rlimits, sprog.Rlimit(l))
	}
	s := sprog.Scheduler{UtilMin: (*int)(u.UclampMin), UtilMax: (*int)(u.UclampMax)}
	if u.Sched != nil {
		s.Policy, s.Priority = u.Sched.name, u.Sched.priority
	}
	if s != (sprog.Scheduler{}) {
		attr.Scheduler = &s
	}
	return attr, attr.Rlimits != nil || attr.CPUs != nil || attr.Nice != nil || attr.Scheduler != nil || attr.IOPriority != nil || attr.OOMScoreAdj != nil
}

// setLimits sets the limits of a cgroup: of a process's own only if that is not sprog's, which who
// types a number does not mean.
func (u *updateCmd) setLimits(pid int, group *sprog.CgroupHandle) error {
	if pid != 0 {
		var err error
		if group, err = sprog.CgroupOf(pid); err != nil {
			return err
		}
		defer group.Close()
		own, err := sprog.CgroupOf(os.Getpid())
		if err != nil {
			return err
		}
		defer own.Close()
		if own.Path() == group.Path() {
			return fmt.Errorf("update: process %d is in the cgroup that sprog itself is in, %s: name that if you mean it", pid, own.Path())
		}
	}
	return group.Set(*u.Cgroup.limits())
}
