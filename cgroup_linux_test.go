//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
)

// inCgroupOf prepares a command that runs a script with $CG as the directory
// of its cgroup, in a new one below a cgroup of the test's.
func inCgroupOf(t *testing.T, g *Cgroup, script string) *Cmd {
	t.Helper()
	c := Command("/bin/sh", "-c", "CG="+cgroup2Mount()+"$(sed -n s/^0:://p /proc/self/cgroup); "+script)
	if g.Parent == "" {
		g.Parent = testCgroup(t)
	}
	c.Attr = &Attr{Cgroup: g}
	return c
}

// runIn runs the script so, and returns what it prints.
func runIn(t *testing.T, g *Cgroup, script string) (string, *Cmd) {
	t.Helper()
	c := inCgroupOf(t, g, script)
	return outputOf(t, c), c
}

func TestCgroup(t *testing.T) {
	requires(t, ownCgroups)
	out, c := runIn(t, &Cgroup{Name: "job"}, `echo $CG; cat $CG/cgroup.procs | grep -cx $$`)
	dir := c.Attr.Cgroup.Parent + "/job"
	if want := dir + "\n1\n"; out != want || c.Birth.Cgroup.Path() != dir {
		t.Errorf("the program's cgroup is %q, its handle's path %q; want %q", out, c.Birth.Cgroup.Path(), want)
	}
	if exists(dir) {
		t.Errorf("%s is still there after Wait", dir)
	}
	stats, err := c.Birth.Cgroup.Stats()
	if err != nil || stats.CPUUsage <= 0 || stats.Populated {
		t.Errorf("Stats() = %+v, %v; want CPU time used, and no process", stats, err)
	}
	if err := c.Birth.Cgroup.Remove(); err != nil {
		t.Errorf("Remove() once more = %v", err)
	}
	if err := c.Birth.Cgroup.Kill(); err != nil {
		t.Errorf("Kill() of a cgroup that is gone = %v", err)
	}
}

func TestNoCgroup(t *testing.T) {
	c := Command("/bin/true")
	if err := c.Run(); err != nil || c.Birth.Cgroup != nil {
		t.Errorf("a plain start: %v, cgroup %v", err, c.Birth.Cgroup)
	}
}

// Without a name, starts that go on at the same time have cgroups of their
// own.
func TestUniqueCgroups(t *testing.T) {
	requires(t, ownCgroups)
	parent, paths := testCgroup(t), map[string]bool{}
	var all []*Cmd
	for range 20 {
		c := &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{Parent: parent}}}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		paths[c.Birth.Cgroup.Path()] = true
		all = append(all, c)
	}
	for _, c := range all {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	if len(paths) != len(all) {
		t.Errorf("%d paths of %d starts", len(paths), len(all))
	}
}

// What is left of the program, wherever below its cgroup it has gone, ends
// with it.
func TestCgroupLeftovers(t *testing.T) {
	requires(t, ownCgroups)
	for _, test := range []struct{ name, script string }{
		{"daemon", `setsid sleep 1000 & echo $!`},
		{"cgroups below", `mkdir -p $CG/a/b $CG/c; (echo 0 >$CG/a/b/cgroup.procs; exec sleep 1000) & echo $!`},
		{"deep cgroups", `d=$CG; for i in $(seq 60); do d=$d/d; mkdir $d; done; (echo 0 >$d/cgroup.procs; exec sleep 1000) & echo $!; sleep .05`},
		{"stopped", `sleep 1000 & kill -STOP $!; echo $!`},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, c := runIn(t, &Cgroup{}, test.script)
			pid, err := strconv.Atoi(strings.TrimSpace(out))
			if err != nil {
				t.Fatal(err)
			}
			if state := fieldOf(contentsOf("/proc/"+strconv.Itoa(pid)+"/status"), "State"); state != "" && state[0] != 'Z' {
				t.Errorf("process %d, which the program has left, is %s", pid, state)
			}
			if exists(c.Birth.Cgroup.Path()) {
				t.Errorf("%s is left", c.Birth.Cgroup.Path())
			}
		})
	}
}

