//go:build amd64 || arm64

package machine

import "sync/atomic"

// needsParent reports whether the child waits for the parent before it executes
// its program.
func (l *Launch) needsParent() bool { return l.Rendezvous != nil || l.Handover != nil }

// born is the child, as soon as it is made.
func (r *run) born() Result {
	return Result{Pid: int(atomic.LoadInt32(&r.pid)), PidFD: int(r.pidfd), Taken: -1}
}

// serve does the parent's part. If that fails, the child is killed.
func (r *run) serve(l *Launch) Result {
	l.note(Born)
	res := r.born()
	res.stop = l.Stop
	l.Stop.has(res)
	if l.Sibling != nil {
		if res = r.toSibling(l, res); res.over {
			return res
		}
	}
	res.Err = r.meet(l, res.Pid)
	l.note(Met)
	if res.Err != nil {
		res.Place = AtMeeting
	} else if res.Err = r.takeOver(l, &res); res.Err != nil {
		res.Place = AtHandover
	}
	l.note(Taken)
	if res.Err != nil {
		res.ended = isDead(res.Pid)
		res.kill()
	}
	return res
}
