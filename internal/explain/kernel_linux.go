//go:build amd64 || arm64

package explain

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// missingCallHint is for a call that is answered as if it did not exist.
func (f Failure) missingCallHint() terms.Text {
	if f.Errno != unix.ENOSYS {
		return ""
	}
	has := ""
	if since, ok := program.CallNamed(f.E.Step).Since(); ok {
		has = fmt.Sprintf("Linux has %s from %d.%d on", f.E.Step, since[0], since[1])
		if name, _, _, known := kernel.Release(); known && kernel.OlderThan(since[0], since[1]) {
			return terms.Sprintf("%s, and this is %s", has, name)
		}
		has += "; "
	}
	if kernel.Filtered() {
		return terms.Sprintf("%slikely the seccomp filter that is in force for this process answers so: see Seccomp in /proc/self/status", has)
	}
	return terms.Sprintf("%slikely this kernel is built without it", has)
}

// filterHint is for what filters deny that others set, as those of containers do,
// and that nothing else explains.
func (f Failure) filterHint() terms.Text {
	if f.Errno != unix.EPERM && f.Errno != unix.EACCES || !program.CallNamed(f.E.Step).OftenFiltered() || !kernel.Filtered() {
		return ""
	}
	return "likely the seccomp filter that is in force for this process denies it, as those of containers do: see Seccomp in /proc/self/status"
}

// processesHint explains EAGAIN of clone: see clone(2).
func (f Failure) processesHint() terms.Text {
	if f.CgroupSays != "" {
		return "" // it knows better
	}
	if f.Born {
		return f.processesOfUserHint()
	}
	if name := cgroup.Full(); name != "" {
		return terms.Sprintf("the cgroup %s has as many processes and threads as its pids.max allows", name)
	}
	var now unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NPROC, &now)
	bound := !kernel.HasCap(unix.CAP_SYS_RESOURCE) && !kernel.HasCap(unix.CAP_SYS_ADMIN)
	if bound && now.Cur != unix.RLIM_INFINITY && uint64(threadsOf(os.Getuid())) >= now.Cur {
		return terms.Sprintf("user %s has as many processes and threads as RLIMIT_NPROC allows, which is %s", os.Getuid(), now.Cur)
	}
	for _, name := range []string{"threads-max", "pid_max"} {
		if most, err := strconv.Atoi(kernel.Sysctl("kernel/" + name)); err == nil && allThreads() >= most-1 {
			return terms.Sprintf("the machine has as many processes and threads as kernel.%s allows, which is %s", name, most)
		}
	}
	return "processes and threads are limited by RLIMIT_NPROC for each user, pids.max of each cgroup, kernel.threads-max and kernel.pid_max"
}

// processesOfUserHint is for the clone of an init, after the child's credentials and
// limits are set.
func (f Failure) processesOfUserHint() terms.Text {
	who, most := f.Viewer(), f.limitOf(unix.RLIMIT_NPROC)
	if !who.Known || who.UID == 0 || most == unix.RLIM_INFINITY {
		return ""
	}
	return terms.Sprintf("likely RLIMIT_NPROC: it allows user %s no more than %s processes and threads, and the init is one of them", who.UID, most)
}

// threadsOf counts the threads of a user, as far as they are to be seen in
// reasonable time.
func threadsOf(uid int) (n int) {
	for pid := range processes() {
		text, _ := kernel.Read("/proc/" + pid + "/status")
		if w := strings.Fields(kernel.StatusLine(text, "Uid")); len(w) > 0 && w[0] == spec.Itoa(uid) {
			threads, _ := strconv.Atoi(strings.TrimSpace(kernel.StatusLine(text, "Threads")))
			n += threads
		}
	}
	return n
}

// allThreads is how many there are on the machine.
func allThreads() int {
	text, _ := kernel.Read("/proc/loadavg")
	if w := strings.Fields(text); len(w) > 3 {
		_, all, _ := strings.Cut(w[3], "/")
		n, _ := strconv.Atoi(all)
		return n
	}
	return 0
}

// HintOfSignal is for a child that the kernel has killed.
func (f Failure) HintOfSignal() terms.Text {
	executing := strings.HasPrefix(f.E.Step, "exec")
	switch {
	case f.E.Signal == unix.SIGSYS && len(f.Ask.Filters) > 0 && executing:
		return terms.Sprintf("a filter of {Attr.Seccomp} kills for %s, which executes the program", f.E.Step)
	case f.E.Signal == unix.SIGSYS:
		return terms.Sprintf("a seccomp filter in force kills for %s", f.E.Step)
	case f.E.Signal == unix.SIGXCPU:
		return "RLIMIT_CPU leaves it no time"
	}
	return ""
}
