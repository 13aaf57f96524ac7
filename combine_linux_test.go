//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pty"
	"github.com/sprog-dev/sprog/internal/spec"
)

var (
	combineN    = flag.Int("combine.n", 150, "how many random sets of facilities are started")
	combineSeed = flag.Uint64("combine.seed", 1, "the seed of the random sets; 0 takes one from the clock")
)

// A facet is one facility of a start, at a random value. Random sets of them
// are started for real, and what the program sees of itself is compared with
// what was asked for.
type facet struct {
	name  string
	needs []*requirement
	// without are the facets that it cannot be combined with.
	without []string
	// draw adds the facility to a command.
	draw func(r *rand.Rand, t *testing.T, c *Cmd)
	// expect tells what the program must see, by the keys of looks. It is
	// called with the complete command. A value that begins with "!" must not
	// be seen.
	expect func(c *Cmd) map[string]string
}

// looks are what a program can look up of itself, by the part of a key before
// the colon; the rest is the argument.
var looks = map[string]func(arg string) string{
	"status": func(name string) string { return procField("/proc/self/status", name) },
	"file":   func(path string) string { return strings.TrimSpace(contentsOf(path)) },
	"link": func(path string) string {
		to, err := os.Readlink(path)
		if err != nil {
			return err.Error()
		}
		return to
	},
	"umask":  func(string) string { return fmt.Sprintf("%04o", syscall.Umask(0)) },
	"groups": func(string) string { g, _ := unix.Getgroups(); return fmt.Sprint(g) },
	"ids": func(string) string {
		ruid, euid, suid := unix.Getresuid()
		rgid, egid, sgid := unix.Getresgid()
		return fmt.Sprint(ruid, euid, suid, rgid, egid, sgid)
	},
	"leads": func(what string) string {
		id := unix.Getpgrp()
		if what == "session" {
			id, _ = unix.Getsid(0)
		}
		return strconv.FormatBool(id == os.Getpid())
	},
	"cwd": func(string) string { dir, _ := unix.Getwd(); return dir },
	"limit": func(resource string) string {
		n, _ := strconv.Atoi(resource)
		var limit unix.Rlimit
		unix.Prlimit(0, n, nil, &limit)
		return fmt.Sprint(limit.Cur, limit.Max)
	},
	"pdeathsig": func(string) string {
		var sig int32
		unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0)
		return fmt.Sprint(sig)
	},
	"prctl": func(op string) string {
		n, _ := strconv.Atoi(op)
		v, err := unix.PrctlRetInt(n, 0, 0, 0, 0)
		if err != nil {
			return err.Error()
		}
		return strconv.Itoa(v)
	},
	"errno": func(call string) string {
		n, _ := strconv.Atoi(call)
		_, _, errno := syscall.RawSyscall6(uintptr(n), 0, 0, 0, 0, 0, 0)
		return strconv.Itoa(int(errno))
	},
	"personality": func(string) string {
		p, _, _ := syscall.RawSyscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0)
		return fmt.Sprintf("%08x", p)
	},
	"reads": func(fd string) string {
		n, _ := strconv.Atoi(fd)
		buf := make([]byte, 100)
		got, err := unix.Pread(n, buf, 0)
		if err != nil {
			return err.Error()
		}
		return string(buf[:got])
	},
}

// look KEY...: print a line with what the process sees for each.
var _ = helper("look", func(args []string) int {
	for _, key := range args {
		kind, arg, _ := strings.Cut(key, ":")
		fmt.Printf("%q\n", looks[kind](arg))
	}
	return 0
})

func sys(c *Cmd) *syscall.SysProcAttr {
	if c.SysProcAttr == nil {
		c.SysProcAttr = new(syscall.SysProcAttr)
	}
	return c.SysProcAttr
}

func attr(c *Cmd) *Attr {
	if c.Attr == nil {
		c.Attr = new(Attr)
	}
	return c.Attr
}

// seesStatus is what expect tells of one line of /proc/self/status.
func seesStatus(name, value string) map[string]string {
	return map[string]string{"status:" + name: value}
}

// facets are all of them. Those of the facilities beyond SysProcAttr stand in
// the tests of the facility.
func facets() []facet {
	return slices.Concat(facetsOfSys, facetsOfJoining, facetsOfInside, facetsOfSockets, facetsOfForbidding, facetsOfAttr, facetsOfFiles, facetsOfCredentials, facetsOfSignals, facetsOfSched, facetsOfLandlock, facetsOfIDMap, facetsOfSeccomp, facetsOfCgroups)
}

