//go:build linux

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sprog-dev/sprog"
)

// The cgroupFlags are about a cgroup of the program's own. Any but --cgroup-v1
// asks for one.
type cgroupFlags struct {
	New    bool `name:"cgroup-new" help:"Run in a new cgroup, below the one that is delegated to the caller. What is left in it at the end is killed, and it is removed. Implied by all that follow but --cgroup-v1."`
	Parent word `name:"cgroup-parent" placeholder:"DIR" help:"Make it in this directory of the cgroup2 file system."`
	Name   word `name:"cgroup-name" placeholder:"NAME" help:"Give it this name (default: one of its own)."`

	cgroupLimits

	Controllers nameList `name:"cgroup-controllers" placeholder:"NAME,..." help:"Further controllers for it."`
	Evacuate    bool     `name:"cgroup-evacuate" help:"Move the processes of the parent cgroup to a cgroup sprog-leaf below it: the kernel allows none in a cgroup that hands out controllers."`
	Keep        bool     `name:"cgroup-keep" help:"Leave the cgroup, and what is left in it, at the end."`
	V1          []word   `name:"cgroup-v1" placeholder:"DIR" help:"Start in this cgroup of a v1 hierarchy. Repeatable."`
}

// The cgroupLimits are those that a cgroup can be given at any time.
type cgroupLimits struct {
	Memory     *cgroupLimit    `placeholder:"BYTES" brief:"Limit on memory, such as 2G" help:"Limit on memory, beyond which the OOM killer comes. Bytes take K, M, G or T; every limit can be max."`
	MemoryHigh *cgroupLimit    `placeholder:"BYTES" help:"Memory beyond which the kernel slows the program down."`
	MemoryLow  *cgroupLimit    `placeholder:"BYTES" help:"Memory that the kernel leaves to it as long as others have some to spare."`
	MemoryMin  *cgroupLimit    `placeholder:"BYTES" help:"Memory that is never taken from it."`
	OOMGroup   bool            `name:"memory-oom-group" help:"The OOM killer kills all processes at once."`
	Swap       *cgroupLimit    `placeholder:"BYTES" help:"Limit on swap space; 0 means none."`
	Pids       *cgroupLimit    `placeholder:"N" brief:"Limit on processes and threads" help:"Limit on processes and threads."`
	CPUMax     *cpuMax         `name:"cpu-max" placeholder:"CPUS" brief:"Limit on CPU time: 1.5 CPUs, or 150%" help:"CPU time, on all CPUs together: 1.5, or 150%, or QUOTA/PERIOD, such as 15ms/10ms."`
	CPUWeight  *cgroupWeight   `name:"cpu-weight" placeholder:"N" help:"Share of the CPUs, from 1 to 10000, where other cgroups have 100."`
	IOMax      []ioMax         `name:"io-max" placeholder:"DEV,LIMIT=N,..." help:"Limits of a block device, its path or MAJOR:MINOR, each second: rbps and wbps in bytes, riops and wiops in operations. Repeatable."`
	IOWeight   *cgroupWeight   `name:"io-weight" placeholder:"N" help:"Share of the block devices, from 1 to 10000."`
	CPUs       word            `name:"cpuset-cpus" placeholder:"LIST" help:"CPUs for all in the cgroup, such as 0-3,8."`
	Mems       word            `name:"cpuset-mems" placeholder:"LIST" help:"Memory nodes for all in the cgroup."`
	HugeTLB    []hugeTLBMax    `name:"hugetlb" placeholder:"SIZE=BYTES" help:"Huge pages of a size, such as 2MB=64M. Repeatable."`
	Set        []cgroupSetting `name:"cgroup-set" placeholder:"FILE=VALUE" help:"Write VALUE to a file of the cgroup. Repeatable, in order, after those above."`
}

// asked reports whether any flag asks for a new cgroup.
func (g *cgroupFlags) asked() bool {
	return g.cgroupLimits.asked() || len(g.Controllers) > 0 || g.Parent != "" || g.Name != "" || g.New || g.Evacuate || g.Keep
}

// asked reports whether any limit is given.
func (g *cgroupLimits) asked() bool {
	numbers := g.Memory != nil || g.MemoryHigh != nil || g.MemoryLow != nil || g.MemoryMin != nil || g.Swap != nil || g.Pids != nil ||
		g.CPUMax != nil || g.CPUWeight != nil || g.IOWeight != nil
	return numbers || len(g.IOMax)+len(g.HugeTLB)+len(g.Set) > 0 || g.CPUs != "" || g.Mems != "" || g.OOMGroup
}

func (g *cgroupFlags) cgroup() *sprog.Cgroup {
	c := g.limits()
	c.Parent, c.Name, c.Keep, c.Evacuate, c.Controllers = string(g.Parent), string(g.Name), g.Keep, g.Evacuate, g.Controllers
	return c
}

