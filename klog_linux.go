//go:build amd64 || arm64

package sprog

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/seccomp"
)

// The kernel tells in its log, and nowhere else, for which system call a filter
// has killed a process, and for which cgroup the OOM killer has.

// deniedCall is the system call that a filter has killed the program for, or
// "". The record is that of audit_seccomp in the kernel's kernel/auditsc.c.
func (c *Cmd) deniedCall() (call string) {
	pid := strconv.Itoa(c.programPID())
	for line := range c.logLines("type=1326 ") {
		if line.value(" ", "sig") != strconv.Itoa(int(unix.SIGSYS)) || line.value(" ", "pid") != pid {
			continue
		}
		arch, _ := strconv.ParseUint(line.value(" ", "arch"), 16, 32)
		number, err := strconv.Atoi(line.value(" ", "syscall"))
		if err == nil {
			call = seccomp.CallName(uint32(arch), number)
		}
	}
	return call
}

// oomKill tells whether the log says that the OOM killer has killed the
// program, and for which cgroup's limit; "" is one that is not known.
func (c *Cmd) oomKill() (cgroup string, killed bool) {
	pid := strconv.Itoa(c.programPID())
	const which = "oom-kill:constraint=" // left out where there are many
	known := false
	for line := range c.logLines(which, "illed process "+pid+" (") {
		switch {
		case !strings.Contains(string(line), which):
			killed = true
			if !known && strings.Contains(string(line), " Out of memory: ") {
				cgroup = "/"
			}
		case line.value(",", "pid") == pid:
			cgroup, killed, known = line.value(",", "oom_memcg"), true, true
			if cgroup == "" { // the machine's memory, or a node's
				cgroup = "/"
			}
		}
	}
	return cgroup, killed
}

// A logLine is a line of the kernel's log.
type logLine string

// value is that of the last "key=value". A program can give itself a
// name that looks like one, but the kernel writes the name before what matters where
// it does not encode it.
func (l logLine) value(separator, key string) (value string) {
	for field := range strings.SplitSeq(string(l), separator) {
		if v, ok := strings.CutPrefix(field, key+"="); ok {
			value = v
		}
	}
	return value
}

// logLines are the lines that hold one of the texts, since the start of the command. There are none
// where the log may not be read, or counts processes in another way than here.
func (c *Cmd) logLines(texts ...string) func(yield func(logLine) bool) {
	return func(yield func(logLine) bool) {
		if !inInitialPIDNamespace() {
			return
		}
		since := uptime() - time.Since(c.startTime) - clockSlack
		for line := range strings.Lines(kernelLog()) {
			holds := func(text string) bool { return strings.Contains(line, text) }
			if slices.ContainsFunc(texts, holds) && logTime(line) >= since && !yield(logLine(strings.TrimSpace(line))) {
				return
			}
		}
	}
}

// clockSlack is how far the log's clock and CLOCK_MONOTONIC may be apart. No
// process id comes again so soon.
const clockSlack = time.Second

// logTime is the time of a line that begins with "<6>[   12.345678]", or -1.
func logTime(line string) time.Duration {
	_, rest, _ := strings.Cut(line, "[")
	stamp, _, ok := strings.Cut(rest, "]")
	seconds, err := strconv.ParseFloat(strings.TrimSpace(stamp), 64)
	if !ok || err != nil {
		return -1
	}
	return time.Duration(seconds * float64(time.Second))
}

func uptime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// kernelLog is what the kernel's log holds, or "" if it may not be read.
func kernelLog() string {
	size, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil)
	if err != nil || size <= 0 {
		return ""
	}
	buf := make([]byte, size)
	n, err := unix.Klogctl(unix.SYSLOG_ACTION_READ_ALL, buf)
	if err != nil {
		return ""
	}
	return string(buf[:n])
}

// inInitialPIDNamespace reports whether process ids are here what they are in
// the kernel's log: PROC_PID_INIT_INO.
func inInitialPIDNamespace() bool {
	const initial = 0xeffffffc
	info, err := os.Stat("/proc/self/ns/pid")
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Ino == initial
}

// programPID is the program's process id, or 0 if it is not known. Below an init it
// is that of the first child.
func (c *Cmd) programPID() int {
	if c.nature.hasInit {
		return c.belowInit
	}
	return c.Process.Pid
}

// findProgram looks which process is the program's, if that may be asked for.
func (c *Cmd) findProgram() {
	if !c.nature.hasInit || c.nature.attr.Seccomp == nil && !c.hasMemoryLimit() {
		return
	}
	proc, err := ownproc.Open()
	if err != nil {
		return
	}
	defer proc.Close()
	if children := proc.Children(c.Process.Pid); len(children) > 0 {
		c.belowInit = children[0]
	}
}

func (c *Cmd) hasMemoryLimit() bool {
	attr := c.nature.attr
	return attr.Cgroup != nil || len(attr.CgroupV1) > 0
}
