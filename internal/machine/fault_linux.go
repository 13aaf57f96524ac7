//go:build amd64 || arm64

package machine

import "golang.org/x/sys/unix"

// A Fault makes one step of a program misbehave. The program being data, this
// needs no help from the machine: the step is replaced by another.
type Fault struct {
	Step int
	// Die has the child killed by SIGSEGV at the step. Otherwise the step
	// fails with EBADF, whatever it catches.
	Die bool
}

// FaultErrno is what a step fails with that a Fault makes fail.
const FaultErrno = unix.EBADF

func (f *Fault) apply(insns []insn) {
	if f.Step < 0 || f.Step >= len(insns) {
		return
	}
	in := &insns[f.Step]
	if f.Die {
		*in = insn{op: opMove, ret: notRun} // reads address 0
		return
	}
	badFD := ^uint64(0)
	*in = insn{nr: unix.SYS_CLOSE, arg: [6]uint64{badFD}, ret: notRun}
}
