//go:build amd64 || arm64

package launch

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Terminal is what has to be put back if a start with Foreground fails after
// the child has become the Terminal's foreground group.
type Terminal struct {
	Group int // the foreground group before, or 0
}

func (t *Terminal) remember(sys *syscall.SysProcAttr) {
	t.Group = 0
	if sys.Foreground {
		if group, err := unix.IoctlGetInt(sys.Ctty, unix.TIOCGPGRP); err == nil {
			t.Group = group
		}
	}
}

// Restore gives the terminal back. The caller's group is in the background if
// the child's was made the foreground, so SIGTTOU has to be blocked.
func (t *Terminal) Restore(sys *syscall.SysProcAttr) {
	if t.Group <= 0 {
		return
	}
	now, err := unix.IoctlGetInt(sys.Ctty, unix.TIOCGPGRP)
	if err != nil || now == t.Group {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var old unix.Sigset_t
	block := unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGTTOU - 1)}}
	if unix.PthreadSigmask(unix.SIG_BLOCK, &block, &old) != nil {
		return
	}
	unix.IoctlSetPointerInt(sys.Ctty, unix.TIOCSPGRP, t.Group)
	unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
}
