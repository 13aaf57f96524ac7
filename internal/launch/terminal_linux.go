//go:build amd64 || arm64

package launch

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// A terminal is what has to be put back if a start with Foreground fails after
// the child has become the terminal's foreground group.
type terminal struct {
	group int // the foreground group before, or 0
}

func (t *terminal) remember(sys *syscall.SysProcAttr) {
	t.group = 0
	if sys.Foreground {
		if group, err := unix.IoctlGetInt(sys.Ctty, unix.TIOCGPGRP); err == nil {
			t.group = group
		}
	}
}

// restore gives the terminal back. The caller's group is in the background if
// the child's was made the foreground, so SIGTTOU has to be blocked.
func (t *terminal) restore(sys *syscall.SysProcAttr) {
	if t.group <= 0 {
		return
	}
	now, err := unix.IoctlGetInt(sys.Ctty, unix.TIOCGPGRP)
	if err != nil || now == t.group {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old unix.Sigset_t
	block := unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGTTOU - 1)}}
	if unix.PthreadSigmask(unix.SIG_BLOCK, &block, &old) != nil {
		return
	}
	unix.IoctlSetPointerInt(sys.Ctty, unix.TIOCSPGRP, t.group)
	unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
}
