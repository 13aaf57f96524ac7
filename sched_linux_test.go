//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// said is what a program prints that is started with these attributes.
func said(t *testing.T, attr *Attr, args ...string) string {
	t.Helper()
	return strings.TrimSpace(printed(t, nil, attr, args[0], args[1:]...))
}

// ownNice and ownOOMScoreAdj are what the tests were started with, which an
// ordinary user can only raise.
func ownNice() int {
	n, _ := unix.Getpriority(unix.PRIO_PROCESS, 0) // the system call's: 20 - nice
	return 20 - n
}

func ownOOMScoreAdj() int {
	n, _ := strconv.Atoi(strings.TrimSpace(contentsOf("/proc/self/oom_score_adj")))
	return n
}

func TestNice(t *testing.T) {
	own := ownNice()
	for _, n := range []int{own, min(own+5, 19), 19} {
		if got := said(t, &Attr{Nice: new(n)}, "nice"); got != strconv.Itoa(n) {
			t.Errorf("nice = %s; want %d", got, n)
		}
	}
	requires(t, lowerNice)
	if got := said(t, &Attr{Nice: new(-20)}, "nice"); got != "-20" {
		t.Errorf("nice = %s; want -20", got)
	}
}

// A limit of the same start allows what it takes privileges for.
func TestNiceByItsLimit(t *testing.T) {
	requires(t, asRoot, raisingLimits)
	c := Command("/bin/sh", "-c", "nice")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	c.Attr = &Attr{Nice: new(-3), Rlimits: []Rlimit{{unix.RLIMIT_NICE, 30, 30}}}
	if got := outputOf(t, c); got != "-3\n" {
		t.Errorf("nice = %q; want -3", got)
	}
}

// chrt tells the policy and its parameters, which execve does not change.
func TestPolicies(t *testing.T) {
	requires(t, tool("chrt"))
	for _, test := range []struct {
		needs *requirement
		sched Scheduler
		want  string // policy, priority, parameters
	}{
		{nil, Scheduler{Policy: SchedOther}, "SCHED_OTHER 0"},
		{nil, Scheduler{Policy: SchedBatch}, "SCHED_BATCH 0"},
		{nil, Scheduler{Policy: SchedIdle}, "SCHED_IDLE 0"},
		{nil, Scheduler{Policy: SchedBatch, ResetOnFork: true}, "SCHED_BATCH|SCHED_RESET_ON_FORK 0"},
		{realTime, Scheduler{Policy: SchedFIFO, Priority: 1}, "SCHED_FIFO 1"},
		{realTime, Scheduler{Policy: SchedRR, Priority: 99, ResetOnFork: true}, "SCHED_RR|SCHED_RESET_ON_FORK 99"},
		{deadline, *someDeadline, "SCHED_DEADLINE 0 5000000/8000000/10000000"},
		{deadline, Scheduler{Policy: SchedDeadline, Runtime: time.Millisecond, Period: 9 * time.Millisecond}, "SCHED_DEADLINE 0 1000000/9000000/9000000"},
		{deadline, Scheduler{Policy: SchedDeadline, Runtime: time.Millisecond, Deadline: 9 * time.Millisecond, ResetOnFork: true},
			"SCHED_DEADLINE|SCHED_RESET_ON_FORK 0 1000000/9000000/9000000"},
		{extensible, Scheduler{Policy: SchedExt}, "SCHED_EXT 0"},
	} {
		t.Run(test.want, func(t *testing.T) {
			if test.needs != nil {
				requires(t, test.needs)
			}
			if got := shownByChrt(t, &Attr{Scheduler: &test.sched}); got != test.want {
				t.Errorf("chrt shows %q; want %q", got, test.want)
			}
		})
	}
}

// shownByChrt is what chrt -p shows of itself: what follows each colon or
// "parameters".
func shownByChrt(t *testing.T, attr *Attr) string {
	t.Helper()
	var values []string
	for line := range strings.Lines(said(t, attr, "chrt", "-p", "0")) {
		_, value, _ := strings.Cut(line, ": ")
		values = append(values, strings.TrimSpace(value))
	}
	return strings.Join(values, " ")
}

