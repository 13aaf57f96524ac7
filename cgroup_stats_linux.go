//go:build amd64 || arm64

package sprog

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func (g *CgroupHandle) stats() (CgroupStats, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last != nil {
		return *g.last, nil
	}
	d, err := g.open()
	if err != nil {
		return unknownStats(), err
	}
	_, err = d.counters("cgroup.events")
	return d.stats(), err
}

// unknownStats are those of which nothing is known.
func unknownStats() (s CgroupStats) {
	none := counters(nil)
	s.memory(none, none)
	s.cpu(none)
	s.io(none)
	s.MemoryPeak, s.SwapPeak, s.PidsPeak, s.OOMLocal = CgroupUnknown, CgroupUnknown, CgroupUnknown, CgroupUnknown
	return s
}

// stats reads what there is.
func (d cgroupDir) stats() (s CgroupStats) {
	read := func(name string) counters {
		c, _ := d.counters(name)
		return c
	}
	events := read("cgroup.events")
	s.Populated, s.Frozen = events["populated"] == 1, events["frozen"] == 1
	s.MemoryPeak, s.SwapPeak, s.PidsPeak = d.number("memory.peak"), d.number("memory.swap.peak"), d.number("pids.peak")
	s.memory(read("memory.events"), read("pids.events"))
	s.OOMLocal = read("memory.events.local").get("oom")
	s.cpu(read("cpu.stat"))
	s.io(read("io.stat"))
	return s
}

func (s *CgroupStats) memory(memory, pids counters) {
	s.MemoryHigh, s.MemoryMax, s.OOM = memory.get("high"), memory.get("max"), memory.get("oom")
	s.OOMKills, s.OOMGroupKills = memory.get("oom_kill"), memory.get("oom_group_kill")
	s.PidsMax = pids.get("max")
}

func (s *CgroupStats) cpu(c counters) {
	s.CPUUsage, s.CPUUser, s.CPUSystem = c.microseconds("usage_usec"), c.microseconds("user_usec"), c.microseconds("system_usec")
	s.CPUPeriods, s.CPUThrottled = c.get("nr_periods"), c.get("nr_throttled")
	s.CPUThrottledTime = c.microseconds("throttled_usec")
}

func (s *CgroupStats) io(c counters) {
	s.IOReadBytes, s.IOWriteBytes = c.get("rbytes"), c.get("wbytes")
	s.IOReads, s.IOWrites = c.get("rios"), c.get("wios")
}

// counters are the lines of a file, by their names. Nil is a file that could
// not be read.
type counters map[string]int64

func (c counters) get(name string) int64 {
	if n, ok := c[name]; ok {
		return n
	}
	return CgroupUnknown
}

func (c counters) microseconds(name string) time.Duration {
	if n := c.get(name); n != CgroupUnknown {
		return time.Duration(n) * time.Microsecond
	}
	return CgroupUnknown
}

// counters reads a file of "name value" lines, or, as io.stat is, of lines
// "device name=value ...", of which it returns the sums.
func (d cgroupDir) counters(name string) (counters, error) {
	text, err := d.read(name)
	if err != nil {
		return nil, err
	}
	return parseCounters(text, name == "io.stat"), nil
}

func parseCounters(text string, perDevice bool) counters {
	c := counters{}
	if perDevice { // without devices as yet, the sums are 0
		c = counters{"rbytes": 0, "wbytes": 0, "rios": 0, "wios": 0}
	}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if perDevice {
			for _, pair := range w[min(1, len(w)):] {
				name, value, _ := strings.Cut(pair, "=")
				n, _ := strconv.ParseInt(value, 10, 64)
				c[name] += n
			}
			continue
		}
		if len(w) == 2 {
			if n, err := strconv.ParseInt(w[1], 10, 64); err == nil {
				c[w[0]] = n
			}
		}
	}
	return c
}

// number reads a file with one number.
func (d cgroupDir) number(name string) int64 {
	text, err := d.read(name)
	if err != nil {
		return CgroupUnknown
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return CgroupUnknown
	}
	return n
}

// cpuUsage is the CPU time that was used in the cgroup, or CgroupUnknown.
func (g *CgroupHandle) cpuUsage() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, err := g.open()
	if err != nil {
		return CgroupUnknown
	}
	c, _ := d.counters("cpu.stat")
	return c.microseconds("usage_usec")
}

// reason is what the counters say of a start that went wrong.
func (g *CgroupHandle) reason() string {
	s, _ := g.stats()
	switch {
	case s.OOMKills > 0 || s.OOM > 0:
		return "the memory limit of the cgroup is too low for the start: memory.events counts " +
			strconv.FormatInt(max(s.OOM, s.OOMKills), 10) + " times out of memory"
	case s.PidsMax > 0:
		return "the limit of the cgroup on processes was reached"
	}
	return ""
}

// subs lists the cgroups directly below.
func (d cgroupDir) subs() (list []string, err error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	entries, err := f.ReadDir(-1)
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list, err
}
