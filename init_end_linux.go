//go:build amd64 || arm64

package sprog

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// A programEnd is the end of the program below an init, as the init saw it.
type programEnd struct {
	pid      int // its number in the init's PID namespace
	exitCode int // -1 if it died of a signal
	signal   unix.Signal
	core     bool
	maxRSS   int64

	swept bool // the init has then killed what was left
	left  int  // but for this process, unless it is 0
}

// leftBehind says what may be left of those below an init.
func (p *programEnd) leftBehind() error {
	switch {
	case p == nil || !p.swept:
		return errors.New("sprog: the init was killed before it could kill what the program has left")
	case p.left != 0:
		return fmt.Errorf("sprog: process %d: the init could not kill it", p.left)
	}
	return nil
}

// readEnd takes over what the init has told, and lets go of the file.
func (c *Cmd) readEnd() {
	f := c.Birth.end
	if f == nil || c.ProcessState == nil || stopped(c.ProcessState) {
		return
	}
	c.Birth.end = nil
	defer f.Close()
	b := make([]byte, compile.EndSize+compile.RestSize)
	if n, err := f.ReadAt(b, stage2.EndAt); n < len(b) || err != nil {
		return
	}
	end := &programEnd{exitCode: -1, maxRSS: usageRSS(b[compile.InfoSize:])}
	word := func(at int) int { return int(int32(binary.NativeEndian.Uint32(b[at:]))) }
	const dumped = 3 // CLD_DUMPED
	end.pid = word(compile.InfoPid)
	end.swept, end.left = word(compile.EndSize) != 0, word(compile.EndSize+8)
	switch code, status := word(compile.InfoCode), word(compile.InfoStatus); {
	case word(compile.InfoPid) == 0: // the init was killed before
		return
	case code == compile.CldExited:
		end.exitCode = status
	default:
		end.signal, end.core = unix.Signal(status), code == dumped
	}
	c.program = end
}

// usageRSS is ru_maxrss of a struct rusage, in bytes.
func usageRSS(b []byte) int64 {
	const maxRSS = 32 // behind two struct timeval
	return int64(binary.NativeEndian.Uint64(b[maxRSS:])) << 10
}
