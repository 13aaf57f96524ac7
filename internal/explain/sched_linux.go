//go:build amd64 || arm64

package explain

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Scheduling and memory placement have few errnos for many reasons.

// refused reports whether a right is missing.
func (f Failure) refused() bool { return f.Errno == unix.EPERM || f.Errno == unix.EACCES }

func (f Failure) niceHint() terms.Text {
	if !f.refused() {
		return ""
	}
	n := *f.Ask.Attr.Nice
	return terms.Sprintf("a nice value of %s takes %s or a RLIMIT_NICE of %s; it is %s",
		n, f.privilege("CAP_SYS_NICE"), 20-n, f.limitOf(unix.RLIMIT_NICE))
}

func (f Failure) affinityHint() terms.Text {
	if f.Errno != unix.EINVAL {
		return ""
	}
	return terms.Sprintf("not all of the CPUs %s are online and in the child's cpuset%s", spec.FormatCPUList(sorted(f.Ask.Attr.CPUs)), places("cpu", "Cpus"))
}

func (f Failure) ioPriorityHint() terms.Text {
	if !f.refused() {
		return ""
	}
	return terms.Sprintf("IOPRIO_CLASS_RT takes %s", f.privilege("CAP_SYS_NICE or CAP_SYS_ADMIN"))
}

func (f Failure) oomScoreHint() terms.Text {
	if !f.refused() {
		return ""
	}
	own, _ := kernel.Read("/proc/self/oom_score_adj")
	return terms.Sprintf("a value below the one that is inherited, %s, takes %s", strings.TrimSpace(own), f.privilege("CAP_SYS_RESOURCE"))
}

// privilege says where a capability counts.
func (f Failure) privilege(name terms.Text) terms.Text {
	if f.Ask.Sys.Cloneflags&unix.CLONE_NEWUSER != 0 {
		return terms.Sprintf("%s in the initial user namespace, which a child in a new one does not have,", name)
	}
	return name
}

func (f Failure) policyHint() terms.Text {
	sched := f.Ask.Attr.Scheduler
	switch {
	case f.Errno == unix.EOPNOTSUPP:
		return "the kernel is built without utilisation clamps (CONFIG_UCLAMP_TASK, Linux 5.3)"
	case f.Errno == unix.EBUSY:
		return "the CPUs have not enough bandwidth left for another deadline task: {Runtime|Attr.Scheduler.Runtime}/{Period|Attr.Scheduler.Period} is too much" +
			" with what others have and what sched_rt_runtime_us in /proc/sys/kernel keeps back"
	case f.Errno == unix.EPERM && sched.Policy == spec.SchedDeadline:
		return terms.Sprintf("SCHED_DEADLINE takes %s and all CPUs of the root domain: {Attr.CPUs}, an inherited affinity or a cpuset may leave some out", f.privilege("CAP_SYS_NICE"))
	case f.Errno == unix.EPERM && sched.Policy.HasPriority():
		return terms.Sprintf("%s takes %s or a RLIMIT_RTPRIO of %s, which is %s; in a cgroup of the cpu controller also a cpu.rt_runtime_us that is not 0",
			sched.Policy, f.privilege("CAP_SYS_NICE"), sched.Priority, f.limitOf(unix.RLIMIT_RTPRIO))
	case f.Errno == unix.EPERM:
		return terms.Sprintf("a policy, or nice value, that is above the inherited one takes %s", f.privilege("CAP_SYS_NICE"))
	case f.Errno == unix.EINVAL && sched.Policy == spec.SchedDeadline:
		return "the period has to be within sched_deadline_period_min_us and sched_deadline_period_max_us of /proc/sys/kernel"
	case f.Errno == unix.EINVAL && sched.Policy == spec.SchedExt:
		return "the kernel has no SCHED_EXT (CONFIG_SCHED_CLASS_EXT, Linux 6.12)"
	case f.Errno == unix.EINVAL && (sched.UtilMin != nil || sched.UtilMax != nil):
		return "one clamp and the other, which may be inherited, are the wrong way round; or the kernel is older than 5.3, or 5.11 for {SchedUtilReset|Attr.Scheduler.UtilMin: SchedUtilReset}"
	}
	return ""
}