// Wait does not wait for the output of what it kills.
func TestCgroupHoldsOutput(t *testing.T) {
	requires(t, ownCgroups)
	c := inCgroupOf(t, &Cgroup{}, `sleep 1000 & echo here`)
	var out bytes.Buffer
	c.Stdout = &out
	if err := c.Run(); err != nil || out.String() != "here\n" {
		t.Errorf("Run() = %v, output %q", err, out.String())
	}
}

func TestCgroupRemovedByTheProgram(t *testing.T) {
	requires(t, ownCgroups)
	_, c := runIn(t, &Cgroup{}, `echo $$ >${CG%/*}/cgroup.procs && rmdir $CG`)
	if stats, err := c.Birth.Cgroup.Stats(); err != nil || stats.CPUUsage != CgroupUnknown || stats.OOMKills != CgroupUnknown {
		t.Errorf("Stats() = %+v, %v; want everything unknown", stats, err)
	}
}

// A cgroup that another takes the name of is not that other one.
func TestCgroupReplaced(t *testing.T) {
	requires(t, ownCgroups)
	_, c := runIn(t, &Cgroup{}, `echo $$ >${CG%/*}/cgroup.procs && rmdir $CG && mkdir $CG`)
	if err := os.Remove(c.Birth.Cgroup.Path()); err != nil {
		t.Errorf("the cgroup that the program has made under its cgroup's name: %v; want it left alone", err)
	}
}

func TestCgroupKeep(t *testing.T) {
	requires(t, ownCgroups)
	_, c := runIn(t, &Cgroup{Keep: true}, `sleep 1000 >&- 2>&- & :`)
	g := c.Birth.Cgroup
	if stats, err := g.Stats(); err != nil || !stats.Populated {
		t.Errorf("Stats() = %+v, %v; want a process in it", stats, err)
	}
	if err := g.Kill(); err != nil {
		t.Error(err)
	}
	if err := g.Remove(); err != nil || exists(g.Path()) {
		t.Errorf("Remove() = %v", err)
	}
}

func TestCgroupKill(t *testing.T) {
	requires(t, ownCgroups)
	c := inCgroupOf(t, &Cgroup{}, `mkdir $CG/x; (echo 0 >$CG/x/cgroup.procs; exec sleep 1000) & echo up; exec sleep 1000`)
	r, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.Read(make([]byte, 3))
	g := c.Birth.Cgroup
	if err := g.Kill(); err != nil {
		t.Errorf("Kill() = %v", err)
	}
	var exit *ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("Wait() = %v; want SIGKILL", err)
	}
	if exists(g.Path()) {
		t.Errorf("%s is left", g.Path())
	}
}