// What the kernel tells the program itself, where there is no chrt or one that
// knows less than the kernel.
func TestPoliciesByThemselves(t *testing.T) {
	for _, test := range []struct {
		needs *requirement
		sched Scheduler
	}{
		{nil, Scheduler{Policy: SchedOther}}, {nil, Scheduler{Policy: SchedBatch}}, {nil, Scheduler{Policy: SchedIdle}},
		{realTime, Scheduler{Policy: SchedFIFO, Priority: 1}}, {realTime, Scheduler{Policy: SchedRR, Priority: 1}},
		{deadline, *someDeadline}, {extensible, Scheduler{Policy: SchedExt}},
	} {
		t.Run(string(test.sched.Policy), func(t *testing.T) {
			if test.needs != nil {
				requires(t, test.needs)
			}
			c := helperCommand("look", "policy:")
			sched := test.sched
			c.Attr = &Attr{Scheduler: &sched}
			if sched.Policy == SchedDeadline {
				sched.ResetOnFork = true // a Go program makes threads
			}
			if got, want := outputOf(t, c), fmt.Sprintf("\"%d\"\n", numberOf(test.sched.Policy)); got != want {
				t.Errorf("policy = %s; want %s", got, want)
			}
		})
	}
}

// Of two fields that are wrong the first is named, each time.
func TestTheFirstWrongClampIsNamed(t *testing.T) {
	c := &Cmd{Path: "/bin/true", Attr: &Attr{Scheduler: &Scheduler{UtilMin: new(-2), UtilMax: new(1025)}}}
	const want = "sprog: start /bin/true: -2 (Attr.Scheduler.UtilMin): is not from 0 to 1024, and not SchedUtilReset"
	for range 40 {
		if _, err := c.Plan(); err == nil || err.Error() != want {
			t.Fatalf("Plan: %v; want %s", err, want)
		}
	}
}

// A policy leaves the nice value alone, and the other way round.
func TestPolicyAndNice(t *testing.T) {
	requires(t, tool("chrt"))
	own := ownNice()
	inherited, other := min(own+3, max(own, 18)), 19
	for _, policy := range []SchedPolicy{SchedOther, SchedBatch, SchedIdle} {
		c := Command("nice", "-n", strconv.Itoa(inherited-own), testBinary(), "policy-and-nice", string(policy), strconv.Itoa(other))
		c.Env = append(os.Environ(), helperEnv)
		if got, want := outputOf(t, c), fmt.Sprintf("%[1]s %[2]d %[1]s %[3]d\n", policy, inherited, other); got != want {
			t.Errorf("%s: %q; want %q", policy, got, want)
		}
	}
}

// policy-and-nice POLICY NICE: start programs with the policy, one with this
// process's nice value and one with another.
var _ = helper("policy-and-nice", func(args []string) int {
	var all []string
	other, _ := strconv.Atoi(args[1])
	for _, nice := range []*int{nil, &other} {
		c := Command("/bin/sh", "-c", "chrt -p $$ | sed -n 's/.*policy: //p'; nice")
		c.Attr = &Attr{Scheduler: &Scheduler{Policy: SchedPolicy(args[0])}, Nice: nice}
		out, err := c.Output()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		all = append(all, strings.Fields(string(out))...)
	}
	fmt.Println(strings.Join(all, " "))
	return 0
})

func TestUtilisationClamps(t *testing.T) {
	requires(t, utilClamps, tool("uclampset"))
	for want, s := range map[string]Scheduler{
		"min: 100, max: 200":   {UtilMin: new(100), UtilMax: new(200)},
		"min: 0, max: 1024":    {UtilMin: new(SchedUtilReset), UtilMax: new(SchedUtilReset)},
		"min: 7, max: 1024":    {Policy: SchedBatch, UtilMin: new(7)},
		"min: 0, max: 0":       {UtilMin: new(0), UtilMax: new(0)},
		"min: 1024, max: 1024": {UtilMin: new(1024)},
	} {
		if got := said(t, &Attr{Scheduler: &s}, "sh", "-c", "uclampset -p $$"); !strings.Contains(got, want) {
			t.Errorf("uclampset shows %q; want %q", got, want)
		}
	}
}

func TestCPUs(t *testing.T) {
	requires(t, tool("taskset"))
	own := ownCPUs()
	for _, list := range [][]int{own, own[:1], own[len(own)-1:], {own[0], own[0]}} {
		_, got, _ := strings.Cut(said(t, &Attr{CPUs: list}, "sh", "-c", "taskset -pc $$"), ": ")
		shown, err := ParseCPUList(got)
		if want := slices.Compact(slices.Sorted(slices.Values(list))); err != nil || !slices.Equal(shown, want) {
			t.Errorf("CPUs %v: taskset shows %s; want %v", list, got, want)
		}
	}
}

