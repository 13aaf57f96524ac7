//go:build amd64 || arm64

package sprog

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
)

// A programEnd is the end of the program below an init, as the init saw it.
type programEnd struct {
	exitCode int // -1 if it died of a signal
	signal   unix.Signal
	core     bool
	maxRSS   int64
}

// readEnd takes over what the init has told, and lets go of the file.
func (c *Cmd) readEnd() {
	f := c.Birth.end
	if f == nil || c.ProcessState == nil || stopped(c.ProcessState) {
		return
	}
	c.Birth.end = nil
	defer f.Close()
	b := make([]byte, endSize)
	if n, err := f.ReadAt(b, machine.EndAt); n < len(b) || err != nil {
		return
	}
	word := func(at int) int { return int(int32(binary.NativeEndian.Uint32(b[at:]))) }
	const dumped = 3 // CLD_DUMPED
	switch code, status := word(infoCode), word(infoStatus); {
	case word(infoPid) == 0: // the init was killed before
	case code == cldExited:
		c.program = &programEnd{exitCode: status, maxRSS: usageRSS(b[infoSize:])}
	default:
		c.program = &programEnd{exitCode: -1, signal: unix.Signal(status), core: code == dumped, maxRSS: usageRSS(b[infoSize:])}
	}
}

// usageRSS is ru_maxrss of a struct rusage, in bytes.
func usageRSS(b []byte) int64 {
	const maxRSS = 32 // behind two struct timeval
	return int64(binary.NativeEndian.Uint64(b[maxRSS:])) << 10
}
