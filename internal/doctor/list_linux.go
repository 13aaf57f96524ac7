//go:build amd64 || arm64

package doctor

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/seccomp"
	"github.com/sprog-dev/sprog/internal/spec"
)

// featureGroups are all features, in the order in which they are shown.
func featureGroups() []featureGroup {
	return []featureGroup{
		{"starting", featuresOfStarts()},
		{"users and rights", featuresOfRights()},
		{"namespaces", featuresOfNamespaces()},
		{"view of the file system", featuresOfView()},
		{"processes and terminals", featuresOfProcesses()},
		{"limits and scheduling", featuresOfScheduling()},
		{"memory", featuresOfMemory()},
		{"landlock", featuresOfLandlock()},
		{"seccomp", featuresOfSeccomp()},
		{"cgroups", featuresOfCgroups()},
	}
}

// A featureGroup is a heading of the report and what stands under it.
type featureGroup struct {
	name   string
	probes []featureProbe
}

func featuresOfStarts() []featureProbe {
	return []featureProbe{
		{name: "clone3", since: "5.5", what: "every start; clone(2) can stand in", ask: askStart("clone3", "5.5", kernel.NoClone3)},
		{name: "close-range", since: "5.11", what: "every start; closing one by one can stand in", ask: askStart("close_range", "5.11", kernel.NoCloseRange)},
		{name: "execveat", since: "3.19", what: "{Attr.Program}, second stages; /proc/self/fd can stand in", ask: askExecveat},
		{name: "pidfd", since: "5.3", what: "{SysProcAttr.PidFD}, {Cmd.Wait} without a thread", ask: askPidfd},
		{name: "executable-memfd", since: "3.17", what: "second stages: {Attr.Init}, {OOMScoreAdj|Attr.OOMScoreAdj}, {MDWE|Attr.MDWE} and others", try: doesWithoutHugePages},
		{name: "chroot", since: "2.0", what: "{SysProcAttr.Chroot}", takes: here(unix.CAP_SYS_CHROOT), inside: true,
			try: func(t *trial) { t.sys.Chroot = "/" }},
		{name: "personality", since: "2.0", what: "{Attr.Personality: ADDR_NO_RANDOMIZE}",
			try: func(t *trial) { t.attr.Personality = new(spec.AddrNoRandomize) }},
	}
}

