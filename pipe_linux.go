//go:build amd64 || arm64

package sprog

import (
	"os"

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
