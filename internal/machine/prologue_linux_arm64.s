#include "textflag.h"
#include "go_asm.h"

#define AT_SECURE 23

// See prologue_linux_amd64.s. R19 is the first instruction, R20 the state, R21 the rules.
TEXT ·prologue(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	RSP, R0
	MOVD	(R0), R1
	ADD	$8, R0, R2
	ADD	$16, R0, R3
	ADD	R1<<3, R3, R3
	MOVD	R3, R4
skip:
	MOVD.P	8(R4), R5
	CBNZ	R5, skip

auxiliary:
	MOVD	(R4), R5
	CBZ	R5, room
	MOVD	8(R4), R6
	ADD	$16, R4
	CMP	$AT_SECURE, R5
	BNE	texts
	CBZ	R6, auxiliary
	MOVD	rules_privileged(R21), R7
	CBNZ	R7, auxiliary
	MOVD	rules_refusal(R21), R19
	B	auxiliary

texts:
	MOVD	rules_numbers(R21), R7
text:
	MOVD	(R7), R8
	CBZ	R8, auxiliary
	MOVD	8(R7), R9
	CMP	R9, R5
	BNE	other
	MOVD	$10, R9
	MOVD	R6, R10
digit:
	UDIV	R9, R10, R11
	MSUB	R11, R10, R9, R12
	ADD	$48, R12
	MOVB	R12, (R8)
	SUB	$1, R8
	MOVD	R11, R10
	CBNZ	R10, digit
other:
	ADD	$16, R7
	B	text

room:
	MOVD	rules_args(R21), R5
	MOVD	rules_vars(R21), R6
	ADD	R5, R6, R7
	ADD	$4, R7
	LSL	$3, R7
	SUB	R7, R0, R8
	AND	$~15, R8
	MOVD	R8, RSP
	MOVD	R8, R9
	MOVD	rules_argv(R21), R10
fixed:
	CBZ	R5, own
	MOVD.P	8(R10), R11
	MOVD.P	R11, 8(R8)
	SUB	$1, R5
	B	fixed

own:
	MOVD	rules_appends(R21), R11
	CBZ	R11, argsEnd
	CMP	$2, R1
	BLT	argsEnd
appended:
	ADD	$8, R2
	MOVD	(R2), R11
	MOVD.P	R11, 8(R8)
	SUB	$1, R1
	CMP	$1, R1
	BNE	appended
argsEnd:
	MOVD.P	ZR, 8(R8)
	MOVD	R8, R10

variable:
	MOVD	(R3), R0
	CBZ	R0, vars
	ADD	$8, R3
	MOVD	rules_names(R21), R5
name:
	MOVD	(R5), R7
	CBZ	R7, unnamed
	ADD	$8, R5
	MOVD	R0, R2
character:
	MOVBU	(R7), R11
	MOVBU	(R2), R12
	CBZ	R11, nameEnd
	CMP	R11, R12
	BNE	name
	ADD	$1, R7
	ADD	$1, R2
	B	character
nameEnd:
	CMP	$61, R12
	BNE	name
	MOVD	rules_keeps(R21), R11
	CBZ	R11, variable
	B	take
unnamed:
	MOVD	rules_keeps(R21), R11
	CBNZ	R11, variable
take:
	MOVD.P	R0, 8(R8)
	B	variable

vars:
	MOVD	rules_env(R21), R7
set:
	CBZ	R6, varsEnd
	MOVD.P	8(R7), R11
	MOVD.P	R11, 8(R8)
	SUB	$1, R6
	B	set
varsEnd:
	MOVD	ZR, (R8)

	MOVD	rules_slots(R21), R7
slot:
	MOVD	(R7), R11
	CBZ	R11, done
	MOVD	R9, (R11)
	MOVD	8(R7), R11
	MOVD	R10, (R11)
	ADD	$16, R7
	B	slot
done:
	WORD	$const_codeEnd
	WORD	$const_codeEnd
	RET

// func prologueAddress() uintptr
TEXT ·prologueAddress(SB), NOSPLIT, $0-8
	MOVD	$·prologue(SB), R0
	MOVD	R0, ret+0(FP)
	RET