func TestCgroupFreeze(t *testing.T) {
	requires(t, ownCgroups)
	c := inCgroupOf(t, &Cgroup{}, `exec sleep 1000`)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	g := c.Birth.Cgroup
	frozen := func(want bool) {
		t.Helper()
		for range 500 {
			if s, err := g.Stats(); err == nil && s.Frozen == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Errorf("the cgroup is not frozen=%v in time", want)
	}
	for range 2 {
		if err := g.Freeze(); err != nil {
			t.Error(err)
		}
		frozen(true)
		if err := g.Thaw(); err != nil {
			t.Error(err)
		}
		frozen(false)
	}
	g.Freeze()
	g.Kill()
	c.Wait()
}

func TestCgroupHugeTLB(t *testing.T) {
	requires(t, controller("hugetlb"))
	out, _ := runIn(t, &Cgroup{HugeTLB: []HugeTLBMax{{"2MB", 6 << 20}}, Set: []CgroupFile{
		{"hugetlb.2MB.rsvd.max", "4194304"}, {"cgroup.max.descendants", "3"},
	}}, `cat $CG/hugetlb.2MB.max $CG/hugetlb.2MB.rsvd.max $CG/cgroup.max.descendants`)
	if want := "6291456\n4194304\n3\n"; out != want {
		t.Errorf("the files have %q; want %q", out, want)
	}
}

// Controllers are handed down from where they are to be had.
func TestCgroupControllersFromAbove(t *testing.T) {
	requires(t, controller("hugetlb"))
	top := testCgroup(t)
	for _, dir := range []string{top + "/a", top + "/a/b"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(dir)
	}
	out, _ := runIn(t, &Cgroup{Parent: top + "/a/b", HugeTLB: []HugeTLBMax{{"2MB", 2 << 20}}}, `cat $CG/hugetlb.2MB.max`)
	if out != "2097152\n" {
		t.Errorf("hugetlb.2MB.max is %q", out)
	}
}

// The cgroup of this process has a process, and so cannot have controllers for
// others, unless that process goes to a leaf.
func TestCgroupEvacuate(t *testing.T) {
	requires(t, controller("hugetlb"))
	if os.Getenv(insideVar) != t.Name() {
		dir := testCgroup(t)
		c := testProcess(t, func(c *exec.Cmd) { enterFirst(c, dir) })
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("in a process of its own: %v\n%s", err, out)
		}
		os.Remove(dir + "/" + cgroup.Leaf)
		return
	}
	own := ownCgroup()
	if !strings.HasPrefix(filepath.Base(own), "sprog-test") {
		t.Fatalf("this process is in %s; it must be alone in a cgroup of the test's", own)
	}
	limited := Cgroup{HugeTLB: []HugeTLBMax{{"2MB", 2 << 20}}, Parent: own}
	c := &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &limited}}
	err := c.Start()
	const want = " holds this process, so that it cannot give hugetlb to a cgroup below it: " +
		"choose a Parent without processes, or set Evacuate, which moves them to sprog-leaf"
	if !errors.Is(err, syscall.EBUSY) || !strings.HasSuffix(err.Error(), own+want) {
		t.Errorf("Start() = %v; want that %s%s", err, own, want)
	}
	// Without a controller there is nothing against it.
	if err := (&Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{Parent: own}}}).Run(); err != nil {
		t.Error(err)
	}
	limited.Evacuate = true
	for _, parent := range []string{own, own, ""} {
		limited.Parent = parent
		c = &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &limited}}
		if err := c.Run(); err != nil || filepath.Dir(c.Birth.Cgroup.Path()) != own {
			t.Errorf("with Parent %q: %v, made %s; want it in %s", parent, err, c.Birth.Cgroup.Path(), own)
		}
		if leaf := strings.TrimSpace(contentsOf("/proc/self/cgroup")); !strings.HasSuffix(leaf, "/"+cgroup.Leaf) {
			t.Errorf("this process is in %s; want it in the leaf", leaf)
		}
	}
}

// enterFirst has a command of os/exec begin in a cgroup.
func enterFirst(c *exec.Cmd, dir string) {
	c.Args = append([]string{"sh", "-c", `echo 0 >"$0"/cgroup.procs && exec "$@"`, dir, c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
}

// As root, the cgroup to use is found by the mark of the manager that has
// delegated it.
func TestCgroupDelegated(t *testing.T) {
	requires(t, asRoot, controller("hugetlb"))
	if os.Getenv(insideVar) != t.Name() {
		dir := testCgroup(t)
		if err := unix.Setxattr(dir, "trusted.delegate", []byte("1"), 0); err != nil {
			t.Skip("needs extended attributes of cgroups: ", err)
		}
		for _, d := range []string{dir + "/service", dir + "/service/main"} {
			if err := os.Mkdir(d, 0o755); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(d)
		}
		c := testProcess(t, func(c *exec.Cmd) { enterFirst(c, dir+"/service/main") })
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Errorf("in a process of its own: %v\n%s", err, out)
		}
		return
	}
	c := &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{HugeTLB: []HugeTLBMax{{"2MB", 0}}}}}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if got := filepath.Base(filepath.Dir(c.Birth.Cgroup.Path())); got != "service" {
		t.Errorf("the cgroup %s is made in %s; want service", c.Birth.Cgroup.Path(), got)
	}
}