func featuresOfNamespaces() []featureProbe {
	return []featureProbe{
		{name: "user-namespaces", since: "3.8", what: "{SysProcAttr.Cloneflags: CLONE_NEWUSER}", try: makes(unix.CLONE_NEWUSER)},
		{name: "id-maps", since: "3.8", what: "{SysProcAttr.UidMappings}, {GidMappings|SysProcAttr.GidMappings}, for its own user and group", try: mapsItself},
		{name: "subordinate-ids", since: "3.8", what: "{Attr.IDMap.Subordinate}", try: mapsSubordinates},
		{name: "mount-namespaces", since: "2.4.19", what: "{SysProcAttr.Cloneflags: CLONE_NEWNS}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: makes(unix.CLONE_NEWNS)},
		{name: "pid-namespaces", since: "2.6.24", what: "{SysProcAttr.Cloneflags: CLONE_NEWPID}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: makes(unix.CLONE_NEWPID)},
		{name: "net-namespaces", since: "2.6.29", what: "{SysProcAttr.Cloneflags: CLONE_NEWNET}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: makes(unix.CLONE_NEWNET)},
		{name: "ipc-namespaces", since: "2.6.19", what: "{SysProcAttr.Cloneflags: CLONE_NEWIPC}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: makes(unix.CLONE_NEWIPC)},
		{name: "uts-namespaces", since: "2.6.19", what: "{SysProcAttr.Cloneflags: CLONE_NEWUTS}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: makes(unix.CLONE_NEWUTS)},
		{name: "cgroup-namespaces", since: "4.6", what: "{SysProcAttr.Cloneflags: CLONE_NEWCGROUP}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: makes(unix.CLONE_NEWCGROUP)},
		{name: "time-namespaces", since: "5.6", what: "{SysProcAttr.Unshareflags: CLONE_NEWTIME}", takes: here(unix.CAP_SYS_ADMIN), inside: true,
			try: func(t *trial) { t.sys.Unshareflags = unix.CLONE_NEWTIME }},
		{name: "join-namespaces", since: "3.0", what: "{Attr.Join}", takes: here(unix.CAP_SYS_ADMIN), inside: true, with: joinsAnother},
		{name: "namespace-ids", since: "4.11", what: "{Attr.ReportNamespaces}", try: func(t *trial) { t.attr.ReportNamespaces = spec.UTSNamespace }},
		{name: "hostname", since: "2.6.19", what: "{Attr.Hostname}, {Domainname|Attr.Domainname}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: func(t *trial) {
			makes(unix.CLONE_NEWUTS)(t)
			t.attr.Hostname, t.attr.Domainname = "probe", "probe"
		}},
		{name: "sysctls", since: "2.6.19", what: "{Attr.Sysctls}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: func(t *trial) {
			makes(unix.CLONE_NEWIPC)(t)
			t.attr.Sysctls = []spec.Sysctl{{Name: "kernel.msgmax", Value: "8192"}}
		}},
		{name: "loopback", since: "2.6.29", what: "{Attr.Loopback}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: func(t *trial) {
			makes(unix.CLONE_NEWNET)(t)
			t.attr.Loopback = true
		}},
		{name: "net-sockets", since: "3.17", what: "{Attr.Sockets}, {Attr.Meet}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: func(t *trial) {
			makes(unix.CLONE_NEWNET)(t)
			t.attr.Sockets = []spec.Socket{{Domain: unix.AF_NETLINK, Type: unix.SOCK_RAW, Protocol: unix.NETLINK_ROUTE}}
			t.attr.Meet = func(m *spec.Meeting) error { return m.Sockets[0].Close() }
		}},
		{name: "time-offsets", since: "6.2", what: "{Attr.TimeOffsets}", takes: here(unix.CAP_SYS_ADMIN), inside: true, try: func(t *trial) {
			t.sys.Unshareflags = unix.CLONE_NEWTIME
			t.attr.TimeOffsets = &spec.TimeOffsets{Boottime: time.Hour}
		}},
		{name: "forbid-user-namespaces", since: "4.9", what: "{Attr.ForbidUserNamespaces}", try: func(t *trial) {
			mapsItself(t)
			t.attr.ForbidUserNamespaces = true
		}},
	}
}

func featuresOfRights() []featureProbe {
	return []featureProbe{
		{name: "other-users", since: "2.0", what: "{SysProcAttr.Credential}, {Attr.IDs}", takes: here(unix.CAP_SETUID), try: becomesAnother},
		{name: "other-groups", since: "2.0", what: "{SysProcAttr.Credential}, {Attr.IDs}, {Attr.Groups}", takes: here(unix.CAP_SETGID), try: changesGroups},
		{name: "no-new-privs", since: "3.5", what: "{Attr.NoNewPrivs}", try: func(t *trial) { t.attr.NoNewPrivs = true }},
		{name: "bounding-set", since: "2.6.25", what: "{Attr.Caps.Bounding}", takes: here(unix.CAP_SETPCAP), inside: true,
			try: func(t *trial) { t.attr.Caps = &spec.Caps{Bounding: spec.CapSet{Drop: []string{"all"}}} }},
		{name: "ambient-capabilities", since: "4.3", what: "{SysProcAttr.AmbientCaps}, {Attr.Caps.Ambient}", inside: true, try: keepsItsCapability},
		{name: "securebits", since: "2.6.26", what: "{Attr.Securebits}", takes: here(unix.CAP_SETPCAP), inside: true,
			try: func(t *trial) { t.attr.Securebits = &spec.Securebits{Add: []string{"noroot"}} }},
		{name: "session-keyrings", since: "2.6.12", what: "{Attr.SessionKeyring}", try: func(t *trial) { t.attr.SessionKeyring = &spec.SessionKeyring{} }},
		{name: "selinux", since: "2.6.0", what: "{Attr.ExecLabel.SELinux}", try: asksForItsSELinuxLabel},
		{name: "apparmor", since: "5.8", what: "{Attr.ExecLabel.AppArmor}", try: asksForItsAppArmorLabel},
	}
}

func featuresOfProcesses() []featureProbe {
	return []featureProbe{
		{name: "child-subreaper", since: "3.4", what: "{Attr.Init} outside of a PID namespace", try: asksForInit},
		{name: "own-proc", since: "1.0", what: "{Cmd.KillTree} without a PID namespace and a cgroup, {Ending.CPUTime}, {SysProcAttr.UidMappings}, {GidMappings|SysProcAttr.GidMappings}", ask: askOwnProc},
		{name: "parent-death-signal", since: "2.2", what: "{SysProcAttr.Pdeathsig}", try: func(t *trial) { t.sys.Pdeathsig = unix.SIGKILL }},
		{name: "ptrace", since: "2.0", what: "{SysProcAttr.Ptrace}", try: func(t *trial) { t.sys.Ptrace = true }},
		{name: "pseudo-terminals", since: "2.2", what: "{Cmd.StartPTY}", ask: askPTY},
	}
}

func featuresOfScheduling() []featureProbe {
	return []featureProbe{
		{name: "raise-limits", since: "2.0", what: "{Attr.Rlimits} above the hard limit", takes: initially(unix.CAP_SYS_RESOURCE), try: func(t *trial) {
			t.attr.Rlimits = []spec.Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}, {Resource: unix.RLIMIT_CORE, Cur: 0, Max: 1}}
		}},
		{name: "lower-nice", since: "2.0", what: "{Attr.Nice} below the inherited one", takes: initially(unix.CAP_SYS_NICE), try: asksForLowerNice},
		{name: "real-time-policies", since: "2.0", what: "{Attr.Scheduler: SCHED_FIFO}, {SCHED_RR|Attr.Scheduler: SCHED_RR}", takes: initially(unix.CAP_SYS_NICE),
			try: schedules(spec.Scheduler{Policy: spec.SchedFIFO, Priority: 1})},
		{name: "deadline-policy", since: "3.14", what: "{Attr.Scheduler: SCHED_DEADLINE}", takes: initially(unix.CAP_SYS_NICE),
			try: schedules(spec.Scheduler{Policy: spec.SchedDeadline, Runtime: time.Millisecond, Period: 10 * time.Millisecond})},
		{name: "extensible-policy", since: "6.12", what: "{Attr.Scheduler: SCHED_EXT}", try: schedules(spec.Scheduler{Policy: spec.SchedExt})},
		{name: "utilisation-clamps", since: "5.3", what: "{Attr.Scheduler: UtilMin|Attr.Scheduler.UtilMin}, {UtilMax|Attr.Scheduler.UtilMax}", try: schedules(spec.Scheduler{UtilMin: new(0)})},
		{name: "cpu-affinity", since: "2.6.0", what: "{Attr.CPUs}", try: staysOnItsCPU},
		{name: "core-scheduling", since: "5.14", what: "{Attr.CoreSched}", try: func(t *trial) { t.attr.CoreSched = &spec.CoreSched{} }},
		{name: "io-priorities", since: "2.6.13", what: "{Attr.IOPriority: IOPRIO_CLASS_IDLE}", try: func(t *trial) { t.attr.IOPriority = &spec.IOPriority{Class: spec.IOIdle} }},
		{name: "real-time-io", since: "2.6.13", what: "{Attr.IOPriority: IOPRIO_CLASS_RT}", takes: initially(unix.CAP_SYS_NICE),
			try: func(t *trial) { t.attr.IOPriority = &spec.IOPriority{Class: spec.IORealTime, Level: 4} }},
		{name: "timer-slack", since: "2.6.28", what: "{Attr.TimerSlack}", try: func(t *trial) { t.attr.TimerSlack = time.Millisecond }},
	}
}

