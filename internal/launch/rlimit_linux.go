//go:build amd64 || arm64

package launch

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
)

// nofileRaised reports whether the limit on open files is the one that package
// syscall sets at start-up: one less than the hard limit, which tells it from
// a limit that somebody has set on purpose since.
func nofileRaised() bool {
	if !atstart.NofileKnown || atstart.NofileMax == 0 || atstart.NofileCur >= atstart.NofileMax-1 {
		return false
	}
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil {
		return false
	}
	return now.Max == atstart.NofileMax && now.Cur == now.Max-1
}