// limits are a cgroup with nothing but these.
func (g *cgroupLimits) limits() *sprog.Cgroup {
	c := &sprog.Cgroup{OOMGroup: g.OOMGroup, CPUs: string(g.CPUs), Mems: string(g.Mems), SwapMax: (*uint64)(g.Swap)}
	if g.CPUMax != nil {
		c.CPUQuota, c.CPUPeriod = g.CPUMax.quota, g.CPUMax.period
	}
	if g.CPUWeight != nil {
		c.CPUWeight = uint64(*g.CPUWeight)
	}
	if g.IOWeight != nil {
		c.IOWeight = uint64(*g.IOWeight)
	}
	for _, m := range g.IOMax {
		c.IOMax = append(c.IOMax, sprog.IOMax(m))
	}
	for _, h := range g.HugeTLB {
		c.HugeTLB = append(c.HugeTLB, sprog.HugeTLBMax(h))
	}
	g.setLimits(c)
	for _, s := range g.Set {
		c.Set = append(c.Set, sprog.CgroupFile(s))
	}
	return c
}

// setLimits fills in the limits for which the field's zero is none. Here 0 is a
// limit like any other, and is written first of all that --cgroup-set has.
func (g *cgroupLimits) setLimits(c *sprog.Cgroup) {
	for _, l := range []struct {
		file  string
		limit *cgroupLimit
		field *uint64
	}{
		{"memory.max", g.Memory, &c.MemoryMax}, {"memory.high", g.MemoryHigh, &c.MemoryHigh},
		{"memory.low", g.MemoryLow, &c.MemoryLow}, {"memory.min", g.MemoryMin, &c.MemoryMin},
		{"pids.max", g.Pids, &c.PidsMax},
	} {
		switch {
		case l.limit == nil:
		case *l.limit == 0:
			c.Set = append(c.Set, sprog.CgroupFile{Name: l.file, Value: "0"})
		default:
			*l.field = uint64(*l.limit)
		}
	}
}

// A cgroupLimit is a number, with a suffix of bytes if need be, or max.
type cgroupLimit uint64

func (l *cgroupLimit) Set(s string) error {
	return decodeTo(s, (*uint64)(l), parseLimit)
}

// A cgroupWeight is a share.
type cgroupWeight int

func (w *cgroupWeight) Set(s string) error {
	return decodeTo(s, (*int)(w), intWithin(1, 10000))
}

// A cpuMax is how much CPU time there is in each period.
type cpuMax struct{ quota, period time.Duration }

func (m *cpuMax) Set(s string) error {
	if quota, period, ok := strings.Cut(s, "/"); ok {
		var err1, err2 error
		m.quota, err1 = time.ParseDuration(quota)
		m.period, err2 = time.ParseDuration(period)
		if err1 != nil || err2 != nil || m.quota <= 0 || m.period <= 0 {
			return fmt.Errorf("%q is not QUOTA/PERIOD, such as 15ms/10ms", s)
		}
		return nil
	}
	number, percent := strings.CutSuffix(s, "%")
	cpus, err := strconv.ParseFloat(number, 64)
	if percent {
		cpus /= 100
	}
	const most = 1 << 20 // of CPUs
	if err != nil || !(cpus > 0 && cpus <= most) {
		return fmt.Errorf("%q is not a number of CPUs above 0, such as 1.5 or 150%%, nor QUOTA/PERIOD", s)
	}
	m.period = 100 * time.Millisecond
	m.quota = time.Duration(math.Round(cpus * float64(m.period)))
	if m.quota < time.Millisecond { // the least that the kernel takes
		m.quota, m.period = time.Duration(math.Round(cpus*float64(time.Second))), time.Second
	}
	return nil
}

// An ioMax is the limits of a device.
type ioMax sprog.IOMax

func (m *ioMax) Set(s string) error {
	device, limits, ok := strings.Cut(s, ",")
	if !ok || device == "" {
		return fmt.Errorf("%q is not DEV,LIMIT=N and more limits", s)
	}
	m.Device = device
	fields := map[string]*uint64{"rbps": &m.ReadBPS, "wbps": &m.WriteBPS, "riops": &m.ReadIOPS, "wiops": &m.WriteIOPS}
	for limit := range strings.SplitSeq(limits, ",") {
		name, value, _ := strings.Cut(limit, "=")
		field := fields[name]
		if field == nil {
			return fmt.Errorf("%q is not rbps=N, wbps=N, riops=N or wiops=N", limit)
		}
		var err error
		if *field, err = parseLimit(value); err != nil {
			return err
		}
		if *field == 0 {
			return fmt.Errorf("%s: the kernel takes no limit of 0", limit)
		}
	}
	return nil
}

// A hugeTLBMax is a limit on huge pages of a size.
type hugeTLBMax sprog.HugeTLBMax

func (h *hugeTLBMax) Set(s string) error {
	name, value, err := decodePair(s, "SIZE=BYTES")
	if err != nil {
		return err
	}
	h.Size = name
	h.Max, err = parseLimit(value)
	return err
}

// A cgroupSetting is a file and what is written to it.
type cgroupSetting sprog.CgroupFile

func (c *cgroupSetting) Set(s string) (err error) {
	c.Name, c.Value, err = decodePair(s, "FILE=VALUE")
	return err
}