var facetsOfSys = []facet{
	{name: "session",
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Setsid = true },
		expect: func(c *Cmd) map[string]string { return leads(c, "session") }},
	{name: "group", without: []string{"session"},
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Setpgid = true },
		expect: func(c *Cmd) map[string]string { return leads(c, "group") }},
	{name: "parent-death signal",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Pdeathsig = syscall.Signal(1 + r.IntN(15)) },
		expect: func(c *Cmd) map[string]string {
			if c.Attr != nil && c.Attr.Init != nil {
				return nil // it is the init's
			}
			return map[string]string{"pdeathsig:": strconv.Itoa(int(c.SysProcAttr.Pdeathsig))}
		}},
	{name: "credential", needs: []*requirement{asRoot},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Credential = &syscall.Credential{Uid: 1 + r.Uint32N(9), Gid: 1 + r.Uint32N(9), Groups: []uint32{r.Uint32N(9)}}
		},
		expect: func(c *Cmd) map[string]string {
			cred := c.SysProcAttr.Credential
			return map[string]string{
				"ids:":    fmt.Sprint(cred.Uid, cred.Uid, cred.Uid, cred.Gid, cred.Gid, cred.Gid),
				"groups:": fmt.Sprint(cred.Groups),
			}
		}},
	{name: "user namespace", needs: []*requirement{asRoot, userNamespaces},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Cloneflags |= syscall.CLONE_NEWUSER
			sys(c).UidMappings, sys(c).GidMappings, sys(c).GidMappingsEnableSetgroups = rangesOfIDs, rangesOfIDs, true
		},
		expect: func(*Cmd) map[string]string { return newNamespace("user") }},
	{name: "PID namespace", needs: []*requirement{asRoot},
		draw:   func(_ *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Cloneflags |= syscall.CLONE_NEWPID },
		expect: func(*Cmd) map[string]string { return newNamespace("pid") }},
	{name: "namespaces at birth", needs: []*requirement{asRoot},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Cloneflags |= syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET
		},
		expect: func(*Cmd) map[string]string {
			want := newNamespace("ipc")
			maps.Copy(want, newNamespace("net"))
			return want
		}},
	{name: "namespaces unshared", needs: []*requirement{asRoot},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Unshareflags |= syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS
		},
		expect: func(*Cmd) map[string]string {
			want := newNamespace("mnt")
			maps.Copy(want, newNamespace("uts"))
			return want
		}},
	{name: "chroot", needs: []*requirement{asRoot},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Chroot = "/" },
		expect: func(c *Cmd) map[string]string {
			if c.Dir != "" {
				return nil
			}
			return map[string]string{"cwd:": "/"}
		}},
	{name: "dir",
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { c.Dir = [...]string{"/", "/tmp", "/dev"}[r.IntN(3)] },
		expect: func(c *Cmd) map[string]string { return map[string]string{"cwd:": c.Dir} }},
	{name: "extra files",
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			for range 1 + r.IntN(20) {
				f := tempFile(t)
				fmt.Fprintf(f, "file %d", len(c.ExtraFiles))
				c.ExtraFiles = append(c.ExtraFiles, f)
			}
		},
		expect: func(c *Cmd) map[string]string {
			// The program itself opens some, by looking.
			want := map[string]string{fmt.Sprintf("reads:%d", 40+len(c.ExtraFiles)): "bad file descriptor"}
			for i := range c.ExtraFiles {
				want[fmt.Sprintf("reads:%d", 3+i)] = fmt.Sprintf("file %d", i)
			}
			return want
		}},
}

var facetsOfAttr = []facet{
	{name: "umask",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).Umask = new(r.Uint32N(0o1000)) },
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"umask:": fmt.Sprintf("%04o", *c.Attr.Umask)}
		}},
	{name: "no new privileges",
		draw:   func(_ *rand.Rand, _ *testing.T, c *Cmd) { attr(c).NoNewPrivs = true },
		expect: func(*Cmd) map[string]string { return seesStatus("NoNewPrivs", "1") }},
	{name: "rlimits",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			for _, resource := range []int{unix.RLIMIT_CORE, unix.RLIMIT_CPU, unix.RLIMIT_FSIZE} {
				var now unix.Rlimit // which cannot be raised in a user namespace
				unix.Getrlimit(resource, &now)
				n := min(100+r.Uint64N(1000), now.Max)
				attr(c).Rlimits = append(attr(c).Rlimits, Rlimit{RlimitResource(resource), n, min(n+r.Uint64N(100), now.Max)})
			}
		},
		expect: func(c *Cmd) map[string]string {
			want := map[string]string{}
			for _, l := range c.Attr.Rlimits {
				want[fmt.Sprintf("limit:%d", l.Resource)] = fmt.Sprint(l.Cur, l.Max)
			}
			return want
		}},
	{name: "init",
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			attr(c).Init = &Init{ReportStops: r.IntN(2) == 0}
			t.Cleanup(func() {
				if c.Birth.Stops != nil {
					c.Birth.Stops.Close()
				}
			})
		},
		expect: func(*Cmd) map[string]string { return nil }},
}

