//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

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
