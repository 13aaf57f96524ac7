//go:build linux

package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/doctor"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A need is a feature that a start needs, and the field that asks for it.
type need struct {
	asked     bool
	feature   string
	reference terms.Reference
}

// warnings say what a start would fail of here, as far as that can be known without it: the
// features that it needs are probed, and places are looked at.
func (f *startFlags) warnings(cmd *sprog.Cmd, words terms.Words) (list []string) {
	fresh := cmd.SysProcAttr.Cloneflags&unix.CLONE_NEWUSER != 0 || f.Join.joinsUser()
	for _, n := range slices.Concat(needsOfStart(cmd), needsOfScheduling(cmd.Attr), needsOfCgroup(cmd.Attr.Cgroup), f.needsOfView(cmd, fresh)) {
		if !n.asked {
			continue
		}
		s := doctor.Probe(n.feature)
		reason := s.Reason.In(words)
		if s.Answer == doctor.Yes && reason != "" && !fresh {
			reason = "takes " + s.Capability + ", which an ordinary user has in a new user namespace: add --unshare user"
		} else if s.Answer != doctor.No {
			continue
		}
		if n.feature == "lower-nice" { // of which one value was tried
			reason = "takes CAP_SYS_NICE, or a higher RLIMIT_NICE"
		}
		if said := words(n.reference) + ": " + reason; !slices.Contains(list, said) {
			list = append(list, said)
		}
	}
	place := f.place()
	if dir := cmd.Dir; dir != "" && place.root == "" && place.view == nil {
		if info, err := os.Stat(dir); err != nil {
			list = append(list, "--dir "+dir+": "+reasonOf(err))
		} else if !info.IsDir() {
			list = append(list, "--dir "+dir+": is not a directory")
		}
	}
	if !f.found(cmd) {
		list = append(list, cmd.Path+": the program is not there")
	}
	return list
}

// reasonOf is an error without what is known already: what was tried, and on which path.
func reasonOf(err error) string {
	_, reason, _ := strings.Cut(err.Error(), ": ")
	return reason
}

// ref is a reference to a field with a value, or without one.
func ref(field, value string) terms.Reference {
	return terms.Reference{Words: field, Field: field, Value: value}
}

// needsOfStart are the needs of all but the view.
func needsOfStart(cmd *sprog.Cmd) []need {
	sys, attr := cmd.SysProcAttr, cmd.Attr
	namespaces := sys.Cloneflags | sys.Unshareflags
	var list []need
	for _, ns := range []struct {
		flag    uintptr
		feature string
		value   string
	}{
		{unix.CLONE_NEWUSER, "user-namespaces", "CLONE_NEWUSER"}, {unix.CLONE_NEWNS, "mount-namespaces", "CLONE_NEWNS"},
		{unix.CLONE_NEWPID, "pid-namespaces", "CLONE_NEWPID"}, {unix.CLONE_NEWNET, "net-namespaces", "CLONE_NEWNET"},
		{unix.CLONE_NEWIPC, "ipc-namespaces", "CLONE_NEWIPC"}, {unix.CLONE_NEWUTS, "uts-namespaces", "CLONE_NEWUTS"},
		{unix.CLONE_NEWCGROUP, "cgroup-namespaces", "CLONE_NEWCGROUP"}, {unix.CLONE_NEWTIME, "time-namespaces", "CLONE_NEWTIME"},
	} {
		list = append(list, need{namespaces&ns.flag != 0, ns.feature, ref("SysProcAttr.Cloneflags", ns.value)})
	}
	cred, caps := sys.Credential, attr.Caps
	return append(list, []need{
		{sys.Chroot != "", "chroot", ref("SysProcAttr.Chroot", "")},
		{cred != nil && int(cred.Uid) != os.Geteuid(), "other-users", ref("SysProcAttr.Credential", "")},
		{attr.IDs != nil, "other-users", ref("Attr.IDs", "")},
		{len(sys.AmbientCaps) > 0, "ambient-capabilities", ref("SysProcAttr.AmbientCaps", "")},
		{caps != nil && caps.Bounding.Drop != nil, "bounding-set", ref("Attr.Caps.Bounding", "")},
		{attr.Securebits != nil, "securebits", ref("Attr.Securebits", "")},
		{attr.SessionKeyring != nil, "session-keyrings", ref("Attr.SessionKeyring", "")},
		{attr.ExecLabel != nil && attr.ExecLabel.SELinux != "", "selinux", ref("Attr.ExecLabel.SELinux", "")},
		{attr.ExecLabel != nil && attr.ExecLabel.AppArmor != "", "apparmor", ref("Attr.ExecLabel.AppArmor", "")},
		{attr.Seccomp != nil, "seccomp", ref("Attr.Seccomp", "")},
		{attr.MDWE, "mdwe", ref("Attr.MDWE", "")},
		{attr.MemoryMerge, "memory-merge", ref("Attr.MemoryMerge", "")},
		{attr.CoredumpFilter != nil, "coredump-filter", ref("Attr.CoredumpFilter", "")},
		{attr.THPDisable == sprog.THPDisableExceptAdvised, "huge-pages-advised", ref("Attr.THPDisable", "")},
		{attr.CoreSched != nil, "core-scheduling", ref("Attr.CoreSched", "")},
	}...)
}

