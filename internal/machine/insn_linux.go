//go:build amd64 || arm64

package machine

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// An insn is a step as the machine reads it: addresses resolved, jumps as
// distances in bytes. The assembly knows its layout from go_asm.h.
type insn struct {
	op     uint64 // what to do: one of the constants below
	nr     uint64 // number of the system call
	arg    [6]uint64
	out0   uint64 // addresses that the result is stored to, or 0
	out1   uint64
	next   uint64 // distance to the following instruction
	errno0 uint64 // an errno that is no failure, and the distance to go on
	to0    uint64
	errno1 uint64
	to1    uint64
	ret    uint64 // the result, or the word that was tested or moved; before that, notRun
}

// after is the distance to where the machine went on from an instruction that
// has been run.
func (in *insn) after() int64 {
	switch errno := -in.ret; {
	case in.op == opTest && uint32(in.ret) == uint32(in.arg[1]):
		return int64(in.arg[2])
	case in.op != opSyscall || errno == 0 || errno > 4095:
	case errno == in.errno0, errno != in.errno1 && in.errno0 == anyErrno:
		return int64(in.to0)
	case errno == in.errno1, in.errno1 == anyErrno:
		return int64(in.to1)
	}
	return int64(in.next)
}

// failure is the errno that a call has failed with and that it does not catch.
func (in *insn) failure() syscall.Errno {
	errno := -in.ret
	switch {
	case in.op != opSyscall || errno > 4095:
		return 0
	case in.errno0 == errno || in.errno0 == anyErrno || in.errno1 == errno || in.errno1 == anyErrno:
		return 0
	}
	return syscall.Errno(errno)
}

const (
	opSyscall = iota
	opTest
	opMove
	opSibling // a system call that makes a process, which goes on alone; the maker goes on at to0, where it ends
	opClock   // a call of clock_gettime into the log, with the number in arg[1]
)

const (
	insnSize = unsafe.Sizeof(insn{})
	// StepSize is the size of a step in memory.
	StepSize = int(insnSize)
	_        = uint(StepSize-program.StepSize) + uint(program.StepSize-StepSize) // they are the same
	logEntry = program.EntrySize
	// anyErrno in an insn catches every error.
	anyErrno = uint64(program.AnyErrno)
	// notRun is no result that the kernel returns: it lies outside of both
	// the addresses and the errnos.
	notRun = 0x5b0c_5b0c_5b0c_5b0c
)

// A state is what the machine writes while it runs, and where it goes on when
// a step fails. All fields are addresses of instructions, or 0.
type state struct {
	cur     uint64 // the instruction that is being run
	failed  uint64 // the one that failed
	errno   uint64 // and with what
	handler uint64 // the first instruction of what is run then
	log     uint64 // where the next entry of the log goes
	logEnd  uint64 // where there is no more room
}

// A layout is where the parts of a program are when it runs. In a program with
// a log each step's instruction has another one behind it, which notes the time
// before the step if that is timed. Jumps to the step lead there, and it goes
// back to the step.
type layout struct {
	insns, data, state uint64
	logs               bool
	exit               int // which of the instructions behind the steps ends the process
}

// perStep is the number of instructions that a step takes.
func (l layout) perStep() int {
	if l.logs {
		return 2
	}
	return 1
}

// insn is the address of the instruction of a step, or of the first one behind
// the steps.
func (l layout) insn(i int) uint64 { return l.insns + uint64(i*l.perStep())*uint64(insnSize) }

// entry is where a jump to a step leads.
func (l layout) entry(p *program.Program, i int) uint64 {
	if l.logs && i < len(p.Steps) && p.Steps[i].Timed {
		return l.insn(i) + uint64(insnSize)
	}
	return l.insn(i)
}

// step is the step that an instruction belongs to.
func (l layout) step(insn uint64) int {
	return int((insn - l.insns) / uint64(insnSize) / uint64(l.perStep()))
}

// begin returns the state before the first step.
func (l layout) begin(p *program.Program, handler uint64) state {
	st := state{handler: handler}
	if l.logs {
		st.log = l.resolve(p.Log.At)
		st.logEnd = st.log + uint64(p.Log.Size())
	}
	return st
}