// CPUs that the cpuset withholds are missed, although the kernel leaves them
// out in silence as long as another one is left.
func TestCPUsOfAnotherCpuset(t *testing.T) {
	own := ownCPUs()
	if len(own) < 2 {
		t.Skip("needs two CPUs")
	}
	procs := newCpuset(t, own[0])
	c := helperCommand("affine", procs, strconv.Itoa(own[0]), strconv.Itoa(own[1]))
	out := outputOf(t, c)
	want := fmt.Sprintf("sched_setaffinity (Attr.CPUs): invalid argument (not all of the CPUs %s are online and in the child's cpuset; ", spec.FormatCPUList(own[:2]))
	if !strings.HasPrefix(out, "started\n") || strings.Count(out, "invalid argument") != 2 || !strings.Contains(out, want) {
		t.Errorf("output = %s; want a start, and two errors, one with %q", out, want)
	}
}

// affine PROCS A B: enter a cpuset that has A and not B, and start programs on
// A, on B and on both.
var _ = helper("affine", func(args []string) int {
	if err := os.WriteFile(args[0], []byte("0"), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	a, _ := strconv.Atoi(args[1])
	b, _ := strconv.Atoi(args[2])
	for _, list := range [][]int{{a}, {b}, {a, b}} {
		err := (&Cmd{Path: "/bin/true", Attr: &Attr{CPUs: list}}).Run()
		if err == nil {
			fmt.Println("started")
		} else {
			fmt.Println(err)
		}
	}
	return 0
})

// newCpuset makes a cpuset of version 1 with one CPU and returns the file that
// takes processes in.
func newCpuset(t *testing.T, cpu int) string {
	t.Helper()
	const root = "/sys/fs/cgroup/cpuset"
	mems, err := os.ReadFile(root + "/cpuset.mems")
	if err != nil {
		t.Skip("needs a cpuset hierarchy: ", err)
	}
	dir, err := os.MkdirTemp(root, "sprog-test")
	if err != nil {
		t.Skip("needs a writable cpuset hierarchy: ", err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	for file, value := range map[string]string{"cpuset.mems": string(mems), "cpuset.cpus": strconv.Itoa(cpu)} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cgroup.procs")
}

func TestNUMA(t *testing.T) {
	requires(t, numaNodes)
	zero := []int{0}
	for want, n := range map[string]NUMA{
		"default":               {Mode: NUMADefault},
		"local":                 {Mode: NUMALocal},
		"bind:0":                {Mode: NUMABind, Nodes: zero},
		"bind=static:0":         {Mode: NUMABind, Nodes: zero, StaticNodes: true},
		"bind=relative:0":       {Mode: NUMABind, Nodes: zero, RelativeNodes: true},
		"prefer:0":              {Mode: NUMAPreferred, Nodes: zero},
		"prefer (many):0":       {Mode: NUMAPreferredMany, Nodes: zero},
		"interleave:0":          {Mode: NUMAInterleave, Nodes: zero},
		"weighted interleave:0": {Mode: NUMAWeightedInterleave, Nodes: zero},
	} {
		// The mappings of a process go by its policy, and the kernel shows it
		// with each (proc_pid_numa_maps(5)).
		out, err := (&Cmd{Path: "/bin/cat", Args: []string{"cat", "/proc/self/numa_maps"}, Attr: &Attr{NUMA: &n}}).Output()
		if errors.Is(err, syscall.EINVAL) && (n.Mode == NUMAPreferredMany || n.Mode == NUMAWeightedInterleave) {
			continue // an older kernel
		}
		if err != nil {
			t.Errorf("%+v: %v", n, err)
			continue
		}
		first, _, _ := strings.Cut(string(out), "\n")
		if _, got, _ := strings.Cut(first, " "); !strings.HasPrefix(got, want+" ") {
			t.Errorf("%+v: numa_maps has %q; want %q", n, first, want)
		}
	}
	all := (&Cmd{Path: "/bin/true", Attr: &Attr{NUMA: &NUMA{Mode: NUMAInterleave, Nodes: []int{0, 63}}}}).Run()
	if want := "set_mempolicy MPOL_INTERLEAVE (Attr.NUMA): invalid argument (not all of the nodes 0,63 are online"; all == nil || !strings.Contains(all.Error(), want) {
		t.Errorf("a node that is not there: %v; want %s", all, want)
	}
}

func TestIOPriority(t *testing.T) {
	requires(t, tool("ionice"))
	for _, test := range []struct {
		p    IOPriority
		want string
	}{{IOPriority{IOIdle, 0}, "idle"}, {IOPriority{IOBestEffort, 0}, "best-effort: prio 0"}, {IOPriority{IOBestEffort, 7}, "best-effort: prio 7"}} {
		if got := said(t, &Attr{IOPriority: &test.p}, "ionice"); got != test.want {
			t.Errorf("%+v: ionice shows %q; want %q", test.p, got, test.want)
		}
	}
	requires(t, lowerNice) // the same privilege
	if got := said(t, &Attr{IOPriority: &IOPriority{IORealTime, 4}}, "ionice"); got != "realtime: prio 4" {
		t.Errorf("ionice shows %q; want realtime: prio 4", got)
	}
}

func TestTimerSlack(t *testing.T) {
	for _, slack := range []time.Duration{1, time.Millisecond, time.Hour} {
		if got := said(t, &Attr{TimerSlack: slack}, "cat", "/proc/self/timerslack_ns"); got != strconv.Itoa(int(slack)) {
			t.Errorf("timer slack = %s; want %d", got, slack)
		}
	}
}

// A process in a group of its own has a cookie, and one that joins it the same.
func TestCoreSched(t *testing.T) {
	requires(t, coreGroups)
	c := helperCommand("cookie")
	c.Attr = &Attr{CoreSched: &CoreSched{}}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	line, _ := startReady(t, c).ReadString('\n')
	second := helperCommand("cookie")
	second.Attr = &Attr{CoreSched: &CoreSched{ShareFrom: c.Process.Pid}}
	if got := outputOf(t, second); got != "ready\n"+line || line == "0\n" {
		t.Errorf("cookies %q and %q; want the same", line, got)
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// cookie: print the core scheduling cookie, and wait for the end of input.
var _ = helper("cookie", func([]string) int {
	var cookie uint64
	err := unix.PrctlArg5Ptr(unix.PR_SCHED_CORE, unix.PR_SCHED_CORE_GET, 0, unix.PR_SCHED_CORE_SCOPE_THREAD, unsafe.Pointer(&cookie))
	fmt.Printf("ready\n%d\n", cookie)
	os.Stdin.Read(make([]byte, 1))
	if err != nil {
		return 1
	}
	return 0
})

func TestOOMScoreAdj(t *testing.T) {
	own := ownOOMScoreAdj()
	for _, n := range []int{own, 777, 1000} {
		if n < own {
			continue
		}
		if got := said(t, &Attr{OOMScoreAdj: new(n)}, "cat", "/proc/self/oom_score_adj"); got != strconv.Itoa(n) {
			t.Errorf("oom_score_adj = %s; want %d", got, n)
		}
	}
	if now := strings.TrimSpace(contentsOf("/proc/self/oom_score_adj")); now != strconv.Itoa(own) {
		t.Errorf("oom_score_adj of this process = %s; want %d", now, own)
	}
	if raisingLimits.works() != nil {
		err := (&Cmd{Path: "/bin/true", Attr: &Attr{OOMScoreAdj: new(-900)}}).Run()
		const want = `write self/oom_score_adj "-900" (Attr.OOMScoreAdj): permission denied (a value below the one that is inherited, `
		if !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), want) {
			t.Errorf("without the capability: %v; want %s", err, want)
		}
	}
}

// The flags of the memory outlast the execve of the program, and what it
// executes in turn.
func TestMemoryFlags(t *testing.T) {
	for _, test := range []struct {
		attr  Attr
		needs *requirement
		want  string
	}{
		{Attr{}, nil, "0 0"},
		{Attr{THPDisable: THPDisableCompletely}, nil, "1 0"},
		{Attr{THPDisable: THPDisableExceptAdvised}, advisedPages, "3 0"},
		{Attr{MDWE: true}, deniedExec, "0 1"},
		{Attr{MDWE: true, THPDisable: THPDisableCompletely, Init: &Init{}}, deniedExec, "1 1"},
	} {
		if test.needs != nil && test.needs.works() != nil {
			t.Log("needs ", test.needs.what)
			continue
		}
		c := Command("/bin/sh", "-c", `"$0" memory-flags; exec "$0" memory-flags`, testBinary())
		c.Env, c.Attr = append(os.Environ(), helperEnv), &test.attr
		if got, want := outputOf(t, c), test.want+"\n"+test.want+"\n"; got != want {
			t.Errorf("%+v: flags %q; want %q", test.attr, got, want)
		}
	}
	thp, _ := unix.PrctlRetInt(unix.PR_GET_THP_DISABLE, 0, 0, 0, 0)
	mdwe, _ := unix.PrctlRetInt(unix.PR_GET_MDWE, 0, 0, 0, 0)
	if thp != 0 || mdwe > 0 {
		t.Errorf("flags of this process = %d %d; want none", thp, mdwe)
	}
}

var _ = helper("memory-flags", func([]string) int {
	thp, _ := unix.PrctlRetInt(unix.PR_GET_THP_DISABLE, 0, 0, 0, 0)
	mdwe, err := unix.PrctlRetInt(unix.PR_GET_MDWE, 0, 0, 0, 0)
	if err != nil {
		mdwe = 0
	}
	fmt.Println(thp, mdwe)
	return 0
})

// The kind of mappings that core files have, and whether pages are merged, are the program's and its
// children's, and not this process's: the memory is another one.
func TestCoredumpFilterAndMerge(t *testing.T) {
	own := func() string {
		text, err := os.ReadFile("/proc/self/coredump_filter")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := own()
	for _, filter := range []CoredumpFilter{0, DumpAnonymousPrivate | DumpDAXShared, 0x1ff} {
		for _, attr := range []*Attr{{CoredumpFilter: &filter}, {CoredumpFilter: &filter, Init: &Init{}, MDWE: deniedExec.works() == nil}} {
			got := said(t, attr, "sh", "-c", "cat /proc/self/coredump_filter; exec cat /proc/self/coredump_filter")
			if want := fmt.Sprintf("%08x\n%08x", filter, filter); got != want {
				t.Errorf("filter %#x: %q; want %q", filter, got, want)
			}
		}
	}
	if after := own(); after != before {
		t.Errorf("this process's filter = %q after starts; want %q", after, before)
	}
	requires(t, mergedPages)
	if _, err := os.Stat("/proc/self/ksm_stat"); err == nil {
		if got := said(t, &Attr{MemoryMerge: true}, "sh", "-c", "exec grep ksm_merge_any /proc/self/ksm_stat"); got != "ksm_merge_any: yes" {
			t.Errorf("the kernel says %q of the program", got)
		}
	}
	if n, err := unix.PrctlRetInt(unix.PR_GET_MEMORY_MERGE, 0, 0, 0, 0); n != 0 || err != nil {
		t.Errorf("this process's pages are merged: %d, %v", n, err)
	}
}

func TestMDWE(t *testing.T) {
	requires(t, deniedExec)
	for want, attr := range map[string]*Attr{"<nil>\n": {}, "permission denied\n": {MDWE: true}} {
		c := helperCommand("write-and-execute")
		c.Attr = attr
		if got := outputOf(t, c); got != want {
			t.Errorf("%+v: mmap answers %q; want %q", attr, got, want)
		}
	}
}

var _ = helper("write-and-execute", func([]string) int {
	_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	fmt.Println(err)
	return 0
})

func TestBadScheduling(t *testing.T) {
	sched := func(s Scheduler) func(*Cmd) { return by(&Attr{Scheduler: &s}) }
	ms := time.Millisecond
	wantRefused(t, []badStart{
		{"nice", by(&Attr{Nice: new(20)}), syscall.EINVAL, "20 (Attr.Nice): is not from -20 to 19"},
		{"policy", sched(Scheduler{Policy: "SCHED_FAST"}), syscall.EINVAL, `"SCHED_FAST" (Attr.Scheduler.Policy): is no policy`},
		{"priority of others", sched(Scheduler{Policy: SchedOther, Priority: 1}), syscall.EINVAL, "1 (Attr.Scheduler.Priority): needs SCHED_FIFO or SCHED_RR"},
		{"priority alone", sched(Scheduler{Priority: 1}), syscall.EINVAL, "1 (Attr.Scheduler.Priority): needs SCHED_FIFO or SCHED_RR"},
		{"no priority", sched(Scheduler{Policy: SchedFIFO}), syscall.EINVAL, "0 (Attr.Scheduler.Priority): is not from 1 to 99, as SCHED_FIFO needs it"},
		{"high priority", sched(Scheduler{Policy: SchedRR, Priority: 100}), syscall.EINVAL, "100 (Attr.Scheduler.Priority): is not from 1 to 99, as SCHED_RR needs it"},
		{"runtime of others", sched(Scheduler{Policy: SchedBatch, Runtime: ms}), syscall.EINVAL, "(Attr.Scheduler): has parameters that only SCHED_DEADLINE takes"},
		{"no runtime", sched(Scheduler{Policy: SchedDeadline, Period: ms}), syscall.EINVAL, "0s (Attr.Scheduler.Runtime): is less than the kernel takes, 1.024µs"},
		{"no period", sched(Scheduler{Policy: SchedDeadline, Runtime: ms}), syscall.EINVAL, "(Attr.Scheduler.Deadline): is missing, and so is Period"},
		{"long runtime", sched(Scheduler{Policy: SchedDeadline, Runtime: 2 * ms, Deadline: ms}), syscall.EINVAL, "2ms (Attr.Scheduler.Runtime): is longer than the deadline, 1ms"},
		{"long deadline", sched(Scheduler{Policy: SchedDeadline, Runtime: ms, Deadline: 3 * ms, Period: 2 * ms}), syscall.EINVAL, "3ms (Attr.Scheduler.Deadline): is longer than the period, 2ms"},
		{"negative period", sched(Scheduler{Policy: SchedDeadline, Runtime: ms, Deadline: ms, Period: -1}), syscall.EINVAL, "1ms (Attr.Scheduler.Deadline): is longer than the period, -1ns"},
		{"reset of nothing", sched(Scheduler{ResetOnFork: true}), syscall.EINVAL, "(Attr.Scheduler.ResetOnFork): needs a Policy"},
		{"reset and init", by(&Attr{Init: &Init{}, Scheduler: &Scheduler{Policy: SchedBatch, ResetOnFork: true}}), syscall.EINVAL,
			"(Attr.Scheduler.ResetOnFork): cannot be combined with Attr.Init: the program, a child of the init, would lose the policy"},
		{"deadline and init", by(&Attr{Init: &Init{}, Scheduler: someDeadline}), syscall.EINVAL,
			"SCHED_DEADLINE (Attr.Scheduler): cannot be combined with Attr.Init: a process with this policy has no children"},
		{"deadline and ptrace", func(c *Cmd) {
			c.Attr, c.SysProcAttr = &Attr{Scheduler: someDeadline}, &syscall.SysProcAttr{Ptrace: true}
		}, syscall.EINVAL, "(Attr.Scheduler): cannot be combined with SysProcAttr.Ptrace: its second stage would be traced"},
		{"clamp", sched(Scheduler{UtilMax: new(1025)}), syscall.EINVAL, "1025 (Attr.Scheduler.UtilMax): is not from 0 to 1024, and not SchedUtilReset"},
		{"clamps", sched(Scheduler{UtilMin: new(3), UtilMax: new(2)}), syscall.EINVAL, "3 (Attr.Scheduler.UtilMin): is above UtilMax, 2"},
		{"no CPUs", by(&Attr{CPUs: []int{}}), syscall.EINVAL, "(Attr.CPUs): is a list of no CPUs"},
		{"negative CPU", by(&Attr{CPUs: []int{0, -1}}), syscall.EINVAL, "-1 (Attr.CPUs[1]): is not from 0 to 8191"},
		{"huge CPU", by(&Attr{CPUs: []int{8192}}), syscall.EINVAL, "8192 (Attr.CPUs[0]): is not from 0 to 8191"},
		{"NUMA mode", by(&Attr{NUMA: &NUMA{Mode: "near"}}), syscall.EINVAL, `"near" (Attr.NUMA.Mode): is no memory policy`},
		{"no nodes", by(&Attr{NUMA: &NUMA{Mode: NUMABind}}), syscall.EINVAL, "(Attr.NUMA.Nodes): is empty, and MPOL_BIND needs nodes"},
		{"nodes", by(&Attr{NUMA: &NUMA{Mode: NUMALocal, Nodes: []int{0, 1}}}), syscall.EINVAL, "0-1 (Attr.NUMA.Nodes): has nodes, and MPOL_LOCAL takes none"},
		{"many preferred", by(&Attr{NUMA: &NUMA{Mode: NUMAPreferred, Nodes: []int{0, 1}}}), syscall.EINVAL,
			"0-1 (Attr.NUMA.Nodes): is more than one node: MPOL_PREFERRED_MANY takes several"},
		{"huge node", by(&Attr{NUMA: &NUMA{Mode: NUMABind, Nodes: []int{1024}}}), syscall.EINVAL, "1024 (Attr.NUMA.Nodes[0]): is not from 0 to 1023"},
		{"static and relative", by(&Attr{NUMA: &NUMA{Mode: NUMABind, Nodes: []int{0}, StaticNodes: true, RelativeNodes: true}}), syscall.EINVAL,
			"(Attr.NUMA): cannot have nodes that are both static and relative"},
		{"static nothing", by(&Attr{NUMA: &NUMA{Mode: NUMALocal, StaticNodes: true}}), syscall.EINVAL, "MPOL_LOCAL (Attr.NUMA): has no nodes that could be static or relative"},
		{"I/O class", by(&Attr{IOPriority: &IOPriority{}}), syscall.EINVAL, `"" (Attr.IOPriority.Class): is no I/O scheduling class`},
		{"I/O level", by(&Attr{IOPriority: &IOPriority{IOBestEffort, 8}}), syscall.EINVAL, "8 (Attr.IOPriority.Level): is not from 0 to 7"},
		{"I/O level of idle", by(&Attr{IOPriority: &IOPriority{IOIdle, 1}}), syscall.EINVAL, "1 (Attr.IOPriority.Level): is for a class that has levels, and IOPRIO_CLASS_IDLE has none"},
		{"I/O priority of the parent", func(c *Cmd) {
			c.Attr, c.SysProcAttr = &Attr{IOPriority: &IOPriority{Class: IOIdle}}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_IO}
		}, syscall.EINVAL, "(Attr.IOPriority): cannot be combined with CLONE_IO: the priority would be the parent's, too"},
		{"oom_score_adj", by(&Attr{OOMScoreAdj: new(-1001)}), syscall.EINVAL, "-1001 (Attr.OOMScoreAdj): is not from -1000 to 1000"},
		{"coredump filter", by(&Attr{CoredumpFilter: new(CoredumpFilter(0x200))}), syscall.EINVAL,
			"0x200 (Attr.CoredumpFilter): has more than the kinds of mappings that there are"},
		{"timer slack", by(&Attr{TimerSlack: -1}), syscall.EINVAL, "-1ns (Attr.TimerSlack): is negative"},
		{"timer slack of real time", by(&Attr{TimerSlack: 1, Scheduler: &Scheduler{Policy: SchedRR, Priority: 1}}), syscall.EINVAL,
			"1ns (Attr.TimerSlack): cannot be had with SCHED_RR, whose timers have no slack"},
		{"core group", by(&Attr{CoreSched: &CoreSched{ShareFrom: -1}}), syscall.EINVAL, "-1 (Attr.CoreSched.ShareFrom): is no pid"},
		{"core group from elsewhere", func(c *Cmd) {
			c.Attr, c.SysProcAttr = &Attr{CoreSched: &CoreSched{ShareFrom: 1}}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		}, syscall.EINVAL, "1 (Attr.CoreSched.ShareFrom): cannot be combined with CLONE_NEWPID: the child does not see the process"},
		{"huge pages", by(&Attr{THPDisable: 3}), syscall.EINVAL, "3 (Attr.THPDisable): is none of its constants"},
	})
}

// What the kernel refuses comes with a reason.
func TestRefusedScheduling(t *testing.T) {
	requires(t, userNamespaces) // in which no capability helps
	var limits [2]unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NICE, &limits[0]) != nil || unix.Getrlimit(unix.RLIMIT_RTPRIO, &limits[1]) != nil || limits[0].Cur+limits[1].Cur > 0 {
		t.Skip("needs limits that allow nothing")
	}
	for want, attr := range map[string]*Attr{
		"setpriority -20 (Attr.Nice): permission denied (a nice value of -20 takes CAP_SYS_NICE in the initial user namespace, which a child in a new one does not have, or a RLIMIT_NICE of 40; it is 0)": {Nice: new(-20)},
		"sched_setattr SCHED_FIFO (Attr.Scheduler): operation not permitted (SCHED_FIFO takes CAP_SYS_NICE in":                                                                                             {Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 7}},
		"sched_setattr SCHED_DEADLINE (Attr.Scheduler): operation not permitted (SCHED_DEADLINE takes CAP_SYS_NICE in":                                                                                     {Scheduler: someDeadline},
		"ioprio_set IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0) (Attr.IOPriority): operation not permitted (IOPRIO_CLASS_RT takes CAP_SYS_NICE or CAP_SYS_ADMIN in":                                              {IOPriority: &IOPriority{Class: IORealTime}},
	} {
		c := &Cmd{Path: "/bin/true", Attr: attr, SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot,
		}}
		if err := c.Run(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run() = %v; want %s", err, want)
		}
	}
}

