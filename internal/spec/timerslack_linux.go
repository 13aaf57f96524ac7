//go:build amd64 || arm64

package spec

func (r *Start) checkTimerSlack() *Error {
	slack, s := r.Attr.TimerSlack, r.Attr.Scheduler
	switch {
	case slack < 0:
		return Invalid("Attr.TimerSlack", slack.String(), "is negative")
	case slack > 0 && s != nil && (s.Policy.HasPriority() || s.Policy == SchedDeadline):
		return Invalid("Attr.TimerSlack", slack.String(), "cannot be had with "+string(s.Policy)+", whose timers have no slack")
	}
	return nil
}