func TestBadCgroups(t *testing.T) {
	cgroup := func(g Cgroup) func(*Cmd) { return by(&Attr{Cgroup: &g}) }
	wantRefused(t, []badStart{
		{"both", func(c *Cmd) {
			c.Attr, c.SysProcAttr = &Attr{Cgroup: &Cgroup{}}, &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: 0}
		}, syscall.EINVAL, "(Attr.Cgroup): cannot be combined with SysProcAttr.UseCgroupFD: a process is in one cgroup"},
		{"no such parent", cgroup(Cgroup{Parent: "/sys/nope"}), fs.ErrNotExist,
			"open /sys/nope (Attr.Cgroup.Parent): no such file or directory"},
		{"no cgroup", cgroup(Cgroup{Parent: "/tmp/"}), syscall.EINVAL,
			"statfs /tmp (Attr.Cgroup.Parent): is not in a cgroup2 file system"},
		{"parent with NUL", cgroup(Cgroup{Parent: "/\x00"}), syscall.EINVAL,
			`"/\x00" (Attr.Cgroup.Parent): contains a NUL byte`},
		{"name up", cgroup(Cgroup{Name: ".."}), syscall.EINVAL, `".." (Attr.Cgroup.Name): is not one component of a path`},
		{"name of two", cgroup(Cgroup{Name: "a/b"}), syscall.EINVAL, `"a/b" (Attr.Cgroup.Name): is not one component of a path`},
		{"name with newline", cgroup(Cgroup{Name: "a\n"}), syscall.EINVAL, `"a\n" (Attr.Cgroup.Name): is not one component of a path`},
		{"file elsewhere", cgroup(Cgroup{Set: []CgroupFile{{"../memory.max", "1"}}}), syscall.EINVAL,
			`"../memory.max" (Attr.Cgroup.Set[0]): is not one component of a path`},
		{"no file", cgroup(Cgroup{Set: []CgroupFile{{"memory", "1"}}}), syscall.EINVAL,
			`"memory" (Attr.Cgroup.Set[0]): is no file of a cgroup`},
		{"freeze", cgroup(Cgroup{Set: []CgroupFile{{"cgroup.freeze", "1"}}}), syscall.EINVAL,
			`"cgroup.freeze" (Attr.Cgroup.Set[0]): interferes with the start`},
		{"no value", cgroup(Cgroup{Set: []CgroupFile{{"memory.max", ""}}}), syscall.EINVAL,
			"memory.max (Attr.Cgroup.Set[0]): has an empty value, which the kernel does not look at"},
		{"size of huge pages", cgroup(Cgroup{HugeTLB: []HugeTLBMax{{"../x", 1}}}), syscall.EINVAL,
			`"hugetlb.../x.max" (Attr.Cgroup.HugeTLB[0]): is not one component of a path`},
		{"quota", cgroup(Cgroup{CPUQuota: 10}), syscall.EINVAL, "10ns (Attr.Cgroup.CPUQuota): is less than 1ms"},
		{"period", cgroup(Cgroup{CPUQuota: time.Second, CPUPeriod: time.Hour}), syscall.EINVAL,
			"1h0m0s (Attr.Cgroup.CPUPeriod): is not from 1ms to 1s"},
		{"period alone", cgroup(Cgroup{CPUPeriod: time.Second}), syscall.EINVAL, "1s (Attr.Cgroup.CPUPeriod): needs a CPUQuota"},
		{"weight", cgroup(Cgroup{CPUWeight: 10001}), syscall.EINVAL, "10001 (Attr.Cgroup.CPUWeight): is not from 1 to 10000"},
		{"device", cgroup(Cgroup{IOMax: []IOMax{{}}}), syscall.EINVAL, `"" (Attr.Cgroup.IOMax[0]): is no device`},
		{"no limit", cgroup(Cgroup{IOMax: []IOMax{{Device: "8:0"}}}), syscall.EINVAL, `8:0 (Attr.Cgroup.IOMax[0]): has no limit`},
		{"controller", cgroup(Cgroup{Controllers: []string{"memory -pids"}}), syscall.EINVAL,
			`"memory -pids" (Attr.Cgroup.Controllers[0]): is no name of a controller`},
		{"v1", by(&Attr{CgroupV1: []string{"/tmp"}}), syscall.EINVAL, "statfs /tmp (Attr.CgroupV1[0]): is not in a cgroup v1 file system"},
		{"no v1", by(&Attr{CgroupV1: []string{"/", "/nope"}[1:]}), fs.ErrNotExist, "open /nope (Attr.CgroupV1[0]): no such file or directory"},
		{"empty v1", by(&Attr{CgroupV1: []string{""}}), fs.ErrNotExist, "(Attr.CgroupV1[0]): no such file or directory"},
	})
}

