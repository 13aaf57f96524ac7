//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) nice() {
	if n := b.ask.Attr.Nice; n != nil {
		b.add("Attr.Nice", program.Setpriority, Num(unix.PRIO_PROCESS), Num(0), Num(*n))
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
		b.add(spec.SchedField, program.SchedGetattr, Num(0), own, Num(schedAttrSize), Num(0))
		p.Copy(spec.SchedField, own.Plus(schedAttrNice), nice)
	}
	b.add(spec.SchedField, program.SchedSetattr, Num(0), attr, Num(0))
}

// schedAttr adds the struct sched_attr.
func schedAttr(s *spec.Scheduler, p *program.Program) program.Arg {
	var clamps uint64
	if s.UtilMin != nil {
		clamps |= uint64(uint32(*s.UtilMin))
	}
	if s.UtilMax != nil {
		clamps |= uint64(uint32(*s.UtilMax)) << 32
	}
	deadline, period := s.DeadlineAndPeriod()
	policy, _ := s.Policy.Number()
	return p.Words(schedAttrSize|uint64(policy)<<32, s.Flags(), uint64(s.Priority)<<32,
		uint64(s.Runtime), uint64(deadline), uint64(period), clamps)
}
