//go:build amd64 || arm64

package machine

import "sync/atomic"

// has notes that there is a child.
func (l *Launch) has(child Result) {
	l.Stop.has(child)
	if l.Told != nil && child.Pid > 0 {
		l.Told(child.Pid)
	}
	if l.UntilEnd != nil {
		l.UntilEnd.Began(child.Pid)
	}
}

// serve does the parent's part. If that fails, the child is killed.
func (r *run) serve(l *Launch) Result {
	l.note(Born)
	res := r.born()
	res.stop = l.Stop
	l.has(res)
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

// toSibling waits for the end of the first child and returns the second, or how
// the first has failed. The first leaves nothing behind: what it has done so far
// is the second's now.
func (r *run) toSibling(l *Launch, first Result) Result {
	first = first.reap(InChild)
	h := l.Sibling
	pid := int(atomic.LoadUint32(word32(l.Program, h.Pid)))
	if pid == 0 {
		first = r.progress(first)
		first.over = true
		return first
	}
	r.left = word32(l.Program, h.Left)
	second := Result{Pid: pid, PidFD: int(int32(atomic.LoadUint32(word32(l.Program, h.PidFD)))), Taken: -1, stop: l.Stop}
	l.has(second)
	return second
}
