//go:build amd64 || arm64

package spec

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// Number is the kernel's for a policy; "" is the one that everybody has.
func (p SchedPolicy) Number() (n int, known bool) {
	n, known = map[SchedPolicy]int{
		"": unix.SCHED_NORMAL, SchedOther: unix.SCHED_NORMAL, SchedBatch: unix.SCHED_BATCH, SchedIdle: unix.SCHED_IDLE, SchedFIFO: unix.SCHED_FIFO,
		SchedRR: unix.SCHED_RR, SchedDeadline: unix.SCHED_DEADLINE, SchedExt: unix.SCHED_EXT,
	}[p]
	return n, known
}

// HasNice reports whether sched_setattr sets the nice value along with the
// policy.
func (p SchedPolicy) HasNice() bool { return p == SchedOther || p == SchedBatch || p == SchedExt }

// HasPriority reports whether the policy takes one.
func (p SchedPolicy) HasPriority() bool { return p == SchedFIFO || p == SchedRR }

// Flags are the sched_flags that go with it.
func (s *Scheduler) Flags() (flags uint64) {
	for _, f := range []struct {
		set  bool
		flag uint64
	}{
		{s.Policy == "", unix.SCHED_FLAG_KEEP_ALL}, {s.ResetOnFork, unix.SCHED_FLAG_RESET_ON_FORK},
		{s.Reclaim, unix.SCHED_FLAG_RECLAIM}, {s.Overrun, unix.SCHED_FLAG_DL_OVERRUN},
		{s.UtilMin != nil, unix.SCHED_FLAG_UTIL_CLAMP_MIN}, {s.UtilMax != nil, unix.SCHED_FLAG_UTIL_CLAMP_MAX},
	} {
		if f.set {
			flags |= f.flag
		}
	}
	return flags
}

func (r *Start) checkNice() *Error {
	if n := r.Attr.Nice; n != nil && (*n < -20 || *n > 19) {
		return Invalid("Attr.Nice", strconv.Itoa(*n), "is not from -20 to 19")
	}
	return nil
}

func (r *Start) checkScheduler() *Error {
	s := r.Attr.Scheduler
	if s == nil {
		return nil
	}
	if _, known := s.Policy.Number(); !known {
		return Invalid(SchedField+".Policy", strconv.Quote(string(s.Policy)), "is no policy")
	}
	if s.hasDeadline() && s.Policy != SchedDeadline {
		return Invalid(SchedField, "", "has parameters that only SCHED_DEADLINE takes")
	}
	switch name := SchedField + ".Priority"; {
	case s.Policy.HasPriority() && (s.Priority < 1 || s.Priority > 99):
		return Invalid(name, strconv.Itoa(s.Priority), terms.Sprintf("is not from 1 to 99, as %s needs it", s.Policy))
	case !s.Policy.HasPriority() && s.Priority != 0:
		return Invalid(name, strconv.Itoa(s.Priority), "needs SCHED_FIFO or SCHED_RR")
	case s.ResetOnFork && s.Policy == "":
		return Invalid(SchedField+".ResetOnFork", "", "needs a {Policy|Attr.Scheduler.Policy}")
	case s.ResetOnFork && r.Attr.Init != nil:
		return Invalid(SchedField+".ResetOnFork", "", "cannot be combined with {Attr.Init}: the program, a child of the init, would lose the policy")
	case s.Policy == SchedDeadline && r.Attr.Init != nil:
		return Invalid(SchedField, string(s.Policy), "cannot be combined with {Attr.Init}: a process with this policy has no children")
	case s.Policy == SchedDeadline:
		return s.checkDeadline()
	}
	return s.checkClamps()
}

func (s *Scheduler) hasDeadline() bool {
	return s.Runtime != 0 || s.Deadline != 0 || s.Period != 0 || s.Reclaim || s.Overrun
}

func (s *Scheduler) checkDeadline() *Error {
	const least = 1024 * time.Nanosecond
	deadline, period := s.DeadlineAndPeriod()
	switch {
	case s.Runtime < least:
		return Invalid(SchedField+".Runtime", s.Runtime.String(), "is less than the kernel takes, 1.024µs")
	case deadline == 0:
		return Invalid(SchedField+".Deadline", "", "is missing, and so is {Period|Attr.Scheduler.Period}")
	case s.Runtime > deadline:
		return Invalid(SchedField+".Runtime", s.Runtime.String(), terms.Sprintf("is longer than the deadline, %s", deadline))
	case deadline > period:
		return Invalid(SchedField+".Deadline", deadline.String(), terms.Sprintf("is longer than the period, %s", period))
	}
	return s.checkClamps()
}

// DeadlineAndPeriod are what they come to: each stands for the other.
func (s *Scheduler) DeadlineAndPeriod() (deadline, period time.Duration) {
	deadline, period = s.Deadline, s.Period
	if deadline == 0 {
		deadline = period
	}
	if period == 0 {
		period = deadline
	}
	return deadline, period
}

func (s *Scheduler) checkClamps() *Error {
	const most = 1024
	for _, clamp := range []struct {
		name  string
		value *int
	}{{"UtilMin", s.UtilMin}, {"UtilMax", s.UtilMax}} {
		if v := clamp.value; v != nil && (*v < SchedUtilReset || *v > most) {
			return Invalid(SchedField+"."+clamp.name, strconv.Itoa(*v), "is not from 0 to 1024, and not {SchedUtilReset|Attr.Scheduler.UtilMin: SchedUtilReset}")
		}
	}
	if s.UtilMin != nil && s.UtilMax != nil && *s.UtilMax != SchedUtilReset && *s.UtilMin > *s.UtilMax {
		return Invalid(SchedField+".UtilMin", strconv.Itoa(*s.UtilMin), terms.Sprintf("is above {UtilMax|Attr.Scheduler.UtilMax}, %s", *s.UtilMax))
	}
	return nil
}

// throttled reports whether the child may have to wait for long in the middle
// of a system call: it must not share memory then, whose lock it may hold.
func (s *Scheduler) throttled() bool { return s != nil && s.Policy == SchedDeadline }
