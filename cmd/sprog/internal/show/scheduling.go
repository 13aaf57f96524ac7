//go:build linux

package show

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/inherited"
	"github.com/sprog-dev/sprog/internal/listing"
)

// limitNames are the lines of /proc/PID/limits, by the names that --rlimit takes.
var limitNames = [][2]string{
	{"Max cpu time", "cpu"}, {"Max file size", "fsize"}, {"Max data size", "data"}, {"Max stack size", "stack"},
	{"Max core file size", "core"}, {"Max resident set", "rss"}, {"Max processes", "nproc"}, {"Max open files", "nofile"},
	{"Max locked memory", "memlock"}, {"Max address space", "as"}, {"Max file locks", "locks"}, {"Max pending signals", "sigpending"},
	{"Max msgqueue size", "msgqueue"}, {"Max nice priority", "nice"}, {"Max realtime priority", "rtprio"}, {"Max realtime timeout", "rttime"},
}

// limits takes them from the file: prlimit(2) asks for more rights.
func (s *source) limits() {
	text, ok := s.file("limits", "limits")
	if !ok {
		return
	}
	for _, name := range limitNames {
		_, after, found := strings.Cut(text, "\n"+name[0])
		words := strings.Fields(after)
		if !found || len(words) < 2 {
			continue
		}
		limit := Limit{Name: name[1], Soft: bound(words[0]), Hard: bound(words[1])}
		if s.p.own && limit.Name == "nofile" && atstart.NofileKnown {
			limit.Soft = Bound(atstart.NofileCur) // package syscall has raised it
		}
		s.p.Limits = append(s.p.Limits, limit)
	}
}

func bound(word string) Bound {
	n, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		return unlimited
	}
	return Bound(n)
}

var policies = [...]string{"other", "fifo", "rr", "batch", "", "idle", "deadline", "ext"}

func (s *source) scheduling() {
	f := &s.p.Scheduling
	s.policy()
	if s.has("scheduling.cpus", "Cpus_allowed_list") {
		f.CPUs = new(s.field("Cpus_allowed_list"))
	}
	if s.has("scheduling.memory_nodes", "Mems_allowed_list") {
		f.MemoryNodes = new(s.field("Mems_allowed_list"))
	}
	if s.has("scheduling.transparent_huge_pages", "THP_enabled") {
		f.HugePages = new(s.field("THP_enabled") == "1")
	}
	f.OOMScoreAdj = s.numberIn("scheduling.oom_score_adj", "oom_score_adj")
	f.OOMScore = s.numberIn("scheduling.oom_score", "oom_score")
	s.ioPriority()
	s.timerSlack()
	s.pages()
}

// pages are what is done with the memory's pages.
func (s *source) pages() {
	if text, ok := s.file("scheduling.coredump_filter", "coredump_filter"); ok {
		n, err := strconv.ParseUint(text, 16, 32)
		if err == nil {
			s.p.Scheduling.Coredump = new(uint32(n))
		} else {
			s.lacks("scheduling.coredump_filter", unix.ENOENT) // of a thread of the kernel it is empty
		}
	}
	text, ok := s.file("scheduling.memory_merge", "ksm_stat")
	_, after, has := strings.Cut(text, "ksm_merge_any:")
	switch {
	case has:
		s.p.Scheduling.MemoryMerge = new(strings.HasPrefix(strings.TrimSpace(after), "yes"))
	case ok:
		s.lacks("scheduling.memory_merge", unix.ENOENT)
	}
}

func (s *source) policy() {
	attr, err := unix.SchedGetAttr(s.p.PID, 0)
	if err != nil {
		s.lacks("scheduling.policy", err)
		s.lacks("scheduling.nice", err)
		return
	}
	f := &s.p.Scheduling
	name := strconv.FormatUint(uint64(attr.Policy), 10)
	if int(attr.Policy) < len(policies) && policies[attr.Policy] != "" {
		name = policies[attr.Policy]
	}
	f.Policy, f.Priority, f.Nice = &name, int(attr.Priority), new(int(attr.Nice))
	f.ResetOnFork = attr.Flags&unix.SCHED_FLAG_RESET_ON_FORK != 0
	f.deadlineBits = attr.Flags & (unix.SCHED_FLAG_RECLAIM | unix.SCHED_FLAG_DL_OVERRUN)
	if name == "deadline" {
		f.Runtime, f.Deadline, f.Period = attr.Runtime, attr.Deadline, attr.Period
	}
	if attr.Util_max != 0 || attr.Util_min != 0 { // a kernel without clamps has 0 for both
		f.UtilMin, f.UtilMax = new(int(attr.Util_min)), new(int(attr.Util_max))
	} else {
		s.p.Unreadable["scheduling.util_min"] = "this kernel does not tell"
		s.p.Unreadable["scheduling.util_max"] = "this kernel does not tell"
	}
}

func (s *source) numberIn(key, name string) *int {
	text, ok := s.file(key, name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		s.lacks(key, err)
		return nil
	}
	return &n
}

// ioPriority is in the form of --ionice, or none for what the kernel derives from the nice value.
func (s *source) ioPriority() {
	const whoProcess, classShift = 1, 13
	n, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, whoProcess, uintptr(s.p.PID), 0)
	if errno != 0 {
		s.lacks("scheduling.io_priority", errno)
		return
	}
	level := ":" + strconv.Itoa(int(n&7))
	switch n >> classShift {
	case 0:
		s.p.Scheduling.IOPriority = new("none")
	case 1:
		s.p.Scheduling.IOPriority = new("realtime" + level)
	case 2:
		s.p.Scheduling.IOPriority = new("best-effort" + level)
	case 3:
		s.p.Scheduling.IOPriority = new("idle")
	}
}

func (s *source) timerSlack() {
	const key = "scheduling.timer_slack"
	if s.p.own { // a thread has that of the one that made it
		n, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err == nil {
			s.p.Scheduling.TimerSlack = new(uint64(n))
			return
		}
	}
	text, err := s.read("timerslack_ns")
	n, bad := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	switch {
	case err == unix.EPERM && !s.ended():
		s.p.Unreadable[key] = "takes CAP_SYS_NICE"
	case err != nil:
		s.lacks(key, err)
	case bad == nil:
		s.p.Scheduling.TimerSlack = &n
	}
}

// signals of the calling process are those that it was started with: the runtime has put its own
// handlers on most.
func (s *source) signals() {
	f := &s.p.Signals
	f.ignored, f.blocked = s.bits("SigIgn"), s.bits("SigBlk")
	if s.p.own {
		f.ignored, f.blocked = inherited.Signals()
		s.p.Unreadable["signals.caught"] = "these would be sprog's own"
	} else {
		f.Caught = signalNames(s.bits("SigCgt"))
	}
	f.Ignored, f.Blocked = signalNames(f.ignored), signalNames(f.blocked)
}

func signalNames(set uint64) []string {
	names := []string{}
	for sig := range 64 {
		if set>>sig&1 != 0 {
			names = append(names, strings.TrimPrefix(listing.SignalName(sig+1), "SIG"))
		}
	}
	return names
}
