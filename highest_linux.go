//go:build amd64 || arm64

package sprog

import (
	"math"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/plain"
)

// moreFiles is how many files may be opened between a look at the highest
// descriptor and the birth of a child that has a copy of the table.
const moreFiles = 64

// highestFile returns the highest descriptor that is open in this process, for
// kernels without close_range. Without /proc it is the highest that can be.
func highestFile() int { return slices.Max(append(openNumbers(), 0)) }

// openNumbers are the numbers of the descriptors that are open in this process, and
// maybe others. Without /proc they are all that there can be.
func openNumbers() (list []int) {
	if names, err := plain.Names("/proc/self/fd"); err == nil {
		for _, name := range names {
			if n, err := strconv.Atoi(name); err == nil {
				list = append(list, n)
			}
		}
		return list
	}
	const most = 1 << 20 // the kernel's default for fs.nr_open
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		lim.Cur = math.MaxUint64
	}
	for n := range int(min(lim.Cur, most)) {
		list = append(list, n)
	}
	return list
}