func featuresOfMemory() []featureProbe {
	return []featureProbe{
		{name: "numa", since: "2.6.7", what: "{Attr.NUMA}", try: func(t *trial) { t.attr.NUMA = &spec.NUMA{Mode: spec.NUMALocal} }},
		{name: "oom-score", since: "2.6.36", what: "{Attr.OOMScoreAdj}", try: func(t *trial) { t.attr.OOMScoreAdj = new(1000) }},
		{name: "oom-protection", since: "2.6.36", what: "{Attr.OOMScoreAdj} below the inherited one", takes: initially(unix.CAP_SYS_RESOURCE),
			try: func(t *trial) { t.attr.OOMScoreAdj = new(-1000) }},
		{name: "huge-pages-off", since: "3.15", what: "{Attr.THPDisable}", try: doesWithoutHugePages},
		{name: "huge-pages-advised", since: "6.18", what: "{Attr.THPDisable: except those advised}", try: func(t *trial) { t.attr.THPDisable = spec.THPDisableExceptAdvised }},
		{name: "coredump-filter", since: "2.6.23", what: "{Attr.CoredumpFilter}", try: func(t *trial) { t.attr.CoredumpFilter = new(uint32(1)) }},
		{name: "memory-merge", since: "6.7", what: "{Attr.MemoryMerge}", try: func(t *trial) { t.attr.MemoryMerge = true }},
		{name: "mdwe", since: "6.3", what: "{Attr.MDWE}", try: func(t *trial) { t.attr.MDWE = true }},
	}
}

