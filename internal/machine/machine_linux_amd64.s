#include "textflag.h"
#include "go_asm.h"

// Numbers of the calls that are made outside of a program.
#define SYS_rt_sigprocmask 14
#define SYS_getpid 39
#define SYS_gettid 186
#define SYS_unshare 272
#define CLONE_FS 0x200
#define SIG_SETMASK 2

// func spawn(f *frame)
//
// The parent comes back with the child's pid, or the negated errno, in f.ret.
// The child goes to the machine with f.first and never comes back. It has the
// parent's stack pointer, and leaves alone what it points to.
//
// entersyscall is exported to assembly for this use (golang.org/x/sys/unix has
// the same call): clone may wait for long, for a cgroup's lock or a network
// namespace, and must not hold up the scheduler while it does.
TEXT ·spawn(SB), NOSPLIT, $0-8
	CALL	runtime·entersyscall(SB)
	MOVQ	f+0(FP), R13

	// No signal may reach the child before its handlers are gone: they
	// would run the runtime's code in the parent's memory.
	MOVQ	$SYS_rt_sigprocmask, AX
	MOVQ	$SIG_SETMASK, DI
	LEAQ	frame_all(R13), SI
	MOVQ	frame_old(R13), DX
	MOVQ	$8, R10
	SYSCALL

	MOVQ	frame_nr(R13), AX
	MOVQ	(frame_arg+0)(R13), DI
	MOVQ	(frame_arg+8)(R13), SI
	MOVQ	(frame_arg+16)(R13), DX
	MOVQ	(frame_arg+24)(R13), R10
	MOVQ	(frame_arg+32)(R13), R8
	SYSCALL
	TESTQ	AX, AX
	JZ	child
	MOVQ	AX, frame_ret(R13)

	MOVQ	$SYS_rt_sigprocmask, AX
	MOVQ	$SIG_SETMASK, DI
	MOVQ	frame_old(R13), SI
	XORL	DX, DX
	MOVQ	$8, R10
	SYSCALL
	CALL	runtime·exitsyscall(SB)
	RET

child:
	MOVQ	frame_first(R13), R12
	JMP	·machine(SB)

// func become(f *frame)
//
// If the calling thread is the process's first, it goes to the machine itself
// and never comes back. Between here and there the scheduler cannot put the
// goroutine on another thread.
TEXT ·become(SB), NOSPLIT, $0-8
	CALL	runtime·entersyscall(SB)
	MOVQ	$SYS_getpid, AX
	SYSCALL
	MOVQ	AX, R12
	MOVQ	$SYS_gettid, AX
	SYSCALL
	CMPQ	AX, R12
	JNE	stay
	MOVQ	$SYS_unshare, AX
	MOVQ	$CLONE_FS, DI
	SYSCALL
	TESTQ	AX, AX
	JNZ	stay
	MOVQ	f+0(FP), R13
	MOVQ	frame_first(R13), R12
	JMP	·machine(SB)
stay:
	CALL	runtime·exitsyscall(SB)
	RET

// The machine. R12 is the instruction, R13 the state. The code depends on no
// address: the second stage's image holds a copy of it. It ends at the magic
// number, which is how the copy's length is found.
TEXT ·machine(SB), NOSPLIT|NOFRAME, $0-0
loop:
	MOVQ	R12, state_cur(R13)
	MOVQ	insn_op(R12), AX
	CMPQ	AX, $const_opTest
	JEQ	test
	CMPQ	AX, $const_opMove
	JEQ	move
	CMPQ	AX, $const_opClock
	JEQ	clock

call:
	MOVQ	insn_nr(R12), AX
	MOVQ	(insn_arg+0)(R12), DI
	MOVQ	(insn_arg+8)(R12), SI
	MOVQ	(insn_arg+16)(R12), DX
	MOVQ	(insn_arg+24)(R12), R10
	MOVQ	(insn_arg+32)(R12), R8
	MOVQ	(insn_arg+40)(R12), R9
	SYSCALL
	MOVQ	AX, insn_ret(R12)
	CMPQ	AX, $-4095
	JCC	failed
	MOVQ	insn_op(R12), CX
	CMPQ	CX, $const_opSibling
	JEQ	sibling

