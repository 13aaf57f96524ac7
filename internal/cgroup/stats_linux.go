package cgroup

import (
	"strconv"
	"strings"
	"time"
)

// unknownStats are those of which nothing is known.
func unknownStats() (s Stats) {
	none := counters(nil)
	s.memory(none, none)
	s.cpu(none)
	s.io(none)
	s.MemoryPeak, s.SwapPeak, s.PidsPeak, s.OOMLocal = Unknown, Unknown, Unknown, Unknown
	return s
}

// stats reads what there is.
func (d dir) stats() (s Stats) {
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

func (s *Stats) memory(memory, pids counters) {
	s.MemoryHigh, s.MemoryMax, s.OOM = memory.get("high"), memory.get("max"), memory.get("oom")
	s.OOMKills, s.OOMGroupKills = memory.get("oom_kill"), memory.get("oom_group_kill")
	s.PidsMax = pids.get("max")
}

func (s *Stats) cpu(c counters) {
	s.CPUUsage, s.CPUUser, s.CPUSystem = c.microseconds("usage_usec"), c.microseconds("user_usec"), c.microseconds("system_usec")
	s.CPUPeriods, s.CPUThrottled = c.get("nr_periods"), c.get("nr_throttled")
	s.CPUThrottledTime = c.microseconds("throttled_usec")
}

func (s *Stats) io(c counters) {
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
	return Unknown
}

func (c counters) microseconds(name string) time.Duration {
	if n := c.get(name); n != Unknown {
		return time.Duration(n) * time.Microsecond
	}
	return Unknown
}

// counters reads a file of "name value" lines, or, as io.stat is, of lines
// "device name=value ...", of which it returns the sums.
func (d dir) counters(name string) (counters, error) {
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
func (d dir) number(name string) int64 {
	text, err := d.read(name)
	if err != nil {
		return Unknown
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return Unknown
	}
	return n
}