func featuresOfLandlock() []featureProbe {
	return []featureProbe{
		{name: "landlock", since: "5.13", what: "{Attr.Landlock.Files}", try: handles(spec.Landlock{Files: &spec.LandlockFiles{Handled: spec.LandlockWriteFile}})},
		{name: "landlock-refer", since: "5.19", what: "{Attr.Landlock.Files: LandlockRefer}", try: handles(spec.Landlock{Files: &spec.LandlockFiles{Handled: spec.LandlockRefer}})},
		{name: "landlock-truncate", since: "6.2", what: "{Attr.Landlock.Files: LandlockTruncate}", try: handles(spec.Landlock{Files: &spec.LandlockFiles{Handled: spec.LandlockTruncate}})},
		{name: "landlock-ports", since: "6.7", what: "{Attr.Landlock.Ports: TCP}", try: handles(spec.Landlock{Ports: &spec.LandlockPorts{Handled: spec.LandlockBindTCP}})},
		{name: "landlock-ioctl", since: "6.10", what: "{Attr.Landlock.Files: LandlockIoctlDev}", try: handles(spec.Landlock{Files: &spec.LandlockFiles{Handled: spec.LandlockIoctlDev}})},
		{name: "landlock-scopes", since: "6.12", what: "{Attr.Landlock.Scopes}", try: handles(spec.Landlock{Scopes: spec.LandlockScopeSignal})},
		{name: "landlock-log", since: "6.15", what: "{Attr.Landlock.Log}", try: handles(spec.Landlock{Scopes: spec.LandlockScopeSignal, Log: spec.LandlockLogSubdomainsOff})},
		{name: "landlock-unix", since: "7.1", what: "{Attr.Landlock.Files: LandlockResolveUnix}", try: handles(spec.Landlock{Files: &spec.LandlockFiles{Handled: spec.LandlockResolveUnix}})},
		{name: "landlock-udp", since: "7.2", what: "{Attr.Landlock.Ports: UDP}", try: handles(spec.Landlock{Ports: &spec.LandlockPorts{Handled: spec.LandlockBindUDP}})},
	}
}

