//go:build amd64 || arm64

package spec

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Spec is what is asked for, in the terms of the one who makes it.
func (c *Cgroup) Spec() *cgroup.Spec {
	return &cgroup.Spec{Parent: c.Parent, Name: c.Name, Writes: c.Writes(), Controllers: c.Controllers, Evacuate: c.Evacuate}
}

// Writes are those that the fields ask for, in the order of the fields.
func (c *Cgroup) Writes() (list []cgroup.Write) {
	add := func(field, file, value string) {
		list = append(list, cgroup.Write{File: file, Value: value, Label: field})
	}
	number := func(field, file string, n uint64) {
		if n != 0 {
			add(field, file, numberOrMax(n))
		}
	}
	text := func(field, file, s string) {
		if s != "" {
			add(field, file, s)
		}
	}
	number("MemoryMax", "memory.max", c.MemoryMax)
	number("MemoryHigh", "memory.high", c.MemoryHigh)
	number("MemoryLow", "memory.low", c.MemoryLow)
	number("MemoryMin", "memory.min", c.MemoryMin)
	if c.SwapMax != nil {
		add("SwapMax", "memory.swap.max", numberOrMax(*c.SwapMax))
	}
	if c.OOMGroup {
		add("OOMGroup", "memory.oom.group", "1")
	}
	number("PidsMax", "pids.max", c.PidsMax)
	if c.CPUQuota != 0 {
		add("CPUQuota", "cpu.max", strconv.FormatInt(c.CPUQuota.Microseconds(), 10)+" "+strconv.FormatInt(c.period().Microseconds(), 10))
	}
	number("CPUWeight", "cpu.weight", c.CPUWeight)
	for i, l := range c.IOMax {
		add(Index("IOMax", i), "io.max", l.line())
	}
	if c.IOWeight != 0 {
		add("IOWeight", "io.weight", "default "+strconv.FormatUint(c.IOWeight, 10))
	}
	text("CPUs", "cpuset.cpus", c.CPUs)
	text("Mems", "cpuset.mems", c.Mems)
	for i, h := range c.HugeTLB {
		add(Index("HugeTLB", i), "hugetlb."+h.Size+".max", numberOrMax(h.Max))
	}
	for i, f := range c.Set {
		add(Index("Set", i), f.Name, f.Value)
	}
	return list
}

func (c *Cgroup) period() time.Duration {
	if c.CPUPeriod == 0 {
		return 100 * time.Millisecond
	}
	return c.CPUPeriod
}

// numberOrMax is a limit as the kernel reads it.
func numberOrMax(n uint64) string {
	if n == math.MaxUint64 {
		return "max"
	}
	return strconv.FormatUint(n, 10)
}

// line is a line of io.max. Where the device is a path, it is that still.
func (l IOMax) line() string {
	var b strings.Builder
	b.WriteString(l.Device)
	for _, limit := range []struct {
		name string
		n    uint64
	}{{"rbps", l.ReadBPS}, {"wbps", l.WriteBPS}, {"riops", l.ReadIOPS}, {"wiops", l.WriteIOPS}} {
		if limit.n != 0 {
			b.WriteString(" " + limit.name + "=" + numberOrMax(limit.n))
		}
	}
	return b.String()
}

func (r *Start) checkCgroup() *Error {
	c := r.Attr.Cgroup
	if c == nil {
		return nil
	}
	if r.Sys.UseCgroupFD {
		return Invalid(CgroupField, "", "cannot be combined with {SysProcAttr.UseCgroupFD}: a process is in one cgroup")
	}
	if strings.IndexByte(c.Parent, 0) >= 0 {
		return Invalid(CgroupField+".Parent", strconv.Quote(c.Parent), "contains a NUL byte")
	}
	if c.Name != "" {
		if why := badComponent(c.Name); why != "" {
			return Invalid(CgroupField+".Name", strconv.Quote(c.Name), why)
		}
	}
	for i, name := range c.Controllers {
		if name == "" || strings.ContainsAny(name, " \t\n+-\x00/") {
			return Invalid(Index(CgroupField+".Controllers", i), strconv.Quote(name), "is no name of a controller")
		}
	}
	if err := c.checkNumbers(); err != nil {
		return err
	}
	return c.checkFiles()
}

