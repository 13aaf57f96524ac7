//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// number is the kernel's for a policy; "" is the one that everybody has.
func (p SchedPolicy) number() (n int, known bool) {
	n, known = map[SchedPolicy]int{
		"": unix.SCHED_NORMAL, SchedOther: unix.SCHED_NORMAL, SchedBatch: unix.SCHED_BATCH, SchedIdle: unix.SCHED_IDLE, SchedFIFO: unix.SCHED_FIFO,
		SchedRR: unix.SCHED_RR, SchedDeadline: unix.SCHED_DEADLINE, SchedExt: unix.SCHED_EXT,
	}[p]
	return n, known
}

// hasNice reports whether sched_setattr sets the nice value along with the
// policy.
func (p SchedPolicy) hasNice() bool { return p == SchedOther || p == SchedBatch || p == SchedExt }

func (p SchedPolicy) hasPriority() bool { return p == SchedFIFO || p == SchedRR }

const schedField = "Attr.Scheduler"

func (r *request) checkNice() *StartError {
	if n := r.attr.Nice; n != nil && (*n < -20 || *n > 19) {
		return invalidf("Attr.Nice", strconv.Itoa(*n), "is not from -20 to 19")
	}
	return nil
}

func (r *request) checkScheduler() *StartError {
	s := r.attr.Scheduler
	if s == nil {
		return nil
	}
	if _, known := s.Policy.number(); !known {
		return invalidf(schedField+".Policy", strconv.Quote(string(s.Policy)), "is no policy")
	}
	if s.hasDeadline() && s.Policy != SchedDeadline {
		return invalidf(schedField, "", "has parameters that only SCHED_DEADLINE takes")
	}
	switch name := schedField + ".Priority"; {
	case s.Policy.hasPriority() && (s.Priority < 1 || s.Priority > 99):
		return invalidf(name, strconv.Itoa(s.Priority), "is not from 1 to 99, as "+string(s.Policy)+" needs it")
	case !s.Policy.hasPriority() && s.Priority != 0:
		return invalidf(name, strconv.Itoa(s.Priority), "needs SCHED_FIFO or SCHED_RR")
	case s.ResetOnFork && s.Policy == "":
		return invalidf(schedField+".ResetOnFork", "", "needs a Policy")
	case s.ResetOnFork && r.attr.Init != nil:
		return invalidf(schedField+".ResetOnFork", "", "cannot be combined with Attr.Init: the program, a child of the init, would lose the policy")
	case s.Policy == SchedDeadline && r.attr.Init != nil:
		return invalidf(schedField, string(s.Policy), "cannot be combined with Attr.Init: a process with this policy has no children")
	case s.Policy == SchedDeadline:
		return s.checkDeadline()
	}
	return s.checkClamps()
}

func (s *Scheduler) hasDeadline() bool {
	return s.Runtime != 0 || s.Deadline != 0 || s.Period != 0 || s.Reclaim || s.Overrun
}

func (s *Scheduler) checkDeadline() *StartError {
	const least = 1024 * time.Nanosecond
	deadline, period := s.deadlineAndPeriod()
	switch {
	case s.Runtime < least:
		return invalidf(schedField+".Runtime", s.Runtime.String(), "is less than the kernel takes, 1.024µs")
	case deadline == 0:
		return invalidf(schedField+".Deadline", "", "is missing, and so is Period")
	case s.Runtime > deadline:
		return invalidf(schedField+".Runtime", s.Runtime.String(), "is longer than the deadline, "+deadline.String())
	case deadline > period:
		return invalidf(schedField+".Deadline", deadline.String(), "is longer than the period, "+period.String())
	}
	return s.checkClamps()
}

func (s *Scheduler) deadlineAndPeriod() (deadline, period time.Duration) {
	deadline, period = s.Deadline, s.Period
	if deadline == 0 {
		deadline = period
	}
	if period == 0 {
		period = deadline
	}
	return deadline, period
}

func (s *Scheduler) checkClamps() *StartError {
	const most = 1024
	for _, clamp := range []struct {
		name  string
		value *int
	}{{"UtilMin", s.UtilMin}, {"UtilMax", s.UtilMax}} {
		if v := clamp.value; v != nil && (*v < SchedUtilReset || *v > most) {
			return invalidf(schedField+"."+clamp.name, strconv.Itoa(*v), "is not from 0 to 1024, and not SchedUtilReset")
		}
	}
	if s.UtilMin != nil && s.UtilMax != nil && *s.UtilMax != SchedUtilReset && *s.UtilMin > *s.UtilMax {
		return invalidf(schedField+".UtilMin", strconv.Itoa(*s.UtilMin), "is above UtilMax, "+strconv.Itoa(*s.UtilMax))
	}
	return nil
}

// throttled reports whether the child may have to wait for long in the middle
// of a system call: it must not share memory then, whose lock it may hold.
func (s *Scheduler) throttled() bool { return s != nil && s.Policy == SchedDeadline }

// willBeRealTime reports whether the child will have a real-time policy: the one that is
// asked for, or this thread's.
func willBeRealTime(r *request) bool {
	if s := r.attr.Scheduler; s != nil && s.Policy != "" {
		return s.Policy.hasPriority()
	}
	own, err := unix.SchedGetAttr(0, 0)
	return err == nil && (own.Policy == unix.SCHED_FIFO || own.Policy == unix.SCHED_RR)
}

func (b *builder) nice() {
	if n := b.ask.attr.Nice; n != nil {
		b.add("Attr.Nice", program.Setpriority, num(unix.PRIO_PROCESS), num(0), num(*n))
	}
}

// Members of struct sched_attr, by their offsets.
const (
	schedAttrSize = 56
	schedAttrNice = 16 // and the priority after it
)

func (b *builder) scheduler() {
	s, p := b.ask.attr.Scheduler, b.p
	if s == nil || *s == (Scheduler{}) {
		return
	}
	attr := schedAttr(s, p)
	if s.Policy.hasNice() {
		// With the policy goes a nice value, and 0 would not be the one that
		// the child has.
		own, nice := p.Buffer(schedAttrSize), attr.Plus(schedAttrNice)
		p.Label(own, "own")
		p.Label(nice, "own.sched_nice")
		b.add(schedField, program.SchedGetattr, num(0), own, num(schedAttrSize), num(0))
		p.Copy(schedField, own.Plus(schedAttrNice), nice)
	}
	b.add(schedField, program.SchedSetattr, num(0), attr, num(0))
}

// schedAttr adds the struct sched_attr.
func schedAttr(s *Scheduler, p *program.Program) program.Arg {
	var flags, clamps uint64
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
	if s.UtilMin != nil {
		clamps |= uint64(uint32(*s.UtilMin))
	}
	if s.UtilMax != nil {
		clamps |= uint64(uint32(*s.UtilMax)) << 32
	}
	deadline, period := s.deadlineAndPeriod()
	policy, _ := s.Policy.number()
	return p.Words(schedAttrSize|uint64(policy)<<32, flags, uint64(s.Priority)<<32,
		uint64(s.Runtime), uint64(deadline), uint64(period), clamps)
}
