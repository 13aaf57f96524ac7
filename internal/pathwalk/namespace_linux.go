//go:build amd64 || arm64

package pathwalk

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// OpenNamespace opens a namespace, and nothing else that may be there: to open other
// files has effects, and to close them may release the caller's record locks
// (fcntl_locking(2)). The errors are those that setns(2) would answer.
func OpenNamespace(path string) (int, error) {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	if !OnNamespaces(Seen(file)) && !onProc(Seen(file)) { // before Linux 3.19 they were files of /proc
		return -1, NoNamespace(path)
	}
	return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
}

// A NoNamespace is the path of another file.
type NoNamespace string

func (NoNamespace) Error() string { return unix.EINVAL.Error() }

// Why says what it is instead.
func (n NoNamespace) Why() string {
	return terms.Printable(string(n)) + " is no namespace: those are files such as /proc/PID/ns/net"
}
