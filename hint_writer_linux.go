//go:build amd64 || arm64

package sprog

import (
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
)

// writerOf names a process that has a file open for writing.
func writerOf(file seen, st *unix.Stat_t) string {
	const open = "the file is open for writing"
	path := realPath(int(file))
	procs, err := os.ReadDir("/proc")
	if err != nil || path == "" || ownproc.Missing() != nil {
		return open
	}
	begun := time.Now()
	for _, p := range procs {
		if time.Since(begun) > time.Second { // there are too many
			return open
		}
		if name := p.Name(); name[0] >= '1' && name[0] <= '9' && writes(name, path) {
			if name == itoa(os.Getpid()) {
				return open + ", in this process"
			}
			comm, _ := readSmall("/proc/" + name + "/comm")
			return open + ", in process " + name + " (" + printable(strings.TrimSpace(comm)) + ")"
		}
	}
	return open
}

// writes reports whether a process has a file open for writing. It looks at
// names, not at the files, which could be on a server that does not answer.
func writes(pid, path string) bool {
	dir := "/proc/" + pid + "/fd"
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, fd := range fds[:min(len(fds), math.MaxUint16)] {
		if to, err := os.Readlink(dir + "/" + fd.Name()); err != nil || to != path {
			continue
		}
		info, _ := readSmall("/proc/" + pid + "/fdinfo/" + fd.Name())
		_, after, _ := strings.Cut(info, "flags:")
		line, _, _ := strings.Cut(after, "\n")
		if line = strings.TrimSpace(line); line != "" && line[len(line)-1] != '0' && line[len(line)-1] != '4' {
			return true // O_WRONLY or O_RDWR, of octal digits
		}
	}
	return false
}
