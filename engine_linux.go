//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// newPipe makes a pipe between this process and a child. The child writes it,
// or reads it if childReads is set. The child's end is in blocking mode, as
// programs expect; it is not an [os.File], since it lives only for the length
// of a start and the network poller has no use for it.
func newPipe(childReads bool) (parent *os.File, child int, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, -1, err
	}
	ours, theirs, name := fds[0], fds[1], "|0"
	if childReads {
		ours, theirs, name = fds[1], fds[0], "|1"
	}
	if _, err := unix.FcntlInt(uintptr(theirs), unix.F_SETFL, 0); err != nil {
		unix.Close(ours)
		unix.Close(theirs)
		return nil, -1, err
	}
	return os.NewFile(uintptr(ours), name), theirs, nil
}

// closeRaw closes the child's end of a pipe.
func closeRaw(fd int) { unix.Close(fd) }

// mayChangeClocks reports whether the child may enter a time namespace before
// it executes the program: those that it joins are not looked at.
func (c *Cmd) mayChangeClocks() bool {
	if c.SysProcAttr != nil && (c.SysProcAttr.Cloneflags|c.SysProcAttr.Unshareflags)&unix.CLONE_NEWTIME != 0 {
		return true
	}
	return c.Attr != nil && (c.Attr.TimeOffsets != nil || len(c.Attr.Join) > 0)
}

// wantsPidFD reports whether a pidfd is asked for.
func wantsPidFD(sys *syscall.SysProcAttr) bool { return sys != nil && sys.PidFD != nil }

// errnoText is the name of an errno, such as ENOENT.
func errnoText(errno syscall.Errno) string { return unix.ErrnoName(errno) }
