#include "textflag.h"

// func call6(nr, a0, a1, a2, a3, a4, a5 uintptr) int
TEXT ·call6(SB), NOSPLIT, $0-64
	MOVD	nr+0(FP), R8
	MOVD	a0+8(FP), R0
	MOVD	a1+16(FP), R1
	MOVD	a2+24(FP), R2
	MOVD	a3+32(FP), R3
	MOVD	a4+40(FP), R4
	MOVD	a5+48(FP), R5
	SVC
	MOVD	R0, ret+56(FP)
	RET
