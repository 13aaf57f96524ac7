//go:build amd64 || arm64

package machine

import (
	"sync/atomic"

	"github.com/sprog-dev/sprog/internal/program"
)

// A Sibling says where the first child makes a second one, a sibling of its own
// (CLONE_PARENT), and ends. The sibling goes on with the program. It is for what
// a process cannot do to itself, such as to enter a PID namespace. The step
// is marked as such in the program. All are words of the program's data.
type Sibling struct {
	// Pid receives the second child's number. It is 0 as long as there is none.
	Pid program.Arg
	// PidFD receives its pidfd, and is -1 without one.
	PidFD program.Arg
	// Left is cleared when it has left the parent's memory, and not 0 before.
	Left program.Arg
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
	l.Stop.has(second)
	return second
}
