//go:build amd64 || arm64

package machine

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// needsParent reports whether the child waits for the parent before it executes
// its program.
func (l *Launch) needsParent() bool { return l.Rendezvous != nil || l.Handover != nil }

// born is the child, as soon as it is made.
func (r *run) born() Result {
	return Result{Pid: int(atomic.LoadInt32(&r.pid)), PidFD: int(r.pidfd), Taken: -1}
}

// attend prepares the parent's part of the launch, for which the child waits.
// The function that it returns is called after the birth, and returns when that part
// is done. While the birth lasts until the child executes, it is done
// meanwhile, by another thread: this one waits in the kernel.
func (r *run) attend(l *Launch) (finish func() Result) {
	if !l.needsParent() || l.Flags()&unix.CLONE_VFORK == 0 {
		return func() Result {
			if r.ret < 0 {
				return Result{}
			}
			return r.serve(l)
		}
	}
	over, result := make(chan struct{}), make(chan Result, 1)
	go func() {
		if r.awaitBirth(over) {
			result <- r.serve(l)
		} else {
			result <- Result{}
		}
	}()
	return func() Result {
		close(over)
		return <-result
	}
}

// awaitBirth returns when there is a child, or when it is over and there is
// none.
func (r *run) awaitBirth(over <-chan struct{}) bool {
	for patience := 0; atomic.LoadInt32(&r.pid) == 0; patience++ {
		select {
		case <-over:
			return atomic.LoadInt32(&r.pid) != 0
		default:
			pause(patience)
		}
	}
	return true
}

// serve does the parent's part. If that fails, the child is killed.
func (r *run) serve(l *Launch) Result {
	l.note(Born)
	res := r.born()
	if l.Relay != nil {
		if res = r.relay(l, res); res.over {
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
