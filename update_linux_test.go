//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The threads program begins some threads, says so, and waits for the end of its input.
var _ = helper("threads", func([]string) int {
	for range 4 {
		ready := make(chan bool)
		go func() {
			close(ready)
			unix.Read(0, make([]byte, 1))
		}()
		<-ready
	}
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
	return 0
})

// running starts a command that prints a line when it is ready, and ends it after the test.
func running(t *testing.T, c *Cmd) *Cmd {
	t.Helper()
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.KillTree()
		c.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return c
}

// toolSays is what a program of util-linux or procps prints of a process.
func toolSays(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestUpdateProcess(t *testing.T) {
	requires(t, tool("prlimit"), tool("chrt"), tool("taskset"), tool("ionice"))
	c := running(t, helperCommand("threads"))
	pid := strconv.Itoa(c.Process.Pid)
	cpu := someCPU(t)
	err := UpdateProcess(c.Process.Pid, &Attr{
		Rlimits: []Rlimit{{RlimitNofile, 40, 50}, {RlimitCore, 0, 0}}, CPUs: []int{cpu}, Nice: new(15),
		Scheduler: &Scheduler{Policy: SchedBatch}, IOPriority: &IOPriority{Class: IOIdle}, OOMScoreAdj: new(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := toolSays(t, "prlimit", "--pid", pid, "--raw", "--noheadings", "--output", "SOFT,HARD", "--nofile"); got != "40 50" {
		t.Errorf("prlimit says %q of nofile; want 40 50", got)
	}
	if got := contentsOf("/proc/" + pid + "/oom_score_adj"); strings.TrimSpace(got) != "900" {
		t.Errorf("oom_score_adj is %q; want 900", got)
	}
	tasks, err := filepath.Glob("/proc/" + pid + "/task/*")
	if err != nil || len(tasks) < 4 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, task := range tasks {
		tid := filepath.Base(task)
		if got := toolSays(t, "taskset", "-cp", tid); !strings.HasSuffix(got, ": "+strconv.Itoa(cpu)) {
			t.Errorf("taskset says %q; want CPU %d", got, cpu)
		}
		if got := toolSays(t, "chrt", "-p", tid); !strings.Contains(got, "SCHED_BATCH") {
			t.Errorf("chrt says %q; want SCHED_BATCH", got)
		}
		if got := toolSays(t, "ionice", "-p", tid); got != "idle" {
			t.Errorf("ionice says %q; want idle", got)
		}
		stat := contentsOf(task + "/stat")
		if f := strings.Fields(stat[strings.LastIndexByte(stat, ')'):]); len(f) < 18 || f[17] != "15" {
			t.Errorf("thread %s has a nice value that is not 15: %s", tid, stat)
		}
	}
}

// someCPU is one of those that this process may run on.
func someCPU(t *testing.T) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for n := range 1024 {
		if set.IsSet(n) {
			return n
		}
	}
	t.Fatal("no CPU")
	return 0
}

func TestUpdateTree(t *testing.T) {
	requires(t, tool("prlimit"))
	for _, init := range []*Init{nil, {}} {
		c := running(t, shell(`sleep 1000 & (sleep 1000 & echo $! $$ $PPID; wait) & wait`, &Attr{Init: init}))
		if err := UpdateTree(c.Process.Pid, &Attr{Rlimits: []Rlimit{{RlimitCore, 0, 0}}, Nice: new(11)}); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, pid := range treeOf(c.Process.Pid) {
			n++
			if got := toolSays(t, "prlimit", "--pid", strconv.Itoa(pid), "--raw", "--noheadings", "--output", "HARD", "--core"); got != "0" {
				t.Errorf("prlimit says %q of process %d; want 0", got, pid)
			}
			if nice, err := unix.Getpriority(unix.PRIO_PROCESS, pid); err != nil || 20-nice != 11 {
				t.Errorf("process %d has a nice value of %d, %v; want 11", pid, 20-nice, err)
			}
		}
		if n < 4 {
			t.Errorf("%d processes in the tree", n)
		}
	}
}

// treeOf lists a process and what is below it, as /proc has it.
func treeOf(pid int) []int {
	list := []int{pid}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range files {
		for _, word := range strings.Fields(contentsOf(name)) {
			child, _ := strconv.Atoi(word)
			list = append(list, treeOf(child)...)
		}
	}
	return list
}

func TestUpdateRefuses(t *testing.T) {
	c := running(t, helperCommand("threads"))
	gone := helperCommand("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	before := toolSays(t, "cat", fmt.Sprintf("/proc/%d/limits", c.Process.Pid))
	for _, test := range []struct {
		pid  int
		attr *Attr
		is   error
		want string
	}{
		{c.Process.Pid, nil, syscall.EINVAL, ": nothing is to be changed"},
		{c.Process.Pid, &Attr{Nice: new(1), NoNewPrivs: true}, syscall.EINVAL, " (Attr.NoNewPrivs): cannot be changed from outside of a process that runs"},
		{c.Process.Pid, &Attr{Nice: new(40)}, syscall.EINVAL, "40 (Attr.Nice): is not from -20 to 19"},
		{c.Process.Pid, &Attr{Rlimits: []Rlimit{{99, 1, 1}}}, syscall.EINVAL, "99 (Attr.Rlimits[0]): is no resource limit"},
		{c.Process.Pid, &Attr{CPUs: []int{someCPU(t), 8000}}, syscall.EINVAL, "8000 (Attr.CPUs): invalid argument (not all of the CPUs "},
		{gone.Process.Pid, &Attr{Nice: new(1)}, syscall.ESRCH, "no such process"},
		{-1, &Attr{Nice: new(1)}, nil, "process -1"},
	} {
		err := UpdateProcess(test.pid, test.attr)
		var of *StartError
		if !errors.As(err, &of) || test.is != nil && !errors.Is(err, test.is) ||
			!strings.HasPrefix(err.Error(), fmt.Sprintf("sprog: update process %d: ", test.pid)) && test.pid > 0 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("UpdateProcess(%d, %+v) = %v; want %s", test.pid, test.attr, err, test.want)
		}
	}
	if after := toolSays(t, "cat", fmt.Sprintf("/proc/%d/limits", c.Process.Pid)); after != before {
		t.Errorf("the limits were\n%s\nand are\n%s", before, after)
	}
	if got := contentsOf(fmt.Sprintf("/proc/%d/status", c.Process.Pid)); statusLine(got, "Cpus_allowed_list") != statusLine(contentsOf("/proc/self/status"), "Cpus_allowed_list") {
		t.Errorf("a list with a CPU that is not there has changed something: %s", statusLine(got, "Cpus_allowed_list"))
	}
}

func statusLine(status, name string) string {
	_, after, _ := strings.Cut(status, "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// An ordinary user is told whose process it is, and what that takes.
func TestUpdateOfAnother(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs another user than root: root may change all")
	}
	for _, attr := range []*Attr{{Nice: new(5)}, {Rlimits: []Rlimit{{RlimitCore, 0, 0}}}, {OOMScoreAdj: new(5)}, {CPUs: []int{someCPU(t)}}, {Scheduler: &Scheduler{Policy: SchedBatch}}} {
		err := UpdateProcess(1, attr)
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "belongs to user 0") {
			t.Errorf("UpdateProcess(1, %+v) = %v", attr, err)
		}
	}
}

func TestCgroupSet(t *testing.T) {
	requires(t, controller("hugetlb"))
	c := inCgroupOf(t, &Cgroup{}, `echo ready; exec sleep 1000`)
	running(t, c)
	g := c.Birth.Cgroup
	file := func(name string) string { return strings.TrimSpace(contentsOf(g.Path() + "/" + name)) }
	if err := g.Set(Cgroup{HugeTLB: []HugeTLBMax{{"2MB", 6 << 20}}, Set: []CgroupFile{{"cgroup.max.descendants", "3"}}}); err != nil {
		t.Fatal(err)
	}
	if a, b := file("hugetlb.2MB.max"), file("cgroup.max.descendants"); a != "6291456" || b != "3" {
		t.Errorf("the files have %q and %q", a, b)
	}
	other, err := CgroupOf(c.Process.Pid)
	if err != nil || other.Path() != g.Path() {
		t.Fatalf("CgroupOf() = %v, %v; want %s", other, err, g.Path())
	}
	defer other.Close()
	if err := other.Set(Cgroup{HugeTLB: []HugeTLBMax{{"2MB", RlimitInfinity}}}); err != nil || file("hugetlb.2MB.max") != "max" {
		t.Errorf("%v, and hugetlb.2MB.max is %q; want max", err, file("hugetlb.2MB.max"))
	}
	if err := other.Update(&Attr{Nice: new(9)}); err != nil {
		t.Error(err)
	}
	if nice, err := unix.Getpriority(unix.PRIO_PROCESS, c.Process.Pid); err != nil || 20-nice != 9 {
		t.Errorf("the nice value is %d, %v; want 9", 20-nice, err)
	}
	for _, test := range []struct {
		limits Cgroup
		want   string
	}{
		{Cgroup{}, " (Attr.Cgroup): has no limit"},
		{Cgroup{Name: "x", PidsMax: 1}, " (Attr.Cgroup.Name): is for a cgroup that is to be made"},
		{Cgroup{Set: []CgroupFile{{"cgroup.kill", "1"}}}, "(Attr.Cgroup.Set[0]): interferes with the start"},
		{Cgroup{Set: []CgroupFile{{"cgroup.max.depth", "many"}}}, `cgroup.max.depth "many" (Attr.Cgroup.Set[0]): invalid argument (the file does not take that value)`},
		{Cgroup{Set: []CgroupFile{{"nosuch.max", "1"}}}, "controller nosuch is not available in "},
	} {
		if err := g.Set(test.limits); err == nil || !strings.HasPrefix(err.Error(), "sprog: update "+g.Path()+": ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Set(%+v) = %v; want %s", test.limits, err, test.want)
		}
	}
	if _, err := OpenCgroup("/tmp"); err == nil {
		t.Error("/tmp is taken for a cgroup")
	}
}

// The memory of a cgroup can be limited while it runs; what does not fit is killed.
func TestCgroupSetMemory(t *testing.T) {
	requires(t, controller("memory"))
	c := inCgroupOf(t, &Cgroup{MemoryMax: 1 << 30}, `echo ready; exec sleep 1000`)
	running(t, c)
	if err := c.Birth.Cgroup.Set(Cgroup{MemoryMax: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(contentsOf(c.Birth.Cgroup.Path() + "/memory.max")); got != strconv.Itoa(64<<20) {
		t.Errorf("memory.max is %s", got)
	}
}
