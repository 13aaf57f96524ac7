//go:build amd64 || arm64

package change

import (
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// limit sets a resource limit.
func (p *process) limit(i int, l spec.Rlimit) *spec.Error {
	var before unix.Rlimit
	unix.Prlimit(p.pid, l.Resource, nil, &before)
	if err := unix.Prlimit(p.pid, l.Resource, &unix.Rlimit{Cur: l.Cur, Max: l.Max}, nil); err != nil {
		return &spec.Error{Step: "prlimit64", Object: listing.ResourceName(l.Resource), Field: spec.Index("Attr.Rlimits", i),
			Err: err, Hint: p.limitHint(err, l, before)}
	}
	return nil
}

// changeThread changes one thread. What has no right to the first has none to the rest, mostly.
func (p *process) changeThread(tid int, a *spec.Attr) *spec.Error {
	if a.CPUs != nil {
		if err := p.setAffinity(tid, a.CPUs); err != nil {
			return err
		}
	}
	if a.Nice != nil {
		if err := unix.Setpriority(unix.PRIO_PROCESS, tid, *a.Nice); err != nil {
			return &spec.Error{Step: "setpriority", Object: strconv.Itoa(*a.Nice), Field: "Attr.Nice", Err: err, Hint: p.niceHint(err, *a.Nice)}
		}
	}
	if s := a.Scheduler; s != nil && *s != (spec.Scheduler{}) {
		if err := setScheduler(tid, s); err != nil {
			return &spec.Error{Step: "sched_setattr", Object: string(s.Policy), Field: spec.SchedField, Err: err, Hint: p.policyHint(err, s)}
		}
	}
	if a.IOPriority != nil {
		class, _ := a.IOPriority.Class.Number()
		const whoProcess, classShift = 1, 13 // linux/ioprio.h
		if _, _, err := unix.Syscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(tid), uintptr(class<<classShift|a.IOPriority.Level)); err != 0 {
			return &spec.Error{Step: "ioprio_set", Object: string(a.IOPriority.Class), Field: spec.IOField, Err: err, Hint: p.otherHint(err, "CAP_SYS_NICE")}
		}
	}
	return nil
}

// setAffinity sets the CPUs. The kernel leaves out those that are offline, or not in the
// process's cpuset, as long as there is another: then it is as it was, and an error.
func (p *process) setAffinity(tid int, cpus []int) *spec.Error {
	var before, got [spec.MostCPUs / 64]uint64
	mask := make([]uint64, slices.Max(cpus)/64+1)
	for _, n := range cpus {
		mask[n/64] |= 1 << (n % 64)
	}
	n, _ := affinity(unix.SYS_SCHED_GETAFFINITY, tid, before[:])
	_, err := affinity(unix.SYS_SCHED_SETAFFINITY, tid, mask)
	if err == 0 {
		_, err = affinity(unix.SYS_SCHED_GETAFFINITY, tid, got[:])
		for i, word := range mask {
			if err == 0 && word&^got[i] != 0 {
				affinity(unix.SYS_SCHED_SETAFFINITY, tid, before[:max(n/8, 1)])
				err = unix.EINVAL
			}
		}
	}
	if err != 0 {
		return &spec.Error{Step: "sched_setaffinity", Object: spec.FormatCPUList(sorted(cpus)), Field: "Attr.CPUs", Err: err, Hint: p.affinityHint(err, cpus)}
	}
	return nil
}

func sorted(list []int) []int { return slices.Sorted(slices.Values(list)) }

func affinity(call uintptr, tid int, mask []uint64) (int, unix.Errno) {
	n, _, err := unix.Syscall(call, uintptr(tid), uintptr(8*len(mask)), uintptr(unsafe.Pointer(&mask[0])))
	return int(n), err
}

// setScheduler sets policy, parameters and clamps. With a policy goes a nice value: the one
// that the thread has.
func setScheduler(tid int, s *spec.Scheduler) error {
	attr := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Flags: s.Flags(), Priority: uint32(s.Priority), Runtime: uint64(s.Runtime)}
	policy, _ := s.Policy.Number()
	attr.Policy = uint32(policy)
	deadline, period := s.DeadlineAndPeriod()
	attr.Deadline, attr.Period = uint64(deadline), uint64(period)
	if s.UtilMin != nil {
		attr.Util_min = uint32(*s.UtilMin)
	}
	if s.UtilMax != nil {
		attr.Util_max = uint32(*s.UtilMax)
	}
	if s.Policy.HasNice() {
		own, err := unix.SchedGetAttr(tid, 0)
		if err != nil {
			return err
		}
		attr.Nice = own.Nice
	}
	return unix.SchedSetAttr(tid, attr, 0)
}

// setOOMScore writes the file that is in /proc, of the process whose pidfd is open.
func (p *process) setOOMScore(n int) *spec.Error {
	value := strconv.Itoa(n)
	fd, err := p.proc.OpenFile(p.pid, "oom_score_adj", unix.O_WRONLY)
	if err == nil {
		_, err = unix.Write(fd, []byte(value))
		unix.Close(fd)
	}
	if err != nil {
		return &spec.Error{Step: "write", Object: "oom_score_adj " + value, Field: spec.OOMField, Err: err, Hint: p.oomHint(err)}
	}
	return nil
}

// noSuch is the reason where a number is nobody's.
func noSuch(err error) terms.Text {
	if err == unix.EINVAL {
		return "it is a thread, or no number of a process"
	}
	return ""
}
