//go:build amd64 || arm64

package job

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/proctree"
	"golang.org/x/sys/unix"
)

// Kill kills the process and what is below it, and says how far that has reached.
func (j *Job) Kill() (Reach, error) {
	switch reach := j.Reach(); reach {
	case Descendants, Children:
		return j.hunt(reach)
	case Cgroup:
		return j.killCgroup()
	default:
		if err := j.Process.Kill(); err != nil {
			return Nothing, err
		}
		return reach, nil
	}
}

// killCgroup kills all in the command's cgroup. A process that may write to another one's
// cgroup.procs can have left it: those below the process are looked for as if there were none,
// before the cgroup's end takes from them the parents by whom they are found.
func (j *Job) killCgroup() (Reach, error) {
	below := Children
	if j.HasInit {
		below = Descendants
	}
	_, err := j.hunt(below)
	if errors.Is(err, os.ErrProcessDone) {
		return Nothing, err
	}
	// The cgroup also kills one that has become another user's.
	if cgroupErr := j.Group.Kill(); cgroupErr != nil {
		return Process, cmp.Or(err, cgroupErr)
	}
	return Cgroup, nil
}

// Reach is how far killing the tree can reach.
func (j *Job) Reach() Reach {
	switch {
	case j.firstInside:
		return Namespace
	case j.Group != nil:
		return Cgroup
	case j.HasInit:
		return Descendants
	}
	return Children
}

// hunt kills the process and its descendants one by one. What could not be killed
// keeps nobody else alive.
func (j *Job) hunt(reach Reach) (Reach, error) {
	if !j.isThere() {
		return Nothing, os.ErrProcessDone
	}
	// An init has to go on adopting; any other process must not, or it would
	// see its children die and act on it.
	if reach != Descendants {
		j.Process.Signal(unix.SIGSTOP)
	}
	err := j.killDescendants()
	if err != nil {
		reach = Process
	}
	// An init ends by itself once the program is dead.
	if killErr := j.Process.Kill(); killErr != nil && !errors.Is(killErr, os.ErrProcessDone) {
		return Nothing, fmt.Errorf("sprog: process %d: kill: %w", j.Process.Pid, killErr)
	}
	return reach, err
}

// isThere reports whether the process has not been waited for: until then its
// process id is not another's.
func (j *Job) isThere() bool { return proctree.Finds(j.Process.Signal(syscall.Signal(0))) }

// blind is why the descendants of the process are not known.
func (j *Job) blind(err error) error {
	return fmt.Errorf("sprog: the descendants of process %d cannot be found: %w", j.Process.Pid, err)
}

// killDescendants kills all descendants of the process, which goes on: an init
// adopts the orphans. What stops can be looked at in peace; what is killed
// first leaves children to others. A round in which nothing could be killed is the last.
func (j *Job) killDescendants() error {
	proc, err := ownproc.Open()
	if err != nil {
		return j.blind(err)
	}
	defer proc.Close()
	t := j.newTree(proc)
	defer t.Close()
	for deadline := plain.In(proctree.Patience); ; {
		t.Freeze(deadline)
		switch killed := t.Kill(); {
		case killed == 0:
			return t.Missed()
		case deadline.Over():
			return fmt.Errorf("sprog: process %d has got children for %v", j.Process.Pid, proctree.Patience)
		}
	}
}

// newTree is an empty tree below the process.
func (j *Job) newTree(proc ownproc.Dir) *proctree.Tree {
	return &proctree.Tree{Proc: proc, Root: j.Process.Pid, IsThere: j.isThere, Pidfds: map[int]int{}}
}