func TestRefusedCgroups(t *testing.T) {
	requires(t, ownCgroups)
	parent := testCgroup(t)
	have := strconv.Quote(strings.TrimSpace(contentsOf(cgroup2Mount() + "/cgroup.controllers")))
	if os.Geteuid() != 0 {
		have = ""
	}
	os.Mkdir(parent+"/taken", 0o755)
	defer os.Remove(parent + "/taken")
	for _, test := range []struct {
		cgroup Cgroup
		is     error
		want   string
	}{
		{Cgroup{Name: "taken"}, fs.ErrExist, "mkdir " + parent + "/taken (Attr.Cgroup.Name): file exists"},
		{Cgroup{Controllers: []string{"nosuch"}}, fs.ErrNotExist, "controller nosuch is not available in " + cgroup2Mount() + ": cgroup.controllers has " + have},
		{Cgroup{Set: []CgroupFile{{"cgroup.nosuch", "1"}}}, fs.ErrNotExist, "cgroup.nosuch (Attr.Cgroup.Set[0]): no such file or directory (this kernel's cgroups do not have the file)"},
		{Cgroup{Set: []CgroupFile{{"cgroup.max.depth", "many"}}}, syscall.EINVAL, `cgroup.max.depth "many" (Attr.Cgroup.Set[0]): invalid argument`},
		{Cgroup{Set: []CgroupFile{{"cgroup.events", "1"}}}, fs.ErrPermission, `/cgroup.events`},
	} {
		before := snapshot()
		test.cgroup.Parent = parent
		c := &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &test.cgroup}}
		err := c.Run()
		if err == nil || !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			if test.is != fs.ErrPermission || os.Geteuid() != 0 || err == nil { // root may open it, and is told otherwise
				t.Errorf("%+v: %v; want %s", test.cgroup, err, test.want)
			}
		}
		if leaks := before.leaks(); len(leaks) > 0 {
			t.Errorf("left behind: %q", leaks)
		}
	}
}

func TestCgroupV1(t *testing.T) {
	requires(t, asRoot, userNamespaces, cgroupV1("pids"), cgroupV1("freezer"))
	dirs := []string{testCgroupV1(t, "pids"), testCgroupV1(t, "freezer")}
	// Neither an unprivileged user nor one of another namespace could enter
	// them.
	for _, sys := range []*syscall.SysProcAttr{
		nil,
		{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}},
		{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: rangesOfIDs, GidMappings: rangesOfIDs, Chroot: "/"},
	} {
		c := &Cmd{Path: "/bin/cat", Args: []string{"cat", "/proc/self/cgroup"}, SysProcAttr: sys, Attr: &Attr{CgroupV1: dirs}}
		out := outputOf(t, c)
		for i, name := range []string{"pids", "freezer"} {
			if want := ":" + name + ":/" + filepath.Base(dirs[i]) + "\n"; !strings.Contains(out, want) {
				t.Errorf("%+v: cgroups %q; want %q", sys, out, want)
			}
		}
	}
}

