//go:build amd64 || arm64

// Package klog reads what the kernel tells in its log and in its audit records, and nowhere else: which system call
// a filter has killed a process for or refused, what Landlock has denied, and for which cgroup the OOM killer
// has killed a process.
package klog

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/seccomp"
)

// Programs have a hand in the log:
// mount(2) logs options that are unknown, new lines in them included, in any user namespace. So the
// log is read from /dev/kmsg, record by record; only the kernel's own count, and only by how they begin.

// DeniedCall is the system call that a filter has killed a process for since a time, or
// "". The record is that of audit_seccomp in the kernel's kernel/auditsc.c.
func DeniedCall(process int, since time.Time) (call string) {
	pid := strconv.Itoa(process)
	for text := range texts(since, beginning(auditSeccomp)) {
		if text.last(" ", "sig") != strconv.Itoa(int(unix.SIGSYS)) || text.last(" ", "pid") != pid {
			continue
		}
		if name, ok := text.call(); ok {
			call = name
		}
	}
	return call
}

// call is the system call that a filter's record is about.
func (l logText) call() (name string, ok bool) {
	arch, _ := strconv.ParseUint(l.last(" ", "arch"), 16, 32)
	number, err := strconv.Atoi(l.last(" ", "syscall"))
	if err != nil {
		return "", false
	}
	return seccomp.CallName(uint32(arch), number), true
}

// Readable reports whether this process may read the log.
func Readable() bool {
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil && InInitialPIDNamespace()
}

// OOMKill tells whether the log says that the OOM killer has killed a
// process since a time, and for which cgroup's limit; "" is one that is not known.
func OOMKill(process int, since time.Time) (cgroup string, killed bool) {
	pid := strconv.Itoa(process)
	const which = "oom-kill:constraint=" // left out where there are many
	victim := "Killed process " + pid + " ("
	known := false
	for text := range texts(since, which, "Memory cgroup out of memory: "+victim, "Out of memory: "+victim, victim) {
		switch {
		case !strings.HasPrefix(string(text), which):
			killed = true
			if !known && strings.HasPrefix(string(text), "Out of memory: ") {
				cgroup = "/"
			}
		case text.last(",", "pid") == pid:
			cgroup, killed, known = text.first(",", "oom_memcg"), true, true
			if cgroup == "" { // the machine's memory, or a node's
				cgroup = "/"
			}
		}
	}
	return cgroup, killed
}

// A logText is what a record of the kernel's log says.
type logText string

// last is the value of the last "key=value". A program can give itself a
// name that looks like one, but the kernel writes the name before what is asked for by this,
// where it does not encode it.
func (l logText) last(separator, key string) (value string) {
	for v := range l.values(separator, key) {
		value = v
	}
	return value
}

// first is the value of the first, for what is written before the name.
func (l logText) first(separator, key string) string {
	for v := range l.values(separator, key) {
		return v
	}
	return ""
}

func (l logText) values(separator, key string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for field := range strings.SplitSeq(string(l), separator) {
			if v, ok := strings.CutPrefix(field, key+"="); ok && !yield(v) {
				return
			}
		}
	}
}

// texts are those that begin with one of the beginnings, since a time. There are none
// where the log may not be read, or counts processes in another way than here.
func texts(from time.Time, beginnings ...string) func(yield func(logText) bool) {
	return func(yield func(logText) bool) {
		if !InInitialPIDNamespace() {
			return
		}
		since := uptime() - time.Since(from) - clockSlack
		for record := range Records {
			at, text, ok := record.read()
			begins := func(beginning string) bool { return strings.HasPrefix(string(text), beginning) }
			if ok && at >= since && slices.ContainsFunc(beginnings, begins) && !yield(text) {
				return
			}
		}
	}
}

// clockSlack is how far the log's clock and CLOCK_MONOTONIC may be apart. No
// process id comes again so soon.
const clockSlack = time.Second

// A Record is "6,339,5140900,-;text", and what the text is about in further lines
// (Documentation/ABI/testing/dev-kmsg in the kernel).
type Record string

// read returns when the record was made and what it says, if the kernel has made it. The number
// that it begins with has a facility above the three bits of its level: what is written to
// /dev/kmsg has never the kernel's, which is 0.
func (r Record) read() (at time.Duration, text logText, ok bool) {
	head, rest, _ := strings.Cut(string(r), ";")
	fields := strings.Split(head, ",")
	line, _, _ := strings.Cut(rest, "\n")
	if len(fields) < 3 {
		return 0, "", false
	}
	priority, err := strconv.ParseUint(fields[0], 10, 32)
	since, timeErr := strconv.ParseInt(fields[2], 10, 64)
	return time.Duration(since) * time.Microsecond, logText(line), err == nil && timeErr == nil && priority>>3 == 0
}

func uptime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// Records are the records that the kernel's log holds. There are none if it may not be read.
func Records(yield func(Record) bool) {
	const most = 32 << 10 // PRINTK_MESSAGE_MAX is 2 KiB, of which each byte can be written as four
	fd, err := unix.Open("/dev/kmsg", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	for buf := make([]byte, most); ; {
		n, err := unix.Read(fd, buf)
		switch {
		case err == unix.EPIPE || err == unix.EINTR: // records have been overwritten meanwhile
		case err != nil || n == 0 || !yield(Record(buf[:n])):
			return
		}
	}
}

// InInitialPIDNamespace reports whether process ids are here what they are in
// the kernel's log: PROC_PID_INIT_INO.
func InInitialPIDNamespace() bool {
	const initial = 0xeffffffc
	return inode("/proc/self/ns/pid") == initial
}

// inode is a file's number, or 0.
func inode(path string) uint64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ino
}