func (f Failure) numaHint() terms.Text {
	n := f.Ask.Attr.NUMA
	hint := ""
	switch {
	case f.Errno == unix.ENOSYS:
		return "the kernel is built without NUMA (CONFIG_NUMA), or a seccomp filter hides the call"
	case f.Errno != unix.EINVAL:
		return ""
	case n.Mode == spec.NUMAPreferredMany:
		hint = "; or the kernel is older than 5.15, which has MPOL_PREFERRED_MANY"
	case n.Mode == spec.NUMAWeightedInterleave:
		hint = "; or the kernel is older than 6.9, which has MPOL_WEIGHTED_INTERLEAVE"
	}
	return terms.Sprintf("not all of the nodes %s are online, with memory, and in the child's cpuset%s%s", spec.FormatCPUList(sorted(n.Nodes)), places("node", "Mems"), hint)
}

func (f Failure) thpHint() terms.Text {
	if f.Errno == unix.EINVAL && f.Ask.Attr.THPDisable == spec.THPDisableExceptAdvised {
		return "PR_THP_DISABLE_EXCEPT_ADVISED is there from Linux 6.18 on"
	}
	return ""
}

func (f Failure) coredumpHint() terms.Text {
	if f.Errno == unix.ENOENT {
		return "the kernel is built without core files (CONFIG_ELF_CORE)"
	}
	return ""
}

func (f Failure) mergeHint() terms.Text {
	if f.Errno == unix.EINVAL {
		return "PR_SET_MEMORY_MERGE is there from Linux 6.4 on, in kernels with CONFIG_KSM"
	}
	return ""
}

func (f Failure) mdweHint() terms.Text {
	if f.Errno == unix.EINVAL {
		return "PR_SET_MDWE is there from Linux 6.3 on"
	}
	return ""
}

func (f Failure) coreSchedHint() terms.Text {
	switch f.Errno {
	case unix.EINVAL:
		return "the kernel is built without core scheduling (CONFIG_SCHED_CORE, Linux 5.14)"
	case unix.ENODEV:
		return "no core of this machine has several threads, or SMT is off"
	case unix.ESRCH:
		return terms.Sprintf("the child sees no process %s", f.Ask.Attr.CoreSched.ShareFrom)
	case unix.EPERM:
		return terms.Sprintf("the child may not trace process %s, which that takes", f.Ask.Attr.CoreSched.ShareFrom)
	}
	return ""
}

// Sorted is a sorted copy.
func sorted(list []int) []int { return slices.Sorted(slices.Values(list)) }

// places says which CPUs or nodes there are, and which this process may use.
func places(kind, status string) (hint string) {
	if online, err := kernel.Read("/sys/devices/system/" + kind + "/online"); err == nil {
		hint += "; online are " + strings.TrimSpace(online)
	}
	text, _ := kernel.Read("/proc/self/status")
	for line := range strings.Lines(text) {
		if allowed, ok := strings.CutPrefix(line, status+"_allowed_list:"); ok {
			hint += ", this process may use " + strings.TrimSpace(allowed)
		}
	}
	if cpuset, err := kernel.Read("/proc/self/cpuset"); err == nil {
		hint += ", its cpuset is " + strings.TrimSpace(cpuset)
	}
	return hint
}

// limitOf is the soft limit that the child has for a resource.
func (f Failure) limitOf(resource int) uint64 {
	var now unix.Rlimit
	unix.Getrlimit(resource, &now)
	for _, l := range f.Ask.Attr.Rlimits {
		if l.Resource == resource {
			now.Cur = l.Cur
		}
	}
	return now.Cur
}