// Leads is what the leader of a session or group sees. With an init that leads.
func leads(c *Cmd, what string) map[string]string {
	return map[string]string{"leads:" + what: strconv.FormatBool(c.Attr == nil || c.Attr.Init == nil)}
}

// newNamespace is what a program sees in another namespace than this process's.
func newNamespace(kind string) map[string]string {
	own, _ := os.Readlink("/proc/self/ns/" + kind)
	return map[string]string{"link:/proc/self/ns/" + kind: "!" + own}
}

// Facilities work together: whatever set of them is asked for, the program sees
// each of them.
func TestCombinations(t *testing.T) {
	program := publicBinary(t)
	able := slices.DeleteFunc(facets(), func(f facet) bool {
		return slices.ContainsFunc(f.needs, func(r *requirement) bool { return r.works() != nil })
	})
	seed := *combineSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	numbers := make([]int, *combineN)
	for n := range numbers {
		numbers[n] = n
	}
	for _, n := range drawn(t, numbers) {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		set := drawFacets(r, able)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := Command(program)
			c.Args = []string{"program", "look"}
			if n%2 == 1 { // what a start does is the same when it is traced
				c.Trace = new(Trace)
			}
			waits := n%4 == 2 // and when its child has waited
			if waits {        // which has no name for its cgroup
				set = slices.DeleteFunc(set, func(f facet) bool { return f.name == "new cgroup" })
			}
			for _, f := range set {
				f.draw(r, t, c)
			}
			if waits {
				c = warmed(t, c)
			}
			combine(t, c, set)
		})
	}
}

// drawFacets takes some of the facets: sometimes few, sometimes as many as can
// be combined.
func drawFacets(r *rand.Rand, all []facet) (set []facet) {
	most := 1 + r.IntN(len(all))
	for _, i := range r.Perm(len(all)) {
		f := all[i]
		clash := slices.ContainsFunc(set, func(g facet) bool {
			return slices.Contains(f.without, g.name) || slices.Contains(g.without, f.name)
		})
		if !clash && len(set) < most {
			set = append(set, f)
		}
	}
	return set
}

