//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