// badComponent says what keeps a name from being one component of a path.
func badComponent(name string) terms.Text {
	switch {
	case name == "." || name == ".." || strings.ContainsAny(name, "/\x00\n"):
		return "is not one component of a path"
	case len(name) > unix.NAME_MAX:
		return "is longer than 255 bytes"
	}
	return ""
}

func (c *Cgroup) checkNumbers() *Error {
	period := c.period()
	switch {
	case c.CPUPeriod != 0 && c.CPUQuota == 0:
		return Invalid(CgroupField+".CPUPeriod", period.String(), "needs a {CPUQuota|Attr.Cgroup.CPUQuota}")
	case c.CPUQuota != 0 && c.CPUQuota < time.Millisecond:
		return Invalid(CgroupField+".CPUQuota", c.CPUQuota.String(), "is less than 1ms")
	case period < time.Millisecond || period > time.Second:
		return Invalid(CgroupField+".CPUPeriod", period.String(), "is not from 1ms to 1s")
	case c.CPUWeight > 10000:
		return Invalid(CgroupField+".CPUWeight", numberOrMax(c.CPUWeight), "is not from 1 to 10000")
	case c.IOWeight > 10000:
		return Invalid(CgroupField+".IOWeight", numberOrMax(c.IOWeight), "is not from 1 to 10000")
	}
	for i, l := range c.IOMax {
		name := Index(CgroupField+".IOMax", i)
		switch {
		case l.Device == "" || strings.ContainsAny(l.Device, " \n\x00"):
			return Invalid(name, strconv.Quote(l.Device), "is no device")
		case l.ReadBPS|l.WriteBPS|l.ReadIOPS|l.WriteIOPS == 0:
			return Invalid(name, l.Device, "has no limit")
		}
	}
	return nil
}

// interfering are the files that would undo the start, or hold it up forever.
var interfering = []string{"cgroup.freeze", "cgroup.kill", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "cgroup.type"}

func (c *Cgroup) checkFiles() *Error {
	for _, w := range c.Writes() {
		field, why := CgroupField+"."+w.Label, badComponent(w.File)
		switch {
		case why != "":
		case w.File == "" || !strings.Contains(w.File, "."):
			why = "is no file of a cgroup"
		case slices.Contains(interfering, w.File):
			why = "interferes with the start"
		}
		if why != "" {
			return Invalid(field, strconv.Quote(w.File), why)
		}
		switch {
		case w.Value == "":
			return Invalid(field, w.File, "has an empty value, which the kernel does not look at")
		case strings.IndexByte(w.Value, 0) >= 0:
			return Invalid(field, w.File, "has a value with a NUL byte")
		}
	}
	return nil
}

// checkCgroupV1 looks at what can be said without opening the directories.
func (r *Start) checkCgroupV1() *Error {
	for i, dir := range r.Attr.CgroupV1 {
		name := Index("Attr.CgroupV1", i)
		switch {
		case dir == "":
			return &Error{Field: name, Err: syscall.ENOENT}
		case strings.IndexByte(dir, 0) >= 0:
			return Invalid(name, strconv.Quote(dir), "contains a NUL byte")
		}
	}
	return nil
}

// InCgroup reports whether the child is, before it executes, in a cgroup that
// its parent is not in. Its memory is the parent's then. If the memory of the
// cgroup runs out, the OOM killer kills every process that has the memory
// which the one it chose has; but it does not choose one that is in vfork(2).
func (r *Start) InCgroup() bool {
	return r.Sys.UseCgroupFD || r.Attr.Cgroup != nil || len(r.Attr.CgroupV1) > 0
}
