//go:build amd64 || arm64

package job

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/sprog-dev/sprog/internal/stage2"
	"golang.org/x/sys/unix"
)

// An End is the end of the program below an init, as the init saw it.
type End struct {
	pid      int // its number in the init's PID namespace
	ExitCode int // -1 if it died of a signal
	Signal   syscall.Signal
	Core     bool
	MaxRSS   int64

	swept bool // the init has then killed what was left
	Left  int  // but for this process, unless it is 0
}

// leftBehind says what may be left of those below an init.
func (e *End) leftBehind() error {
	switch {
	case e == nil || !e.swept:
		return errors.New("sprog: the init was killed before it could kill what the program has left")
	case e.Left != 0:
		return fmt.Errorf("sprog: process %d: the init could not kill it", e.Left)
	}
	return nil
}

// ReadEnd takes over what the init has told in a file.
func (j *Job) ReadEnd(f *os.File) {
	b := make([]byte, stage2.EndSize+stage2.RestSize)
	if n, err := f.ReadAt(b, stage2.EndAt); n < len(b) || err != nil {
		return
	}
	end := &End{ExitCode: -1, MaxRSS: usageRSS(b[stage2.InfoSize:])}
	word := func(at int) int { return int(int32(binary.NativeEndian.Uint32(b[at:]))) }
	const dumped = 3 // CLD_DUMPED
	end.pid = word(stage2.InfoPid)
	end.swept, end.Left = word(stage2.EndSize) != 0, word(stage2.EndSize+8)
	switch code, status := word(stage2.InfoCode), word(stage2.InfoStatus); {
	case word(stage2.InfoPid) == 0: // the init was killed before
		return
	case code == stage2.CldExited:
		end.ExitCode = status
	default:
		end.Signal, end.Core = unix.Signal(status), code == dumped
	}
	j.End = end
}

// usageRSS is ru_maxrss of a struct rusage, in bytes.
func usageRSS(b []byte) int64 {
	const maxRSS = 32 // behind two struct timeval
	return int64(binary.NativeEndian.Uint64(b[maxRSS:])) << 10
}
