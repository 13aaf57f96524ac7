//go:build amd64 || arm64

package sprog

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// moreFiles is how many files may be opened between a look at the highest
// descriptor and the birth of a child that has a copy of the table.
const moreFiles = 64

// highestFile returns the highest descriptor that is open in this process, for
// kernels without close_range. Without /proc it is the highest that can be.
func highestFile() int {
	if names, err := plain.Names("/proc/self/fd"); err == nil {
		highest := 0
		for _, name := range names {
			if n, err := strconv.Atoi(name); err == nil {
				highest = max(highest, n)
			}
		}
		return highest
	}
	const most = 1 << 20 // the kernel's default for fs.nr_open
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil || lim.Cur > most {
		return most
	}
	return int(lim.Cur)
}
