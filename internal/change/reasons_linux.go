//go:build amd64 || arm64

package change

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// The reasons for errnos that tell too little. Nothing is changed to find them.

// refused reports whether a right is missing.
func refused(err error) bool { return err == unix.EPERM || err == unix.EACCES }

// otherHint says whose process it is, if it is another user's, and what that takes.
func (p *process) otherHint(err error, capability string) terms.Text {
	uids := p.uids()
	own := strconv.Itoa(os.Getuid())
	if !refused(err) || len(uids) == 0 || !slices.ContainsFunc(uids, func(uid string) bool { return uid != own }) {
		return ""
	}
	i := slices.IndexFunc(uids, func(uid string) bool { return uid != own })
	return terms.Sprintf("the process belongs to user %s, and this one to %s: that takes %s in its user namespace", uids[i], own, capability)
}

// uids are the real, effective and saved user of the process.
func (p *process) uids() []string {
	if f := strings.Fields(p.status("Uid:")); len(f) >= 3 {
		return f[:3]
	}
	return nil
}

// status is a line of /proc/PID/status.
func (p *process) status(name string) string {
	for line := range strings.Lines(p.proc.Text(p.pid, "status")) {
		if value, is := strings.CutPrefix(line, name); is {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (p *process) limitHint(err error, l spec.Rlimit, before unix.Rlimit) terms.Text {
	if other := p.otherHint(err, "CAP_SYS_RESOURCE"); other != "" || err != unix.EPERM {
		return other
	}
	if l.Max > before.Max {
		return terms.Sprintf("the hard limit is %s, and raising it takes CAP_SYS_RESOURCE in the initial user namespace", before.Max)
	}
	if l.Resource == unix.RLIMIT_NOFILE {
		return "the limit is above /proc/sys/fs/nr_open"
	}
	return ""
}

func (p *process) niceHint(err error, n int) terms.Text {
	if other := p.otherHint(err, "CAP_SYS_NICE"); other != "" || err != unix.EACCES {
		return other
	}
	return terms.Sprintf("a nice value of %s takes CAP_SYS_NICE, or a RLIMIT_NICE of the process of %s", n, 20-n)
}

func (p *process) policyHint(err error, s *spec.Scheduler) terms.Text {
	other := p.otherHint(err, "CAP_SYS_NICE")
	switch {
	case other != "":
		return other
	case err == unix.EPERM && s.Policy.HasPriority():
		return terms.Sprintf("%s takes CAP_SYS_NICE, or a RLIMIT_RTPRIO of the process of %s", s.Policy, s.Priority)
	case err == unix.EPERM:
		return "a policy above the present one takes CAP_SYS_NICE"
	case err == unix.EBUSY:
		return "the CPUs have not enough bandwidth left for another deadline task"
	case err == unix.EOPNOTSUPP:
		return "the kernel is built without utilisation clamps (CONFIG_UCLAMP_TASK, Linux 5.3)"
	}
	return ""
}

func (p *process) affinityHint(err error, cpus []int) terms.Text {
	if err != unix.EINVAL {
		return p.otherHint(err, "CAP_SYS_NICE")
	}
	online, _ := kernel.Read("/sys/devices/system/cpu/online")
	return terms.Sprintf("not all of the CPUs %s are online and in the process's cpuset; online are %s, its cpuset is %s",
		spec.FormatCPUList(sorted(cpus)), strings.TrimSpace(online), strings.TrimSpace(p.proc.Text(p.pid, "cpuset")))
}

func (p *process) oomHint(err error) terms.Text {
	if other := p.otherHint(err, "CAP_SYS_RESOURCE"); other != "" || !refused(err) {
		return other
	}
	return "a value below the lowest that somebody with CAP_SYS_RESOURCE has set takes that, too"
}