// combine starts a command with a set of facets, and compares.
func combine(t *testing.T, c *Cmd, set []facet) {
	t.Helper()
	want, from := map[string]string{}, map[string]string{}
	names := make([]string, len(set))
	for i, f := range set {
		names[i] = f.name
		for key, value := range f.expect(c) {
			want[key], from[key] = value, f.name
		}
	}
	keys := slices.Sorted(maps.Keys(want))
	c.Args = append(c.Args, keys...)
	var diagnostics strings.Builder
	c.Stderr = &diagnostics
	out, err := c.Output()
	if err != nil {
		t.Fatalf("with %q: %v\n%s%s", names, err, out, diagnostics.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for i, key := range keys {
		got, _ := strconv.Unquote(lines[i])
		other, isNot := strings.CutPrefix(want[key], "!")
		if isNot == (got == other) {
			t.Errorf("with %q, %s sees %s = %q; want %q", names, from[key], key, got, want[key])
		}
	}
}

// cgroupPlace is the topmost cgroup that this user may make cgroups in, or "".
var cgroupPlace = sync.OnceValue(func() string {
	if os.Geteuid() == 0 {
		return cgroup2Mount()
	}
	place := ""
	for dir := ownCgroup(); unix.Access(dir+"/cgroup.procs", unix.W_OK) == nil; dir = filepath.Dir(dir) {
		place = dir
	}
	return place
})

// ownCgroup is the directory of the cgroup that this process is in.
func ownCgroup() string {
	own := fieldOf(strings.ReplaceAll(contentsOf("/proc/self/cgroup"), "0::", "own:"), "own")
	return filepath.Join(cgroup2Mount(), own)
}

// ownCgroups requires a place where this user may make cgroups.
var ownCgroups = &requirement{
	what: "a cgroup2 directory that this user may write to",
	works: func() error {
		if cgroupPlace() == "" {
			return syscall.EACCES
		}
		dir, err := os.MkdirTemp(cgroupPlace(), "sprog-test")
		if err == nil {
			err = os.Remove(dir)
		}
		return err
	},
	expected: func() bool { return cgroupPlace() != "" && unix.Access(cgroupPlace(), unix.W_OK) == nil },
}

// controller requires a controller of cgroup v2.
func controller(name string) *requirement {
	return &requirement{what: "the controller " + name + " of cgroup v2", works: func() error {
		if err := ownCgroups.works(); err != nil {
			return err
		}
		if !strings.Contains(" "+contentsOf(cgroupPlace()+"/cgroup.controllers")+" ", name) {
			return syscall.ENOENT
		}
		return nil
	}}
}

// cgroupV1 requires a v1 hierarchy with a controller.
func cgroupV1(name string) *requirement {
	return &requirement{what: "a v1 hierarchy of " + name, works: func() error {
		return unix.Access("/sys/fs/cgroup/"+name+"/tasks", unix.W_OK)
	}}
}

// testCgroup makes a cgroup for a test to make cgroups in. It must be empty
// again at the end.
func testCgroup(t *testing.T) string {
	t.Helper()
	return newCgroupAt(t, cgroupPlace())
}

// testCgroupV1 is the same in a v1 hierarchy.
func testCgroupV1(t *testing.T, name string) string {
	t.Helper()
	return newCgroupAt(t, "/sys/fs/cgroup/"+name)
}

// cgroupsOf are the names of the cgroups that a process of the tests makes.
func cgroupsOf(pid int) string { return "sprog-test-" + strconv.Itoa(pid) + "-*" }

// sweepCgroups removes the empty cgroups that a process of the tests has left.
func sweepCgroups(pid int) {
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/", cgroupPlace() + "/"} {
		dirs, _ := filepath.Glob(pattern + cgroupsOf(pid))
		for _, dir := range dirs {
			os.Remove(dir)
		}
	}
}

func newCgroupAt(t *testing.T, place string) string {
	t.Helper()
	dir, err := os.MkdirTemp(place, cgroupsOf(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var err error
		for range 200 { // processes that are about to be gone
			if err = os.Remove(dir); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.IsDir() {
				t.Errorf("the cgroup %s is left in %s", e.Name(), dir)
				os.Remove(dir + "/" + e.Name())
			}
		}
		t.Error(err)
		os.Remove(dir)
	})
	return dir
}

var casesOfCgroups = []startCase{
	{"new cgroup", []*requirement{ownCgroups}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Cgroup: &Cgroup{Parent: testCgroup(t)}}
	}},
	{"new cgroup with limits", []*requirement{controller("hugetlb")}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Cgroup: &Cgroup{
			Parent: testCgroup(t), Name: "sprog-limited", HugeTLB: []HugeTLBMax{{"2MB", 4 << 20}},
			Set: []CgroupFile{{"cgroup.max.depth", "2"}},
		}}
	}},
	{"new cgroup, init and PID namespace", []*requirement{asRoot, ownCgroups}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Cgroup: &Cgroup{Parent: testCgroup(t)}, Init: &Init{}}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	}},
	{"new cgroup and user namespace", []*requirement{userNamespaces, ownCgroups}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Cgroup: &Cgroup{Parent: testCgroup(t)}}
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot, Unshareflags: syscall.CLONE_NEWCGROUP,
		}
	}},
	{"new cgroup, user namespace and second stage", []*requirement{userNamespaces, ownCgroups}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Cgroup: &Cgroup{Parent: testCgroup(t)}, THPDisable: THPDisableCompletely}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
	}},
	{"v1 cgroups", []*requirement{asRoot, cgroupV1("pids"), cgroupV1("freezer")}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{CgroupV1: []string{testCgroupV1(t, "pids"), testCgroupV1(t, "freezer")}}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1, Gid: 1}}
	}},
}

