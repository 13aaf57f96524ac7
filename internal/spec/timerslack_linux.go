//go:build amd64 || arm64

package spec

import "github.com/sprog-dev/sprog/internal/terms"

func (r *Start) checkTimerSlack() *Error {
	slack, s := r.Attr.TimerSlack, r.Attr.Scheduler
	switch {
	case slack < 0:
		return Invalid("Attr.TimerSlack", slack.String(), "is negative")
	case slack > 0 && s != nil && (s.Policy.HasPriority() || s.Policy == SchedDeadline):
		return Invalid("Attr.TimerSlack", slack.String(), terms.Sprintf("cannot be had with %s, whose timers have no slack", s.Policy))
	}
	return nil
}
