//go:build amd64 || arm64

package sprog

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// A featureProbe is a feature with the way to find out about it: steps for a
// child that then ends, or a question that this process can ask itself.
type featureProbe struct {
	name, since, what string
	steps             func(p *program.Program)
	ask               func() Support
}

func listFeatures() (list []Feature) {
	for _, f := range featureProbes {
		list = append(list, Feature{f.name, f.since, f.what})
	}
	return list
}

func probe(name string) Support {
	for _, f := range featureProbes {
		switch {
		case f.name != name:
		case f.ask != nil:
			return f.ask()
		default:
			return f.try()
		}
	}
	return Support{Reason: "no feature is called " + name}
}

// try has a child run the steps, and then end.
func (f *featureProbe) try() Support {
	p := new(program.Program)
	mask := p.Words(0)
	f.steps(p)
	last := p.Len()
	p.Add("", program.ExitGroup, num(0))
	launch := machine.Launch{Program: p, Mask: mask, Cgroup: -1, Credentials: true}
	res := launch.Do()
	if res.Place == machine.AtBirth && res.Errno == unix.ENOSYS {
		launch.OldClone = true // signals stay blocked in the child, so that no handler can run
		res = launch.Do()
	}
	switch {
	case res.Place == machine.InChild && res.Step == last && res.Errno == 0:
		return Support{Answer: Yes}
	case res.Place != machine.InChild || res.Errno == 0:
		return Support{Reason: "no process could be made to try: " + res.Errno.Error()}
	}
	return f.refused(p.Steps[res.Step].Call.String(), res.Errno)
}

// refused is what an errno says about a feature.
func (f *featureProbe) refused(call string, errno unix.Errno) Support {
	switch errno {
	case unix.ENOSYS, unix.EINVAL, unix.EOPNOTSUPP:
		return Support{No, "this kernel does not have it: " + call + ": " + errno.Error() + "; Linux " + f.since + " does"}
	case unix.EPERM, unix.EACCES:
		return Support{No, "refused to this process: " + call + ": " + errno.Error()}
	case unix.ENOSPC, unix.EUSERS:
		return Support{No, "a limit is reached: " + call + ": " + errno.Error()}
	}
	return Support{Reason: call + ": " + errno.Error()}
}

// tries is a probe of one call.
func tries(call program.Call, args ...program.Arg) func(*program.Program) {
	return func(p *program.Program) { p.Add("", call, args...) }
}

// unshares is a probe of a namespace. An ordinary user makes one of his own.
func unshares(flag int) func(*program.Program) {
	return func(p *program.Program) {
		if unix.Geteuid() != 0 {
			flag |= unix.CLONE_NEWUSER
		}
		p.Add("", program.Unshare, num(flag))
	}
}

const noFile = ^uint64(0) // -1, which is no descriptor