var plansOfCgroups = []planCase{
	{"cgroup-new", by(&Attr{Cgroup: &Cgroup{}})},
	{"cgroup-limits", by(&Attr{Cgroup: &Cgroup{
		Parent: "/sys/fs/cgroup/jobs", Name: "7",
		MemoryMax: 1 << 30, MemoryHigh: 1 << 29, MemoryLow: 1 << 20, MemoryMin: 1 << 19, SwapMax: new(uint64(0)), OOMGroup: true,
		PidsMax: 64, CPUQuota: 150 * time.Millisecond, CPUWeight: 50,
		IOMax: []IOMax{{Device: "8:0", ReadBPS: 1 << 20, WriteIOPS: 100}}, IOWeight: 200,
		CPUs: "0-1", Mems: "0", HugeTLB: []HugeTLBMax{{"2MB", 0}},
		Set:         []CgroupFile{{"memory.zswap.max", "0"}, {"cgroup.max.descendants", "10"}},
		Controllers: []string{"rdma"},
	}})},
	{"cgroup-v1", by(&Attr{CgroupV1: []string{"/sys/fs/cgroup/pids/a", "/sys/fs/cgroup/memory/a"}})},
	{"cgroup-init", func(c *Cmd) {
		c.Attr = &Attr{Cgroup: &Cgroup{}, Init: &Init{}}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot}
	}},
}

var facetsOfCgroups = []facet{
	{name: "new cgroup", needs: []*requirement{ownCgroups},
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			attr(c).Cgroup = &Cgroup{Parent: testCgroup(t), Name: "sprog-combined"}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"cgroup:": "/sprog-combined"}
		}},
	{name: "v1 cgroup", needs: []*requirement{asRoot, cgroupV1("freezer")},
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			attr(c).CgroupV1 = []string{testCgroupV1(t, "freezer")}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"cgroup:freezer": "/" + filepath.Base(c.Attr.CgroupV1[0])}
		}},
}

// A look at the last component of the process's cgroup: of v2, or of a v1
// hierarchy.
func init() {
	looks["cgroup"] = func(hierarchy string) string {
		// Package os would open descriptors of its own, which others look for.
		fd, _ := unix.Open("/proc/self/cgroup", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		defer unix.Close(fd)
		buf := make([]byte, 8192)
		n, _ := unix.Read(fd, buf)
		for line := range strings.Lines(string(buf[:max(n, 0)])) {
			if w := strings.SplitN(strings.TrimSpace(line), ":", 3); len(w) == 3 && w[1] == hierarchy {
				return "/" + filepath.Base(w[2])
			}
		}
		return ""
	}
}

var casesOfIDMap = []startCase{
	{"setgroups policy", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
	{"setgroups policy, unshared", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
	{"user namespace last", []*requirement{asRoot, userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, UidMappings: uidToRoot, GidMappings: gidToRoot}
		c.Attr = &Attr{IDMap: &IDMap{Last: true}, Init: &Init{}, Mounts: []Mount{{Target: "/proc", Proc: &Proc{}}}}
	}},
}

var plansOfIDMap = []planCase{
	{"idmap-last", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS, UidMappings: toRoot, GidMappings: toRoot, Credential: &syscall.Credential{NoSetGroups: true}}
		c.Attr = &Attr{IDMap: &IDMap{Last: true}, Hostname: "inside"}
	}},
	{"idmap-setgroups", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
	{"idmap-setgroups-left", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot, Credential: &syscall.Credential{}}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsLeave}}
	}},
	{"idmap-setgroups-unshared", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: toRoot}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
}

// joining joins the namespaces of a container.
func joining(kinds NamespaceKind, flags uintptr, ids []syscall.SysProcIDMap, more func(*Cmd)) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{}
		c.Attr = &Attr{Join: []Namespace{{PID: newContainer(t, flags, ids).pid, Kinds: kinds}}}
		if more != nil {
			more(c)
		}
	}
}

var otherIDs = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}}

var casesOfJoining = []startCase{
	{"join a network", []*requirement{asRoot}, joining(NetworkNamespace, newKinds, nil, nil)},
	{"join all", []*requirement{asRoot}, joining(0, newKinds, nil, nil)},
	{"join all of other users", []*requirement{asRoot, userNamespaces}, joining(0, newKinds, otherIDs, func(c *Cmd) {
		c.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
		c.SysProcAttr.Pdeathsig = syscall.SIGTERM
	})},
	{"join some, and make some", []*requirement{asRoot, userNamespaces}, joining(UserNamespace|NetworkNamespace, newKinds, otherIDs, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWIPC
		c.SysProcAttr.Unshareflags = unix.CLONE_NEWNS
		c.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
	})},
	{"join some, and make some, with init", []*requirement{asRoot, userNamespaces}, joining(UserNamespace|NetworkNamespace, newKinds, otherIDs, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWIPC
		c.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
		c.Attr.Init = &Init{}
	})},
	{"join a mount namespace, and make another", []*requirement{asRoot}, joining(MountNamespace, newKinds, nil, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS
	})},
	{"join, with init", []*requirement{asRoot, userNamespaces}, joining(NamespaceKind(spec.AllKinds)&^TimeNamespace, newKinds, otherIDs, func(c *Cmd) {
		c.Attr.Init = &Init{}
	})},
	{"join, and make a user namespace", []*requirement{asRoot, userNamespaces}, joining(PIDNamespace|MountNamespace, newKinds, nil, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = rangesOfIDs, rangesOfIDs
	})},
}

