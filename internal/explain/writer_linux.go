//go:build amd64 || arm64

package explain

import (
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// writerOf names a process that has a file open for writing.
func writerOf(file pathwalk.Seen, st *unix.Stat_t) string {
	const open = "the file is open for writing"
	path := pathwalk.RealPath(int(file))
	if path == "" || ownproc.Missing() != nil {
		return open
	}
	for pid := range processes() {
		switch {
		case !writes(pid, path):
		case pid == spec.Itoa(os.Getpid()):
			return open + ", in this process"
		default:
			comm, _ := kernel.Read("/proc/" + pid + "/comm")
			return open + ", in process " + pid + " (" + terms.Printable(strings.TrimSpace(comm)) + ")"
		}
	}
	return open
}

// processes are the names of the processes in /proc. It gives up after a
// second: there can be very many of them.
func processes() func(yield func(pid string) bool) {
	return func(yield func(string) bool) {
		enough := plain.In(time.Second)
		names, _ := plain.Names("/proc")
		for _, name := range names {
			if name[0] < '1' || name[0] > '9' {
				continue
			}
			if enough.Over() || !yield(name) {
				return
			}
		}
	}
}

// writes reports whether a process has a file open for writing. It looks at
// names, not at the files, which could be on a server that does not answer.
func writes(pid, path string) bool {
	dir := "/proc/" + pid + "/fd"
	fds, err := plain.Names(dir)
	if err != nil {
		return false
	}
	for _, fd := range fds[:min(len(fds), math.MaxUint16)] {
		if to, err := os.Readlink(dir + "/" + fd); err != nil || to != path {
			continue
		}
		info, _ := kernel.Read("/proc/" + pid + "/fdinfo/" + fd)
		_, after, _ := strings.Cut(info, "flags:")
		line, _, _ := strings.Cut(after, "\n")
		if line = strings.TrimSpace(line); line != "" && line[len(line)-1] != '0' && line[len(line)-1] != '4' {
			return true // O_WRONLY or O_RDWR, of octal digits
		}
	}
	return false
}