func featuresOfSeccomp() []featureProbe {
	return []featureProbe{
		{name: "seccomp", since: "3.17", what: "{Attr.Seccomp}, {DenyTIOCSTI|Attr.DenyTIOCSTI: true}", try: filters(spec.Seccomp{})},
		{name: "seccomp-log", since: "4.14", what: "{Attr.Seccomp.Log}", try: filters(spec.Seccomp{Log: true})},
		{name: "seccomp-spec-allow", since: "4.17", what: "{Attr.Seccomp.SpecAllow}", try: filters(spec.Seccomp{SpecAllow: true})},
		{name: "seccomp-listener", since: "5.6", what: "{Attr.Seccomp: SCMP_ACT_NOTIFY}", try: filters(spec.Seccomp{Rules: notified})},
		{name: "seccomp-wait-killable", since: "5.19", what: "{Attr.Seccomp.WaitKillable}", try: filters(spec.Seccomp{Rules: notified, WaitKillable: true})},
	}
}

// notified is a rule about a call that nobody makes.
var notified = []spec.SeccompRule{{Names: []string{"acct"}, Action: spec.SeccompNotify}}

func featuresOfCgroups() []featureProbe {
	return []featureProbe{
		{name: "cgroup2", since: "4.5", what: "{Attr.Cgroup} without a {Parent|Attr.Cgroup.Parent}", try: func(t *trial) { t.attr.Cgroup = &spec.Cgroup{} }},
		{name: "clone-into-cgroup", since: "5.7", what: "{SysProcAttr.UseCgroupFD}", ask: askIntoCgroup},
		{name: "cgroup-kill", since: "5.14", what: "{CgroupHandle.Kill}; killing one by one can stand in", ask: askCgroupKill},
		{name: "cgroup-cpu", since: "4.15", what: "{Attr.Cgroup: limits of the CPU|Attr.Cgroup.CPUQuota}", ask: askController("cpu")},
		{name: "cgroup-cpuset", since: "5.0", what: "{Attr.Cgroup: which CPUs and nodes|Attr.Cgroup.CPUs}", ask: askController("cpuset")},
		{name: "cgroup-memory", since: "4.5", what: "{Attr.Cgroup: limits of memory|Attr.Cgroup.MemoryMax}", ask: askController("memory")},
		{name: "cgroup-io", since: "4.5", what: "{Attr.Cgroup: limits of devices|Attr.Cgroup.IOMax}", ask: askController("io")},
		{name: "cgroup-pids", since: "4.5", what: "{Attr.Cgroup: the number of processes|Attr.Cgroup.PidsMax}", ask: askController("pids")},
		{name: "cgroup1", since: "2.6.24", what: "{Attr.CgroupV1}", try: entersItsOwnV1},
	}
}

func asksForInit(t *trial) { t.attr.Init = &spec.Init{} }

func doesWithoutHugePages(t *trial) { t.attr.THPDisable = spec.THPDisableCompletely }

// makes tries new namespaces.
func makes(flags uintptr) func(*trial) {
	return func(t *trial) { t.sys.Cloneflags |= flags }
}

func schedules(s spec.Scheduler) func(*trial) {
	return func(t *trial) { t.attr.Scheduler = &s }
}

// handles tries rights that are taken, and leaves those to execute.
func handles(l spec.Landlock) func(*trial) {
	return func(t *trial) { t.attr.Landlock, t.attr.NoNewPrivs = &l, true }
}

// filters tries a filter that allows everything. A policy without rules needs a
// program of the kernel's.
func filters(s spec.Seccomp) func(*trial) {
	if s.Rules == nil {
		allow := []seccomp.Insn{{Code: unix.BPF_RET | unix.BPF_K, K: uint32(seccomp.Allow)}}
		s.Programs = [][]byte{seccomp.Encode(allow)}
	} else {
		s.Default = spec.SeccompAllow
	}
	return func(t *trial) { t.attr.Seccomp, t.attr.NoNewPrivs = &s, true }
}
