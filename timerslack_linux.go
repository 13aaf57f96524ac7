//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

func (r *request) checkTimerSlack() *StartError {
	slack, s := r.attr.TimerSlack, r.attr.Scheduler
	switch {
	case slack < 0:
		return invalidf("Attr.TimerSlack", slack.String(), "is negative")
	case slack > 0 && s != nil && (s.Policy.hasPriority() || s.Policy == SchedDeadline):
		return invalidf("Attr.TimerSlack", slack.String(), "cannot be had with "+string(s.Policy)+", whose timers have no slack")
	}
	return nil
}

func (b *builder) timerSlack() {
	if b.ask.attr.TimerSlack > 0 {
		b.add("Attr.TimerSlack", program.Prctl, num(unix.PR_SET_TIMERSLACK), num(b.ask.attr.TimerSlack))
	}
}