// The kernel's OOM killer kills all processes that share the memory of the one
// it chooses. The child shares that of its parent until it executes.
func TestOutOfMemoryBeforeExec(t *testing.T) {
	requires(t, asRoot, cgroupV1("memory"))
	dir := testCgroupV1(t, "memory")
	if err := os.WriteFile(dir+"/memory.limit_in_bytes", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	if !ownProcess(t, nil) {
		return
	}
	for _, sys := range []*syscall.SysProcAttr{
		nil,
		{Pdeathsig: syscall.SIGKILL},
		{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: rangesOfIDs, GidMappings: rangesOfIDs},
		{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: rangesOfIDs, GidMappings: rangesOfIDs, Pdeathsig: syscall.SIGKILL},
	} {
		c := &Cmd{Path: "/bin/true", SysProcAttr: sys, Attr: &Attr{CgroupV1: []string{dir}}}
		if err := c.Run(); err == nil {
			t.Errorf("%+v: a program runs in no memory", sys)
		} else {
			t.Logf("%+v: %v", sys, err)
		}
	}
}

// Every limit arrives in its file, in the kernel's units.
func TestCgroupFiles(t *testing.T) {
	for _, test := range []struct {
		controllers string
		cgroup      Cgroup
		files, want string
	}{
		{"memory", Cgroup{MemoryMax: 64 << 20, MemoryHigh: 48 << 20, MemoryLow: 8 << 20, MemoryMin: 4 << 20, OOMGroup: true},
			"memory.max memory.high memory.low memory.min memory.oom.group", "67108864 50331648 8388608 4194304 1"},
		{"memory", Cgroup{MemoryMax: ^uint64(0), MemoryHigh: ^uint64(0)}, "memory.max memory.high", "max max"},
		{"pids", Cgroup{PidsMax: 7}, "pids.max", "7"},
		{"cpu", Cgroup{CPUQuota: 150 * time.Millisecond, CPUWeight: 20}, "cpu.max cpu.weight", "150000 100000 20"},
		{"cpu", Cgroup{CPUQuota: 2 * time.Millisecond, CPUPeriod: 10 * time.Millisecond}, "cpu.max", "2000 10000"},
		{"cpuset", Cgroup{CPUs: "0", Mems: "0"}, "cpuset.cpus cpuset.mems", "0 0"},
		{"memory pids", Cgroup{PidsMax: 9, Set: []CgroupFile{{"memory.max", "12M"}, {"pids.max", "max"}}}, "memory.max pids.max", "12582912 max"},
		{"pids memory", Cgroup{Controllers: []string{"pids", "memory"}}, "memory.max pids.max", "max max"},
	} {
		t.Run(test.controllers, func(t *testing.T) {
			for name := range strings.FieldsSeq(test.controllers) {
				requires(t, controller(name))
			}
			out, _ := runIn(t, &test.cgroup, "cd $CG; cat "+test.files)
			if got := strings.Join(strings.Fields(out), " "); got != test.want {
				t.Errorf("%s are %s; want %s", test.files, got, test.want)
			}
		})
	}
}

func TestCgroupSwap(t *testing.T) {
	requires(t, controller("memory"))
	if !exists("/proc/swaps") {
		t.Skip("needs a kernel with swap")
	}
	if out, _ := runIn(t, &Cgroup{SwapMax: new(uint64(0))}, "cat $CG/memory.swap.max"); out != "0\n" {
		t.Errorf("memory.swap.max is %q; want 0", out)
	}
}

// In too little memory the OOM killer ends the program, and is counted.
func TestCgroupOutOfMemory(t *testing.T) {
	requires(t, controller("memory"))
	c := inCgroupOf(t, &Cgroup{MemoryMax: 24 << 20}, `head -c 200M /dev/zero | tail`)
	err := c.Run()
	s, _ := c.Birth.Cgroup.Stats()
	if err == nil || s.OOMKills < 1 || s.MemoryMax < 1 {
		t.Errorf("Run() = %v, %+v; want it killed, and counted", err, s)
	}
	if s.MemoryPeak != CgroupUnknown && (s.MemoryPeak == 0 || s.MemoryPeak > 24<<20) {
		t.Errorf("a peak of %d bytes; want up to the limit", s.MemoryPeak)
	}
}

func TestCgroupTooManyProcesses(t *testing.T) {
	requires(t, controller("pids"))
	c := inCgroupOf(t, &Cgroup{PidsMax: 4}, `for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done 2>/dev/null`)
	c.Run()
	s, err := c.Birth.Cgroup.Stats()
	if err != nil || s.PidsMax < 1 {
		t.Errorf("Stats() = %+v, %v; want refused forks", s, err)
	}
	if s.PidsPeak != CgroupUnknown && s.PidsPeak != 4 {
		t.Errorf("a peak of %d processes; want 4", s.PidsPeak)
	}
}

func TestCgroupThrottled(t *testing.T) {
	requires(t, controller("cpu"))
	_, c := runIn(t, &Cgroup{CPUQuota: 2 * time.Millisecond, CPUPeriod: 20 * time.Millisecond}, `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done`)
	s, err := c.Birth.Cgroup.Stats()
	if err != nil || s.CPUPeriods < 1 || s.CPUThrottled < 1 || s.CPUThrottledTime <= 0 || s.CPUUsage <= 0 {
		t.Errorf("Stats() = %+v, %v; want it throttled", s, err)
	}
}

func TestCgroupCPUSet(t *testing.T) {
	requires(t, controller("cpuset"))
	out, _ := runIn(t, &Cgroup{CPUs: "0"}, `grep ^Cpus_allowed_list /proc/self/status`)
	if want := "Cpus_allowed_list:\t0\n"; out != want {
		t.Errorf("in the cpuset 0: %q; want %q", out, want)
	}
	if _, err := os.Stat("/sys/devices/system/cpu/cpu5000"); err == nil {
		return
	}
	c := inCgroupOf(t, &Cgroup{CPUs: "nonsense"}, ":")
	if err := c.Run(); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), `cpuset.cpus "nonsense" (Attr.Cgroup.CPUs)`) {
		t.Errorf("Run() = %v; want the file and what was written", err)
	}
}

