//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// willBeRealTime reports whether the child will have a real-time policy: the one that is
// asked for, or this thread's.
func willBeRealTime(r *spec.Start) bool {
	if s := r.Attr.Scheduler; s != nil && s.Policy != "" {
		return s.Policy.HasPriority()
	}
	own, err := unix.SchedGetAttr(0, 0)
	return err == nil && (own.Policy == unix.SCHED_FIFO || own.Policy == unix.SCHED_RR)
}

func (b *builder) nice() {
	if n := b.ask.Attr.Nice; n != nil {
		b.add("Attr.Nice", program.Setpriority, num(unix.PRIO_PROCESS), num(0), num(*n))
	}
}

// Members of struct sched_attr, by their offsets.
const (
	schedAttrSize = 56
	schedAttrNice = 16 // and the priority after it
)

func (b *builder) scheduler() {
	s, p := b.ask.Attr.Scheduler, b.p
	if s == nil || *s == (spec.Scheduler{}) {
		return
	}
	attr := schedAttr(s, p)
	if s.Policy.HasNice() {
		// With the policy goes a nice value, and 0 would not be the one that
		// the child has.
		own, nice := p.Buffer(schedAttrSize), attr.Plus(schedAttrNice)
		p.Label(own, "own")
		p.Label(nice, "own.sched_nice")
		b.add(spec.SchedField, program.SchedGetattr, num(0), own, num(schedAttrSize), num(0))
		p.Copy(spec.SchedField, own.Plus(schedAttrNice), nice)
	}
	b.add(spec.SchedField, program.SchedSetattr, num(0), attr, num(0))
}

// schedAttr adds the struct sched_attr.
func schedAttr(s *spec.Scheduler, p *program.Program) program.Arg {
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
	deadline, period := s.DeadlineAndPeriod()
	policy, _ := s.Policy.Number()
	return p.Words(schedAttrSize|uint64(policy)<<32, flags, uint64(s.Priority)<<32,
		uint64(s.Runtime), uint64(deadline), uint64(period), clamps)
}