// link appends the program's steps to insns as instructions for the layout,
// and turns the offsets in its data into addresses. The data must be put back
// by unlink before the program is linked again or listed.
func (l layout) link(p *program.Program, insns []insn) []insn {
	for i := range p.Steps {
		insns = append(insns, l.insnOf(p, i))
		if l.logs {
			insns = append(insns, clockInsn(p, i))
		}
	}
	if p.Fault != nil {
		misbehave(&insns[len(insns)-(len(p.Steps)-p.Fault.Step)*l.perStep()], p.Fault)
	}
	l.relocate(p, l.data)
	return insns
}

func (l layout) unlink(p *program.Program) { l.relocate(p, -l.data) }

func (l layout) relocate(p *program.Program, by uint64) {
	for _, at := range p.Relocs {
		word := p.Data[at : at+8]
		binary.NativeEndian.PutUint64(word, binary.NativeEndian.Uint64(word)+by)
	}
}

func (l layout) insnOf(p *program.Program, i int) insn {
	s := &p.Steps[i]
	distance := func(steps int32) uint64 { return l.entry(p, i+int(steps)) - l.insn(i) } // in two's complement
	in := insn{ret: notRun, next: distance(1)}
	if s.Next != 0 {
		in.next = distance(s.Next)
	}
	for n, a := range s.Args {
		in.arg[n] = l.resolve(a)
	}
	in.out0, in.out1 = l.ref(s.Out[0]), l.ref(s.Out[1])
	in.errno0, in.to0 = uint64(s.Catch[0].Errno), distance(s.Catch[0].To)
	in.errno1, in.to1 = uint64(s.Catch[1].Errno), distance(s.Catch[1].To)
	switch s.Call {
	case program.Test:
		in.op = opTest
		in.arg[2] = distance(int32(s.Args[2].Value))
		if s.Leaves {
			in.next = stage2.RestAt - l.insn(i)
		}
	case program.Move:
		in.op = opMove
	default:
		in.nr = numbers[s.Call]
	}
	if s.Sibling {
		in.op, in.to0 = opSibling, l.insn(len(p.Steps))+uint64(l.exit)*uint64(insnSize)-l.insn(i)
	}
	return in
}

// clockInsn notes the time before a step. A step that is not timed is never
// come to this way.
func clockInsn(p *program.Program, i int) insn {
	back := uint64(insnSize)
	return insn{op: opClock, nr: unix.SYS_CLOCK_GETTIME, arg: [6]uint64{uint64(p.Log.Clock), uint64(i)}, next: -back, ret: notRun}
}

// resolve is the value of an argument.
func (l layout) resolve(a program.Arg) uint64 {
	switch a.Kind {
	case program.Address:
		return a.Value + l.data
	case program.Steps:
		return l.insns
	case program.StepsSize:
		return a.Value * uint64(l.perStep())
	case program.FailedStep:
		return l.state + uint64(unsafe.Offsetof(state{}.failed))
	case program.FailedErrno:
		return l.state + uint64(unsafe.Offsetof(state{}.errno))
	case program.Recorded:
		return l.insn(int(a.Value)) + uint64(unsafe.Offsetof(insn{}.ret))
	case program.Beside:
		return a.Value + l.data - l.insns
	}
	return a.Value
}

// ref is the address that a result is stored to.
func (l layout) ref(r program.Ref) uint64 {
	switch r.Kind {
	case program.ToArg:
		return l.insn(int(r.Step)) + uint64(unsafe.Offsetof(insn{}.arg)) + 8*uint64(r.Pos)
	case program.ToData:
		return l.data + uint64(r.Pos)
	case program.ToAddress:
		return uint64(r.Pos)
	}
	return 0
}

// exitInsn ends the child. The code is seen by nobody: the parent reaps a
// child that failed. A filter may deny even that.
func exitInsn() insn {
	return insn{
		nr: numbers[program.ExitGroup], arg: [6]uint64{125}, ret: notRun,
		errno0: anyErrno, to0: uint64(insnSize),
	}
}

// crashInsn ends a child that cannot exit: it reads address 0.
func crashInsn() insn { return insn{op: opMove, ret: notRun} }