var featureProbes = []featureProbe{
	{name: "clone3", since: "5.3", what: "every start; clone(2) stands in", ask: askClone3(0, 0)},
	{name: "clone-into-cgroup", since: "5.7", what: "SysProcAttr.UseCgroupFD", ask: askClone3(0x200000000, 1<<31-1)},
	{name: "close-range", since: "5.11", what: "every start; closing one by one stands in",
		steps: tries(program.CloseRange, num(uint32(1<<31)), num(uint32(1<<31)), num(unix.CLOSE_RANGE_CLOEXEC))},
	{name: "execveat", since: "3.19", what: "second stages; /proc/self/fd stands in",
		steps: func(p *program.Program) {
			p.Add("", program.Execveat, num(noFile), p.Str(""), num(0), num(0), num(unix.AT_EMPTY_PATH)).Ignore(uint32(unix.EBADF))
		}},
	{name: "pidfd", since: "5.3", what: "Cmd.Wait without a thread, SysProcAttr.PidFD", ask: askPidfd},
	{name: "user-namespaces", since: "3.8", what: "CLONE_NEWUSER", steps: tries(program.Unshare, num(unix.CLONE_NEWUSER))},
	{name: "mount-namespaces", since: "2.4.19", what: "CLONE_NEWNS", steps: unshares(unix.CLONE_NEWNS)},
	{name: "pid-namespaces", since: "2.6.24", what: "CLONE_NEWPID", steps: unshares(unix.CLONE_NEWPID)},
	{name: "net-namespaces", since: "2.6.29", what: "CLONE_NEWNET", steps: unshares(unix.CLONE_NEWNET)},
	{name: "ipc-namespaces", since: "2.6.19", what: "CLONE_NEWIPC", steps: unshares(unix.CLONE_NEWIPC)},
	{name: "uts-namespaces", since: "2.6.19", what: "CLONE_NEWUTS", steps: unshares(unix.CLONE_NEWUTS)},
	{name: "cgroup-namespaces", since: "4.6", what: "CLONE_NEWCGROUP", steps: unshares(unix.CLONE_NEWCGROUP)},
	{name: "time-namespaces", since: "5.6", what: "CLONE_NEWTIME", steps: unshares(unix.CLONE_NEWTIME)},
	{name: "no-new-privs", since: "3.5", what: "Attr.NoNewPrivs", steps: tries(program.Prctl, num(unix.PR_GET_NO_NEW_PRIVS))},
	{name: "ambient-capabilities", since: "4.3", what: "SysProcAttr.AmbientCaps",
		steps: tries(program.Prctl, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_IS_SET), num(0))},
	{name: "child-subreaper", since: "3.4", what: "Attr.Init outside of a PID namespace",
		steps: tries(program.Prctl, num(unix.PR_SET_CHILD_SUBREAPER), num(1))},
	{name: "session-keyrings", since: "2.6.12", what: "Attr.SessionKeyring",
		steps: tries(program.Keyctl, num(joinSessionKeyring), num(0))},
	{name: "selinux", since: "2.6.0", what: "Attr.ExecLabel.SELinux", ask: askModule(selinuxMissing)},
	{name: "apparmor", since: "2.6.36", what: "Attr.ExecLabel.AppArmor; Linux 5.8", ask: askModule(apparmorMissing)},
	{name: "seccomp", since: "3.17", what: "Attr.Seccomp", steps: filters(0)},
	{name: "seccomp-listener", since: "5.6", what: "SeccompNotify", ask: askSeccompListener},
	{name: "landlock", since: "5.13", what: "Attr.Landlock", ask: askLandlock(1)},
	{name: "landlock-ports", since: "6.7", what: "Attr.Landlock.Ports", ask: askLandlock(4)},
	{name: "landlock-scopes", since: "6.12", what: "Attr.Landlock.Scopes", ask: askLandlock(6)},
	{name: "landlock-log", since: "6.15", what: "Attr.Landlock.Log", ask: askLandlock(7)},
	{name: "real-time-policies", since: "2.0", what: "Attr.Scheduler: SCHED_FIFO and SCHED_RR", steps: setsPolicy(Scheduler{Policy: SchedFIFO, Priority: 1})},
	{name: "deadline-policy", since: "3.14", what: "Attr.Scheduler: SCHED_DEADLINE",
		steps: setsPolicy(Scheduler{Policy: SchedDeadline, Runtime: time.Millisecond, Period: 10 * time.Millisecond})},
	{name: "extensible-policy", since: "6.12", what: "Attr.Scheduler: SCHED_EXT", steps: setsPolicy(Scheduler{Policy: SchedExt})},
	{name: "utilisation-clamps", since: "5.3", what: "Attr.Scheduler: UtilMin, UtilMax", steps: setsPolicy(Scheduler{UtilMin: new(0)})},
	{name: "core-scheduling", since: "5.14", what: "Attr.CoreSched",
		steps: tries(program.Prctl, num(unix.PR_SCHED_CORE), num(unix.PR_SCHED_CORE_CREATE), num(0), num(unix.PR_SCHED_CORE_SCOPE_THREAD), num(0))},
	{name: "numa", since: "2.6.7", what: "Attr.NUMA", steps: tries(program.SetMempolicy, num(unix.MPOL_DEFAULT), num(0), num(0))},
	{name: "mdwe", since: "6.3", what: "Attr.MDWE", ask: askPrctl(unix.PR_GET_MDWE)},
	{name: "cgroup2", since: "4.5", what: "Attr.Cgroup without a Parent", ask: askCgroup2},
	{name: "cgroup-kill", since: "5.14", what: "CgroupHandle.Kill; killing one by one stands in", ask: askCgroupKill},
	{name: "executable-memfd", since: "3.17", what: "second stages; vm.memfd_noexec can forbid it", ask: askMemfd},
}

// askClone3 calls clone3 in a way that makes no process: with a structure that
// is too small, or a cgroup that is none.
func askClone3(flags, cgroup uint64) func() Support {
	return func() Support {
		errno := machine.AskClone3(flags, cgroup)
		switch {
		case errno == unix.ENOSYS, cgroup == 0 && errno == unix.EPERM:
			return Support{No, "clone3: " + errno.Error()}
		case cgroup != 0 && errno != unix.EBADF:
			return Support{No, "clone3 with CLONE_INTO_CGROUP: " + errno.Error()}
		}
		return Support{Answer: Yes}
	}
}

// setsPolicy is a probe of a scheduling policy. With it a child of this process
// does no more than to end.
func setsPolicy(s Scheduler) func(*program.Program) {
	return func(p *program.Program) { p.Add("", program.SchedSetattr, num(0), s.attr(p), num(0)) }
}

// askPrctl asks for what a start would set: that is the memory's, which a child
// shares here.
func askPrctl(op int) func() Support {
	return func() Support {
		if _, err := unix.PrctlRetInt(op, 0, 0, 0, 0); err != nil {
			return Support{No, "prctl: " + err.Error()}
		}
		return Support{Answer: Yes}
	}
}

func askPidfd() Support {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return Support{No, "pidfd_open: " + err.Error()}
	}
	unix.Close(fd)
	return Support{Answer: Yes}
}

func askMemfd() Support {
	stage := new(machine.Second)
	if err := stage.Open(); err != nil {
		return Support{No, err.Error()}
	}
	stage.Close()
	return Support{Answer: Yes}
}

// readSmall reads a file of the kernel's.
func readSmall(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	n, err := unix.Read(fd, buf)
	return string(buf[:max(n, 0)]), err
}
