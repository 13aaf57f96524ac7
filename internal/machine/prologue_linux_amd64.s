#include "textflag.h"
#include "go_asm.h"

#define AT_SECURE 23

// The prologue of a launcher: what stands in front of the machine there. R12 is the first
// instruction, R13 the state, R14 the rules, and the stack is as execve(2) leaves it: the number
// of arguments, their addresses and 0, those of the variables and 0, the auxiliary vector.
//
// The new arguments and variables are laid out below. Each word is read before it is
// overwritten: there is room below for all that is added, so that the copy is behind
// what it copies at no time.
TEXT ·prologue(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	SP, SI
	MOVQ	(SI), CX
	LEAQ	8(SI), BX
	LEAQ	16(SI)(CX*8), DX
	MOVQ	DX, DI
skip:
	MOVQ	(DI), AX
	ADDQ	$8, DI
	TESTQ	AX, AX
	JNZ	skip

auxiliary:
	MOVQ	(DI), AX
	TESTQ	AX, AX
	JZ	room
	MOVQ	8(DI), R8
	ADDQ	$16, DI
	CMPQ	AX, $AT_SECURE
	JNE	texts
	TESTQ	R8, R8
	JZ	auxiliary
	CMPQ	rules_privileged(R14), $0
	JNE	auxiliary
	MOVQ	rules_refusal(R14), R12
	JMP	auxiliary

	// A number goes to the places that are for it, from its last digit on.
texts:
	MOVQ	rules_numbers(R14), R9
text:
	MOVQ	(R9), R10
	TESTQ	R10, R10
	JZ	auxiliary
	CMPQ	AX, 8(R9)
	JNE	other
	MOVQ	AX, R15
	MOVQ	DX, BP
	MOVQ	R8, AX
	MOVL	$10, R11
digit:
	XORL	DX, DX
	DIVQ	R11
	ADDL	$48, DX
	MOVB	DX, (R10)
	DECQ	R10
	TESTQ	AX, AX
	JNZ	digit
	MOVQ	R15, AX
	MOVQ	BP, DX
other:
	ADDQ	$16, R9
	JMP	text

room:
	MOVQ	rules_args(R14), R8
	MOVQ	R8, AX
	ADDQ	rules_vars(R14), AX
	ADDQ	$4, AX
	SHLQ	$3, AX
	MOVQ	SI, DI
	SUBQ	AX, DI
	ANDQ	$~15, DI
	MOVQ	DI, SP
	MOVQ	DI, R9
	MOVQ	rules_argv(R14), R10
fixed:
	TESTQ	R8, R8
	JZ	own
	MOVQ	(R10), AX
	MOVQ	AX, (DI)
	ADDQ	$8, R10
	ADDQ	$8, DI
	DECQ	R8
	JMP	fixed

	// There may be not even an argument 0 (CVE-2021-4034).
own:
	CMPQ	rules_appends(R14), $0
	JEQ	argsEnd
	CMPQ	CX, $2
	JLT	argsEnd
appended:
	ADDQ	$8, BX
	MOVQ	(BX), AX
	MOVQ	AX, (DI)
	ADDQ	$8, DI
	DECQ	CX
	CMPQ	CX, $1
	JNE	appended
argsEnd:
	MOVQ	$0, (DI)
	ADDQ	$8, DI
	MOVQ	DI, R10

variable:
	MOVQ	(DX), SI
	TESTQ	SI, SI
	JZ	vars
	ADDQ	$8, DX
	MOVQ	rules_names(R14), R8
name:
	MOVQ	(R8), CX
	TESTQ	CX, CX
	JZ	unnamed
	ADDQ	$8, R8
	MOVQ	SI, BX
character:
	MOVBLZX	(CX), AX
	TESTL	AX, AX
	JZ	nameEnd
	CMPB	AX, (BX)
	JNE	name
	INCQ	CX
	INCQ	BX
	JMP	character
nameEnd:
	CMPB	(BX), $61
	JNE	name
	CMPQ	rules_keeps(R14), $0
	JEQ	variable
	JMP	take
unnamed:
	CMPQ	rules_keeps(R14), $0
	JNE	variable
take:
	MOVQ	SI, (DI)
	ADDQ	$8, DI
	JMP	variable

vars:
	MOVQ	rules_env(R14), CX
	MOVQ	rules_vars(R14), R8
set:
	TESTQ	R8, R8
	JZ	varsEnd
	MOVQ	(CX), AX
	MOVQ	AX, (DI)
	ADDQ	$8, CX
	ADDQ	$8, DI
	DECQ	R8
	JMP	set
varsEnd:
	MOVQ	$0, (DI)

	MOVQ	rules_slots(R14), CX
slot:
	MOVQ	(CX), AX
	TESTQ	AX, AX
	JZ	done
	MOVQ	R9, (AX)
	MOVQ	8(CX), AX
	MOVQ	R10, (AX)
	ADDQ	$16, CX
	JMP	slot
done:
	// The machine follows, in the file.
	LONG	$const_codeEnd
	LONG	$const_codeEnd
	RET

// func prologueAddress() uintptr
TEXT ·prologueAddress(SB), NOSPLIT, $0-8
	LEAQ	·prologue(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