// landlockABI requires a version of Landlock.
func landlockABI(version int) *requirement {
	return &requirement{what: "Landlock, ABI " + spec.Itoa(version), works: func() error {
		if kernel.Known.Landlock.Ask().ABI < version {
			return unix.EOPNOTSUPP
		}
		return nil
	}}
}

// Unprivileged requires a process that has not CAP_SYS_ADMIN, nor no_new_privs.
var unprivileged = &requirement{what: "no privileges", works: func() error {
	if kernel.HasCap(unix.CAP_SYS_ADMIN) || procField("/proc/self/status", "NoNewPrivs") == "1" {
		return unix.EPERM
	}
	return nil
}}

// everywhere lets programs run and be read.
var everywhere = LandlockPath{Path: "/", Rights: LandlockRead | LandlockExecute}

var casesOfLandlock = []startCase{
	{"landlock", []*requirement{landlockABI(7)}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{NoNewPrivs: true, Landlock: &Landlock{
			ABI: 7, Scopes: LandlockScopeSignal, Log: LandlockLogNewExecOn,
			Files: &LandlockFiles{Rules: []LandlockPath{
				everywhere,
				{Path: "/no/such/dir", Rights: LandlockRead, Optional: true},
				{Path: "/dev/null", Rights: LandlockRead | LandlockWriteFile},
				{File: tempFile(t), Rights: LandlockReadFile},
			}},
			Ports: &LandlockPorts{Rules: []LandlockPort{{Port: 80, Rights: LandlockConnectTCP}}},
		}}
	}},
	{"landlock below an init", []*requirement{landlockABI(6)}, withAttr(&Attr{
		NoNewPrivs: true, Init: &Init{}, Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 8, Max: 8}},
		Landlock: &Landlock{Scopes: LandlockScopeSignal, ABI: 6, Files: &LandlockFiles{Rules: []LandlockPath{everywhere}}},
	})},
}

var plansOfLandlock = []planCase{
	{"landlock", by(&Attr{NoNewPrivs: true, Landlock: &Landlock{
		ABI: 7, Scopes: LandlockScopeSignal | LandlockScopeAbstractUnixSocket, Log: LandlockLogNewExecOn,
		Files: &LandlockFiles{Rules: []LandlockPath{
			{Path: "/usr", Rights: LandlockRead | LandlockExecute},
			{Path: "/etc/hosts", Rights: LandlockReadFile},
			{Path: "/srv/data", Rights: LandlockRead | LandlockWrite, Optional: true},
		}},
		Ports: &LandlockPorts{Rules: []LandlockPort{{Port: 443, Rights: LandlockConnectTCP}, {Port: 0, Rights: LandlockBindTCP}}},
	}})},
	{"landlock-newest", by(&Attr{NoNewPrivs: true, Landlock: &Landlock{
		Files: &LandlockFiles{Rules: []LandlockPath{{Path: "/", Rights: LandlockRead | LandlockExecute}}}, Ports: &LandlockPorts{},
	}})},
	{"landlock-init", by(&Attr{NoNewPrivs: true, Init: &Init{}, Landlock: &Landlock{
		Files: &LandlockFiles{Handled: LandlockMakeReg, Rules: []LandlockPath{{Path: "/tmp", Rights: LandlockMakeReg}}},
	}})},
}

// deny is a filter that denies calls with an errno.
func deny(errno uint16, names ...string) *Seccomp {
	return &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: names, Action: SeccompErrno, Errno: &errno}}}
}

// notifying is a filter with a listener.
func notifying(names ...string) *Seccomp {
	return &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: names, Action: SeccompNotify}}}
}

// allowing is a program of n instructions.
func allowing(n int) []byte {
	return bytes.Repeat([]byte{0x06, 0, 0, 0, 0, 0, 0xff, 0x7f}, n) // return SECCOMP_RET_ALLOW
}

