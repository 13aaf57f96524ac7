//go:build amd64 || arm64

package sprog

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

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