func TestDeadlineErrors(t *testing.T) {
	requires(t, deadline)
	wantError := func(err error, errno syscall.Errno, hint string) {
		t.Helper()
		if !errors.Is(err, errno) || !strings.Contains(err.Error(), hint) {
			t.Errorf("error %v; want %v (%s)", err, errno, hint)
		}
	}
	long := &Scheduler{Policy: SchedDeadline, Runtime: time.Second, Period: time.Hour}
	wantError((&Cmd{Path: "/bin/true", Attr: &Attr{Scheduler: long}}).Run(), syscall.EINVAL, "the period has to be within")
	wantError(fillWithDeadlines(t), syscall.EBUSY, "the CPUs have not enough bandwidth left")
	if own := ownCPUs(); len(own) > 1 {
		err := (&Cmd{Path: "/bin/true", Attr: &Attr{Scheduler: someDeadline, CPUs: own[:1]}}).Run()
		wantError(err, syscall.EPERM, "all CPUs of the root domain")
	}
}

// fillWithDeadlines starts programs that ask for a CPU each until there is an
// error. They wait, and use none.
func fillWithDeadlines(t *testing.T) error {
	t.Helper()
	for range 1 + runtime.NumCPU() {
		c := &Cmd{Path: "/bin/cat", Attr: &Attr{Scheduler: &Scheduler{Policy: SchedDeadline, Runtime: 10 * time.Millisecond, Period: 10 * time.Millisecond}}}
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			return err
		}
		defer c.Wait()
		defer in.Close()
	}
	return nil
}