var casesOfSeccomp = []startCase{
	{"seccomp", nil, withAttr(&Attr{NoNewPrivs: true, Seccomp: deny(38, "mkdir", "mkdirat", "ptrace")})},
	{"seccomp programs", nil, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: deny(1, "ptrace")}
		c.Attr.Seccomp.Programs = [][]byte{allowing(1), allowing(2)}
	}},
	{"seccomp listener", nil, withAttr(&Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")})},
	{"seccomp listener of another user", []*requirement{asRoot}, func(t *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}
	}},
	{"seccomp listener with a real-time policy", []*requirement{realTime}, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir"), Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 1}}
	}},
	{"seccomp and init", nil, withAttr(&Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: deny(1, "ptrace")})},
}

var plansOfSeccomp = []planCase{
	{"seccomp", by(&Attr{NoNewPrivs: true, Seccomp: &Seccomp{
		Default: SeccompErrno, Archs: []string{"x86_64", "aarch64"}, Log: true, SpecAllow: true,
		Rules: []SeccompRule{{Names: []string{"execve", "read", "write"}, Action: SeccompAllow}},
	}})},
	{"seccomp-listener", by(&Attr{NoNewPrivs: true, Seccomp: &Seccomp{
		Default: SeccompAllow, Archs: []string{"x86_64", "aarch64"}, WaitKillable: true,
		Rules: []SeccompRule{{Names: []string{"mount"}, Action: SeccompNotify}},
	}})},
	{"seccomp-programs", by(&Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: &Seccomp{
		Programs: [][]byte{allowing(6), allowing(4)},
	}})},
}

// facetsOfSeccomp use a call that no program makes any more.
var facetsOfSeccomp = []facet{
	{name: "seccomp",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).NoNewPrivs = true
			attr(c).Seccomp = deny(uint16(100+r.IntN(30)), "remap_file_pages")
			if r.IntN(2) == 0 {
				attr(c).Seccomp.Programs = [][]byte{allowing(1)}
			}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{
				"status:Seccomp":    "2",
				"status:NoNewPrivs": "1",
				fmt.Sprintf("errno:%d", unix.SYS_REMAP_FILE_PAGES): strconv.Itoa(int(*c.Attr.Seccomp.Rules[0].Errno)),
			}
		}},
}

// ofView is a case of a view, in namespaces that every user may make. It executes a static program.
func ofView(root *Root, mounts ...Mount) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Root: root, Mounts: mounts}
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET | syscall.CLONE_NEWCGROUP,
			UidMappings: uidToRoot, GidMappings: gidToRoot,
		}
	}
}

// inTemp adds mounts that a directory of the test's is the source of.
func inTemp(prepare func(*testing.T, *Cmd), more func(dir string) []Mount) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		prepare(t, c)
		dir := t.TempDir()
		for _, sub := range []string{"a", "b", "upper", "work"} {
			must(os.Mkdir(filepath.Join(dir, sub), 0o755))
		}
		must(os.WriteFile(filepath.Join(dir, "a/file"), []byte("text"), 0o644))
		c.Attr.Mounts = append(c.Attr.Mounts, more(dir)...)
	}
}

// fromHost are the mounts with which a program of the system runs.
func fromHost() []Mount { return SystemMounts(MountReadOnly) }