// A device is named by its path or its numbers.
func TestCgroupIOMax(t *testing.T) {
	requires(t, controller("io"))
	disks, _ := filepath.Glob("/sys/block/*/dev")
	if len(disks) == 0 {
		t.Skip("needs a block device")
	}
	name := filepath.Base(filepath.Dir(disks[0]))
	numbers := strings.TrimSpace(contentsOf(disks[0]))
	for _, device := range []string{numbers, "/dev/" + name} {
		if strings.HasPrefix(device, "/") && !exists(device) {
			continue
		}
		out, c := runIn(t, &Cgroup{IOMax: []IOMax{{Device: device, ReadBPS: 1 << 20, WriteIOPS: 100}}}, `cat $CG/io.max`)
		if want := numbers + " rbps=1048576 wbps=max riops=max wiops=100\n"; out != want {
			t.Errorf("io.max of %s is %q; want %q", device, out, want)
		}
		if s, err := c.Birth.Cgroup.Stats(); err != nil || s.IOReadBytes == CgroupUnknown {
			t.Errorf("Stats() = %+v, %v; want bytes that were read", s, err)
		}
	}
}

// A start that the new cgroup has no room for fails with the reason, and does
// not take its parent along.
func TestCgroupWithoutRoom(t *testing.T) {
	requires(t, controller("memory"), controller("pids"))
	parent := testCgroup(t)
	if !ownProcess(t, nil) {
		return
	}
	for _, cgroup := range []Cgroup{{MemoryMax: 4096}, {MemoryMax: 100 << 10}} {
		cgroup.Parent = parent
		big := strings.Repeat("x", 100<<10)
		c := &Cmd{Path: "/bin/true", Args: []string{"true", big, big, big, big, big, big}, Attr: &Attr{Cgroup: &cgroup}}
		err := c.Run()
		var start *StartError
		if err == nil {
			t.Errorf("%d bytes: a program runs", cgroup.MemoryMax)
		} else if errors.As(err, &start) && !strings.Contains(start.Hint, "memory limit of the cgroup") {
			t.Errorf("%d bytes: %v; want the reason", cgroup.MemoryMax, err)
		}
		t.Log(err)
	}
	limited := Cgroup{Parent: parent, Set: []CgroupFile{{"pids.max", "0"}}}
	err := (&Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &limited}}).Run()
	if !errors.Is(err, syscall.EAGAIN) || !strings.Contains(err.Error(), "limit of the cgroup on processes") {
		t.Errorf("no processes: %v; want the reason", err)
	}
}
