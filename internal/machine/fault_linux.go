//go:build amd64 || arm64

package machine

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// misbehave applies a fault. The program being data, this needs no help from
// the machine: the instruction is replaced by another.
func misbehave(in *insn, f *program.Fault) {
	if f.Die {
		*in = crashInsn()
		return
	}
	badFD := ^uint64(0)
	*in = insn{nr: unix.SYS_CLOSE, arg: [6]uint64{badFD}, ret: notRun}
}