var casesOfViews = []startCase{
	{"view of the host", []*requirement{userNamespaces}, ofView(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})},
	{"view of a read-only host", []*requirement{userNamespaces, freshProc, mountSetattr}, ofView(&Root{Host: true, Flags: MountReadOnly | MountNoSUID},
		Mount{Target: "/proc", Proc: &Proc{}}, Mount{Target: "/dev", Dev: &Dev{}})},
	{"view of nothing", []*requirement{userNamespaces}, ofView(&Root{Empty: true}, append(fromHost(),
		Mount{Target: "/a/b", Dir: true}, Mount{Target: "/a/b/c", Data: []byte("text")}, Mount{Target: "/l", Symlink: "a"},
		Mount{Target: "/l/d", Bind: "/etc/passwd"}, Mount{Bind: "/no/such", Optional: true}, Mount{Target: "/no/such/t", Tmpfs: &Tmpfs{}, Flags: MountReadOnly},
		Mount{Target: "/a/b/c", Mask: true}, Mount{Target: "/mq", Kernel: KernelMqueue}, Mount{Target: "/pts", Kernel: KernelDevpts},
		Mount{Target: "/usr", Flags: MountNoSUID, Propagation: PropagationSlave},
		Mount{Target: "/a/copy", Data: []byte("text"), Copy: true, Mode: new(uint32(0o640))}, Mount{Target: "/a/copy", Mode: new(uint32(0o400))})...)},
	{"view of a bind at /", []*requirement{userNamespaces, mountSetattr}, ofView(nil, Mount{Bind: "/", Flags: MountReadOnly}, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})},
	{"view of overlays", []*requirement{userNamespaces, userOverlays, mountSetattr}, inTemp(ofView(&Root{Empty: true}, fromHost()...), func(dir string) []Mount {
		return []Mount{{Target: "/private", Overlay: &Overlay{Lower: []string{dir + "/a"}, Private: true}},
			{Target: "/read", Overlay: &Overlay{Lower: []string{dir + "/a", dir + "/b"}}, Optional: true},
			{Target: "/named", Overlay: &Overlay{Lower: []string{dir + "/a"}, Upper: dir + "/upper", Work: dir + "/work"}}}
	})},
	{"view of created targets", []*requirement{userNamespaces}, inTemp(ofView(nil), func(dir string) []Mount {
		return []Mount{{Target: dir + "/b/new/dir", Tmpfs: &Tmpfs{}, Create: true}, {Target: dir + "/b/new/file", Bind: dir + "/a/file", Create: true},
			{Target: dir + "/a/file", Mask: true}}
	})},
	{"view by mount(2)", []*requirement{userNamespaces, freshProc}, func(t *testing.T, c *Cmd) {
		lacking(t, kernel.NoMountSetattr)
		ofView(&Root{Empty: true}, append(fromHost(), Mount{Target: "/proc", Proc: &Proc{Fallback: ProcEmpty}}, Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"null"}}},
			Mount{Target: "/data", Data: []byte("x")}, Mount{Target: "/data", Mask: true},
			Mount{Target: "/dir", Dir: true}, Mount{Target: "/dir", Flags: MountNoExec})...)(t, c)
	}},
	{"view by mount(2) and openat", []*requirement{userNamespaces}, inTemp(func(t *testing.T, c *Cmd) {
		lacking(t, kernel.NoMountSetattr|kernel.NoOpenat2)
		exeIsSafeAs(t, true)
		ofView(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})(t, c)
	}, func(dir string) []Mount { return []Mount{{Target: "/tmp/a/b", Bind: dir, Flags: MountReadOnly}} })},
	{"view in one stage", []*requirement{userNamespaces}, func(t *testing.T, c *Cmd) {
		exeIsSafeAs(t, true)
		ofView(&Root{Empty: true}, append(fromHost(), Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}, Mount{Target: "/data", Data: []byte("x")})...)(t, c)
	}},
	{"program and directory looked for", nil, func(_ *testing.T, c *Cmd) {
		c.Path, c.Env, c.Attr = "true", []string{"PATH=/no/such:/bin", "PWD=x"}, &Attr{LookPath: true, Dirs: []string{"/no/such", "/"}}
	}},
	{"view by the second stage", []*requirement{userNamespaces, freshProc}, func(t *testing.T, c *Cmd) {
		ofView(&Root{Empty: true}, append(fromHost(), Mount{Target: "/proc", Proc: &Proc{Fallback: ProcEmpty}})...)(t, c)
		c.Attr.Init = &Init{}
	}},
	{"view with a console", []*requirement{userNamespaces, terminals}, func(t *testing.T, c *Cmd) {
		master, slave, err := pty.Open()
		must(err)
		t.Cleanup(func() { master.Close(); slave.Close() })
		ofView(nil, Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"null"}, Console: slave}})(t, c)
	}},
	{"view of mapped ids", []*requirement{asRoot, mappedMounts}, inTemp(ofView(&Root{Empty: true}, fromHost()...), func(dir string) []Mount {
		return []Mount{{Target: "/a", Bind: dir + "/a", IDMap: ownedBy(1000), Flags: MountReadOnly}, {Target: "/b", Bind: "/no/such", IDMap: ownedBy(7), Optional: true}}
	})},
	{"view by root", []*requirement{asRoot}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Root: &Root{Empty: true}, Mounts: append(fromHost(), Mount{Target: "/proc", Proc: &Proc{}}, Mount{Target: "/file", File: tempFile(t)})}
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}},
}

var (
	freshProc = &requirement{what: "a /proc that nothing is mounted over", works: func() error {
		c := Command("/bin/true")
		ofView(nil, Mount{Target: "/proc", Proc: &Proc{}})(nil, c)
		return c.Run()
	}, expected: func() bool { return userNamespaces.works() == nil && len(mountedOver("/proc")) == 0 }}
	mountSetattr = &requirement{what: "mount_setattr, Linux 5.12", works: func() error { return linux(5, 12).works() }}
	userOverlays = &requirement{what: "overlays in user namespaces, Linux 5.11", works: func() error { return linux(5, 11).works() }}
)