func needsOfScheduling(attr *sprog.Attr) []need {
	policy := ""
	if s := attr.Scheduler; s != nil {
		policy = string(s.Policy)
	}
	nice, _ := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the nice value
	class := attr.IOPriority
	return []need{
		{attr.Nice != nil && *attr.Nice < 20-nice, "lower-nice", ref("Attr.Nice", "")},
		{policy == string(sprog.SchedFIFO) || policy == string(sprog.SchedRR), "real-time-policies", ref("Attr.Scheduler.Policy", "")},
		{policy == string(sprog.SchedDeadline), "deadline-policy", ref("Attr.Scheduler.Policy", "")},
		{policy == string(sprog.SchedExt), "extensible-policy", ref("Attr.Scheduler.Policy", "")},
		{class != nil && class.Class == sprog.IORealTime, "real-time-io", ref("Attr.IOPriority", "")},
		{attr.OOMScoreAdj != nil && *attr.OOMScoreAdj < ownOOMScore(), "oom-protection", ref("Attr.OOMScoreAdj", "")},
	}
}

// ownOOMScore is the value that a child inherits.
func ownOOMScore() int {
	text, _ := os.ReadFile("/proc/self/oom_score_adj")
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}

func needsOfCgroup(c *sprog.Cgroup) []need {
	if c == nil || c.Parent != "" {
		return nil
	}
	memory := c.MemoryMax != 0 || c.MemoryHigh != 0 || c.MemoryLow != 0 || c.MemoryMin != 0 || c.SwapMax != nil || c.OOMGroup
	return []need{
		{true, "cgroup2", ref("Attr.Cgroup", "")},
		{memory, "cgroup-memory", ref("Attr.Cgroup.MemoryMax", "")},
		{c.PidsMax != 0, "cgroup-pids", ref("Attr.Cgroup.PidsMax", "")},
		{c.CPUQuota != 0 || c.CPUWeight != 0, "cgroup-cpu", ref("Attr.Cgroup.CPUQuota", "")},
		{c.IOMax != nil || c.IOWeight != 0, "cgroup-io", ref("Attr.Cgroup.IOMax", "")},
		{c.CPUs != "" || c.Mems != "", "cgroup-cpuset", ref("Attr.Cgroup.CPUs", "")},
	}
}

// needsOfView are those of what the program sees, and of its terminal.
func (f *startFlags) needsOfView(cmd *sprog.Cmd, fresh bool) []need {
	view := cmd.Attr.Root != nil || cmd.Attr.Mounts != nil
	var proc, overlay bool
	for _, m := range cmd.Attr.Mounts {
		proc, overlay = proc || m.Proc != nil, overlay || m.Overlay != nil
	}
	return []need{
		{f.TTY, "pseudo-terminals", ref("Cmd.StartPTY", "")},
		{view && !fresh, "mounts", ref("Attr.Mounts", "")},
		{view && fresh, "view-user", ref("Attr.Mounts", "")},
		{proc && fresh, "proc-fresh", ref("Attr.Mounts.Proc", "")},
		{overlay && fresh, "overlay-user", ref("Attr.Mounts.Overlay", "")},
	}
}