func TestParseCPUList(t *testing.T) {
	for s, want := range map[string][]int{
		"0": {0}, "0-3,8": {0, 1, 2, 3, 8}, "0-10:4": {0, 4, 8}, "8,0": {8, 0}, "1,1,0-1": {1, 0}, "3-3": {3}, " 1, 2 ": {1, 2}, "8191": {8191},
	} {
		if got, err := ParseCPUList(s); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseCPUList(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", ",", "0,", "a", "-1", "1-", "3-1", "0-3:0", "0-3:", "0:2", "0x1", "8192", "0-99999999999", "1--2", "0-1-2"} {
		if got, err := ParseCPUList(s); err == nil {
			t.Errorf("ParseCPUList(%q) = %v; want an error", s, got)
		}
	}
	for want, list := range map[string][]int{"0-3,8": {0, 1, 2, 3, 8}, "5": {5}, "0,2": {0, 2}, "1-2": {1, 1, 2}, "": nil} {
		if got := spec.FormatCPUList(list); got != want {
			t.Errorf("formatCPUList(%v) = %q; want %q", list, got, want)
		}
	}
}

var facetsOfSched = []facet{
	{name: "nice",
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).Nice = new(19 - r.IntN(min(10, 20-ownNice()))) },
		expect: func(c *Cmd) map[string]string { return map[string]string{"nice:": strconv.Itoa(*c.Attr.Nice)} }},
	{name: "policy",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Scheduler = &Scheduler{Policy: [...]SchedPolicy{SchedOther, SchedBatch, SchedIdle}[r.IntN(3)]}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"policy:": strconv.Itoa(numberOf(c.Attr.Scheduler.Policy))}
		}},
	{name: "CPUs",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			own := ownCPUs()
			attr(c).CPUs = own[r.IntN(len(own)):][:1]
		},
		expect: func(c *Cmd) map[string]string {
			return seesStatus("Cpus_allowed_list", spec.FormatCPUList(c.Attr.CPUs))
		}},
	{name: "timer slack",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).TimerSlack = time.Duration(1 + r.IntN(1e9)) },
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"prctl:" + strconv.Itoa(unix.PR_GET_TIMERSLACK): strconv.Itoa(int(c.Attr.TimerSlack))}
		}},
	{name: "oom_score_adj",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).OOMScoreAdj = new(1000 - r.IntN(min(100, 1001-ownOOMScoreAdj())))
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"file:/proc/self/oom_score_adj": strconv.Itoa(*c.Attr.OOMScoreAdj)}
		}},
	{name: "huge pages",
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) { attr(c).THPDisable = THPDisableCompletely },
		expect: func(*Cmd) map[string]string {
			return map[string]string{"prctl:" + strconv.Itoa(unix.PR_GET_THP_DISABLE): "1"}
		}},
	{name: "coredump filter",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).CoredumpFilter = new(CoredumpFilter(r.Uint32N(0x200)))
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"file:/proc/self/coredump_filter": fmt.Sprintf("%08x", *c.Attr.CoredumpFilter)}
		}},
	{name: "merged pages", needs: []*requirement{mergedPages},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) { attr(c).MemoryMerge = true },
		expect: func(*Cmd) map[string]string {
			return map[string]string{"prctl:" + strconv.Itoa(unix.PR_GET_MEMORY_MERGE): "1"}
		}},
	{name: "memory-deny-write-execute", needs: []*requirement{deniedExec},
		draw:   func(_ *rand.Rand, _ *testing.T, c *Cmd) { attr(c).MDWE = true },
		expect: func(*Cmd) map[string]string { return map[string]string{"prctl:" + strconv.Itoa(unix.PR_GET_MDWE): "1"} }},
}

func init() {
	looks["nice"] = func(string) string { return strconv.Itoa(ownNice()) }
	looks["policy"] = func(string) string {
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			return err.Error()
		}
		return strconv.Itoa(int(attr.Policy))
	}
}

func numberOf(policy SchedPolicy) int {
	n, _ := spec.SchedPolicy(policy).Number()
	return n
}
