//go:build amd64 || arm64

package sprog

import (
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// starting requires that a start with these attributes succeeds. Whether it
// should is looked up in another way.
func starting(what string, attr *Attr, expected func() bool) *requirement {
	return &requirement{what: what, expected: expected, works: sync.OnceValue(func() error {
		return (&Cmd{Path: "/bin/true", Attr: attr}).Run()
	})}
}

// succeeds is how a requirement asks a program of the system.
func succeeds(name string, args ...string) func() bool {
	return sync.OnceValue(func() bool { return exec.Command(name, args...).Run() == nil })
}

// kernelHas is how it asks for a part of the kernel.
func kernelHas(file string) func() bool { return func() bool { return exists(file) } }

var (
	realTime = starting("real-time policies", &Attr{Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 1}}, succeeds("chrt", "-f", "1", "true"))
	deadline = starting("the deadline policy", &Attr{Scheduler: someDeadline},
		succeeds("chrt", "-d", "--sched-runtime", "1000000", "--sched-period", "10000000", "0", "true"))
	utilClamps   = starting("utilisation clamps", &Attr{Scheduler: &Scheduler{UtilMin: new(0)}}, succeeds("uclampset", "-m", "0", "true"))
	extensible   = starting("SCHED_EXT", &Attr{Scheduler: &Scheduler{Policy: SchedExt}}, kernelHas("/sys/kernel/sched_ext"))
	lowerNice    = starting("lower nice values", &Attr{Nice: new(-1)}, succeeds("sh", "-c", "[ $(nice -n -1 nice) = -1 ]"))
	numaNodes    = starting("NUMA", &Attr{NUMA: &NUMA{Mode: NUMALocal}}, nil)
	coreGroups   = starting("core scheduling", &Attr{CoreSched: &CoreSched{}}, nil)
	deniedExec   = starting("PR_SET_MDWE", &Attr{MDWE: true}, func() bool { _, err := unix.PrctlRetInt(unix.PR_GET_MDWE, 0, 0, 0, 0); return err == nil })
	advisedPages = starting("PR_THP_DISABLE_EXCEPT_ADVISED", &Attr{THPDisable: THPDisableExceptAdvised}, nil)
)

var someDeadline = &Scheduler{Policy: SchedDeadline, Runtime: 5 * time.Millisecond, Deadline: 8 * time.Millisecond, Period: 10 * time.Millisecond}

// ownCPUs are those that this process may use.
func ownCPUs() []int {
	list, err := ParseCPUList(procField("/proc/self/status", "Cpus_allowed_list"))
	if err != nil {
		panic(err)
	}
	return list
}

var casesOfSched = []startCase{
	{"nice", nil, withAttr(&Attr{Nice: new(19)})},
	{"policy", nil, withAttr(&Attr{Scheduler: &Scheduler{Policy: SchedBatch, ResetOnFork: true}})},
	{"idle policy", nil, withAttr(&Attr{Scheduler: &Scheduler{Policy: SchedIdle}})},
	{"real-time policy", []*requirement{realTime}, withAttr(&Attr{Scheduler: &Scheduler{Policy: SchedRR, Priority: 3}})},
	{"deadline policy", []*requirement{deadline}, withAttr(&Attr{Scheduler: someDeadline})},
	{"clamps", []*requirement{utilClamps}, withAttr(&Attr{Scheduler: &Scheduler{UtilMin: new(1), UtilMax: new(2)}})},
	{"affinity", nil, func(_ *testing.T, c *Cmd) { c.Attr = &Attr{CPUs: ownCPUs()[:1]} }},
	{"memory policy", []*requirement{numaNodes}, withAttr(&Attr{NUMA: &NUMA{Mode: NUMABind, Nodes: []int{0}}})},
	{"I/O priority", nil, withAttr(&Attr{IOPriority: &IOPriority{Class: IOIdle}})},
	{"timer slack", nil, withAttr(&Attr{TimerSlack: time.Millisecond})},
	{"core scheduling", []*requirement{coreGroups}, withAttr(&Attr{CoreSched: &CoreSched{}})},
	{"oom_score_adj", nil, withAttr(&Attr{OOMScoreAdj: new(1000)})},
	{"huge pages", nil, withAttr(&Attr{THPDisable: THPDisableCompletely})},
	{"memory flags with more files than slots", []*requirement{deniedExec}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{MDWE: true, THPDisable: THPDisableCompletely, OOMScoreAdj: new(1000)}
		for range 40 {
			c.ExtraFiles = append(c.ExtraFiles, tempFile(t))
		}
	}},
	{"second stage in a session of its own", nil, func(_ *testing.T, c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{OOMScoreAdj: new(1000)}, &syscall.SysProcAttr{Setsid: true}
	}},
	{"second stage as another user, elsewhere", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{OOMScoreAdj: new(1000), Nice: new(19)}
		c.SysProcAttr = &syscall.SysProcAttr{
			Chroot: "/", Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL,
			Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS,
		}
	}},
	{"scheduling with an init", nil, withAttr(&Attr{
		Init: &Init{}, Nice: new(19), OOMScoreAdj: new(1000), THPDisable: THPDisableCompletely, TimerSlack: time.Microsecond,
		Scheduler: &Scheduler{Policy: SchedBatch}, IOPriority: &IOPriority{Class: IOBestEffort, Level: 6},
	})},
}

var plansOfSched = []planCase{
	{"nice", by(&Attr{Nice: new(-5)})},
	{"sched-batch", by(&Attr{Scheduler: &Scheduler{Policy: SchedBatch}, Nice: new(5)})},
	{"sched-fifo", by(&Attr{Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 50, ResetOnFork: true}})},
	{"sched-deadline", by(&Attr{Scheduler: &Scheduler{Policy: SchedDeadline, Runtime: time.Millisecond, Deadline: 8 * time.Millisecond, Reclaim: true, Overrun: true}})},
	{"sched-clamps", by(&Attr{Scheduler: &Scheduler{UtilMin: new(SchedUtilReset), UtilMax: new(512)}})},
	{"sched-nothing", by(&Attr{Scheduler: &Scheduler{}})},
	{"cpus", by(&Attr{CPUs: []int{8, 0, 1, 2, 3, 130}})},
	{"numa-bind", by(&Attr{NUMA: &NUMA{Mode: NUMABind, Nodes: []int{0, 2}, StaticNodes: true}})},
	{"numa-local", by(&Attr{NUMA: &NUMA{Mode: NUMALocal}})},
	{"io-priority", by(&Attr{IOPriority: &IOPriority{Class: IORealTime, Level: 4}})},
	{"timer-slack", by(&Attr{TimerSlack: time.Millisecond})},
	{"core-sched", by(&Attr{CoreSched: &CoreSched{}})},
	{"core-sched-share", by(&Attr{CoreSched: &CoreSched{ShareFrom: 1234}})},
	{"oom-score-adj", by(&Attr{OOMScoreAdj: new(-17)})},
	{"memory-flags", by(&Attr{THPDisable: THPDisableExceptAdvised, MDWE: true})},
	{"second-stage-credential", func(c *Cmd) {
		c.Dir, c.Attr = "/srv", &Attr{OOMScoreAdj: new(300)}
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: "/srv/root", Credential: &syscall.Credential{Uid: 1, Gid: 2}}
	}},
}
