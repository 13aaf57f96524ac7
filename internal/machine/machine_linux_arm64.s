#include "textflag.h"
#include "go_asm.h"

// Numbers of the calls that are made outside of a program.
#define SYS_rt_sigprocmask 135
#define SYS_getpid 172
#define SYS_gettid 178
#define SYS_unshare 97
#define CLONE_FS 0x200
#define SIG_SETMASK 2

// func spawn(f *frame)
//
// See machine_linux_amd64.s. R20 is the frame.
TEXT ·spawn(SB), NOSPLIT, $0-8
	BL	runtime·entersyscall(SB)
	MOVD	f+0(FP), R20

	MOVD	$SYS_rt_sigprocmask, R8
	MOVD	$SIG_SETMASK, R0
	ADD	$frame_all, R20, R1
	MOVD	frame_old(R20), R2
	MOVD	$8, R3
	SVC

	MOVD	frame_nr(R20), R8
	MOVD	(frame_arg+0)(R20), R0
	MOVD	(frame_arg+8)(R20), R1
	MOVD	(frame_arg+16)(R20), R2
	MOVD	(frame_arg+24)(R20), R3
	MOVD	(frame_arg+32)(R20), R4
	SVC
	CBZ	R0, child
	MOVD	R0, frame_ret(R20)

	MOVD	$SYS_rt_sigprocmask, R8
	MOVD	$SIG_SETMASK, R0
	MOVD	frame_old(R20), R1
	MOVD	$0, R2
	MOVD	$8, R3
	SVC
	BL	runtime·exitsyscall(SB)
	RET

child:
	MOVD	frame_first(R20), R19
	B	·machine(SB)

// func become(f *frame)
//
// See machine_linux_amd64.s.
TEXT ·become(SB), NOSPLIT, $0-8
	BL	runtime·entersyscall(SB)
	MOVD	$SYS_getpid, R8
	SVC
	MOVD	R0, R19
	MOVD	$SYS_gettid, R8
	SVC
	CMP	R0, R19
	BNE	stay
	MOVD	$SYS_unshare, R8
	MOVD	$CLONE_FS, R0
	SVC
	CBNZ	R0, stay
	MOVD	f+0(FP), R20
	MOVD	frame_first(R20), R19
	B	·machine(SB)
stay:
	BL	runtime·exitsyscall(SB)
	RET

// The machine. R19 is the instruction, R20 the state. The code depends on no
// address and uses no literal pool: the second stage's image holds a copy.
TEXT ·machine(SB), NOSPLIT|NOFRAME, $0-0
loop:
	MOVD	R19, state_cur(R20)
	MOVD	insn_op(R19), R0
	CMP	$const_opTest, R0
	BEQ	test
	CMP	$const_opMove, R0
	BEQ	move
	CMP	$const_opClock, R0
	BEQ	clock

call:
	MOVD	insn_nr(R19), R8
	MOVD	(insn_arg+0)(R19), R0
	MOVD	(insn_arg+8)(R19), R1
	MOVD	(insn_arg+16)(R19), R2
	MOVD	(insn_arg+24)(R19), R3
	MOVD	(insn_arg+32)(R19), R4
	MOVD	(insn_arg+40)(R19), R5
	SVC
	MOVD	R0, insn_ret(R19)
	CMN	$4095, R0
	BCS	failed
	MOVD	insn_op(R19), R9
	CMP	$const_opSibling, R9
	BEQ	sibling

store:
	MOVD	insn_out0(R19), R9
	CBZ	R9, advance
	MOVD	R0, (R9)
	MOVD	insn_out1(R19), R9
	CBZ	R9, advance
	MOVD	R0, (R9)

advance:
	MOVD	insn_next(R19), R9
	ADD	R9, R19
	B	loop

test:
	MOVD	(insn_arg+0)(R19), R9
	MOVWU	(R9), R0
	MOVD	R0, insn_ret(R19)
	MOVWU	(insn_arg+8)(R19), R10
	CMP	R10, R0
	BNE	advance
	MOVD	(insn_arg+16)(R19), R9
	ADD	R9, R19
	B	loop

move:
	MOVD	(insn_arg+0)(R19), R9
	MOVWU	(R9), R0
	MOVD	R0, insn_ret(R19)
	MOVD	(insn_arg+24)(R19), R10
	BIC	R10, R0
	MOVD	(insn_arg+16)(R19), R10
	ORR	R10, R0
	MOVD	(insn_arg+8)(R19), R10
	ADD	R10, R0
	B	store

// See machine_linux_amd64.s.
clock:
	MOVD	state_log(R20), R1
	MOVD	state_logEnd(R20), R9
	CMP	R9, R1
	BEQ	advance
	MOVD	insn_nr(R19), R8
	MOVD	(insn_arg+0)(R19), R0
	SVC
	CBNZ	R0, advance
	MOVD	state_log(R20), R1
	MOVD	(insn_arg+8)(R19), R0
	MOVD	R0, 16(R1)
	ADD	$const_logEntry, R1
	MOVD	R1, state_log(R20)
	B	advance

failed:
	NEG	R0, R0
	MOVD	insn_errno0(R19), R9
	CMP	R9, R0
	BEQ	caught0
	MOVD	insn_errno1(R19), R10
	CMP	R10, R0
	BEQ	caught1
	MOVD	$const_anyErrno, R11
	CMP	R9, R11
	BEQ	caught0
	CMP	R10, R11
	BEQ	caught1
	MOVD	R19, state_failed(R20)
	MOVD	R0, state_errno(R20)
	MOVD	state_handler(R20), R19
	B	loop

// See machine_linux_amd64.s.
sibling:
	CBZ	R0, advance
	MOVD	insn_out0(R19), R9
	MOVD	R0, (R9)
	MOVD	insn_to0(R19), R9
	ADD	R9, R19
	B	call

caught0:
	MOVD	insn_to0(R19), R9
	ADD	R9, R19
	B	loop

caught1:
	MOVD	insn_to1(R19), R9
	ADD	R9, R19
	B	loop

	WORD	$const_codeEnd
	WORD	$const_codeEnd
	RET

// func codeAddress() uintptr
TEXT ·codeAddress(SB), NOSPLIT, $0-8
	MOVD	$·machine(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// func askValgrind(request *[6]uint64) uint64
//
// See machine_linux_amd64.s.
TEXT ·askValgrind(SB), NOSPLIT, $0-16
	MOVD	request+0(FP), R4
	MOVD	$0, R3
	ROR	$3, R12, R12
	ROR	$13, R12, R12
	ROR	$51, R12, R12
	ROR	$61, R12, R12
	ORR	R10, R10, R10
	MOVD	R3, ret+8(FP)
	RET