store:
	MOVQ	insn_out0(R12), CX
	TESTQ	CX, CX
	JZ	advance
	MOVQ	AX, (CX)
	MOVQ	insn_out1(R12), CX
	TESTQ	CX, CX
	JZ	advance
	MOVQ	AX, (CX)

advance:
	ADDQ	insn_next(R12), R12
	JMP	loop

test:
	MOVQ	(insn_arg+0)(R12), CX
	MOVL	(CX), AX
	MOVQ	AX, insn_ret(R12)
	CMPL	AX, (insn_arg+8)(R12)
	JNE	advance
	ADDQ	(insn_arg+16)(R12), R12
	JMP	loop

move:
	MOVQ	(insn_arg+0)(R12), CX
	MOVL	(CX), AX
	MOVQ	AX, insn_ret(R12)
	MOVQ	(insn_arg+24)(R12), DX
	NOTQ	DX
	ANDQ	DX, AX
	ORQ	(insn_arg+16)(R12), AX
	ADDQ	(insn_arg+8)(R12), AX
	JMP	store

// A time that cannot be had, or that there is no more room for, is left out.
clock:
	MOVQ	state_log(R13), SI
	CMPQ	SI, state_logEnd(R13)
	JEQ	advance
	MOVQ	insn_nr(R12), AX
	MOVQ	(insn_arg+0)(R12), DI
	SYSCALL
	TESTQ	AX, AX
	JNZ	advance
	MOVQ	state_log(R13), SI
	MOVQ	(insn_arg+8)(R12), AX
	MOVQ	AX, 16(SI)
	ADDQ	$const_logEntry, SI
	MOVQ	SI, state_log(R13)
	JMP	advance

failed:
	NEGQ	AX
	CMPQ	AX, insn_errno0(R12)
	JEQ	caught0
	CMPQ	AX, insn_errno1(R12)
	JEQ	caught1
	MOVL	$const_anyErrno, CX
	CMPQ	CX, insn_errno0(R12)
	JEQ	caught0
	CMPQ	CX, insn_errno1(R12)
	JEQ	caught1
	MOVQ	R12, state_failed(R13)
	MOVQ	AX, state_errno(R13)
	MOVQ	state_handler(R13), R12
	JMP	loop

// The new process goes on, and writes nothing here. The one that made it notes
// its number and ends. It leaves state_cur to the other.
sibling:
	TESTQ	AX, AX
	JZ	advance
	MOVQ	insn_out0(R12), CX
	MOVQ	AX, (CX)
	ADDQ	insn_to0(R12), R12
	JMP	call

caught0:
	ADDQ	insn_to0(R12), R12
	JMP	loop

caught1:
	ADDQ	insn_to1(R12), R12
	JMP	loop

	LONG	$const_codeEnd
	LONG	$const_codeEnd
	RET

// func codeAddress() uintptr
TEXT ·codeAddress(SB), NOSPLIT, $0-8
	LEAQ	·machine(SB), AX
	MOVQ	AX, ret+0(FP)
	RET

// func askValgrind(request *[6]uint64) uint64
//
// Valgrind knows a request to itself by this sequence, which does nothing on a
// processor (valgrind.h). Outside of it, the answer is 0.
TEXT ·askValgrind(SB), NOSPLIT, $0-16
	MOVQ	request+0(FP), AX
	XORL	DX, DX
	ROLQ	$3, DI
	ROLQ	$13, DI
	ROLQ	$61, DI
	ROLQ	$51, DI
	XCHGQ	BX, BX
	MOVQ	DX, ret+8(FP)
	RET
