#include "textflag.h"

// The signal handler: the number is in R0, the siginfo_t in R1. What it uses of registers is
// put back by rt_sigreturn(2), to which it returns.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	·handlerPipe(SB), R0
	MOVD	$128, R2
	MOVD	$64, R8 // write
	SVC
	RET

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	MOVD	$·handler(SB), R0
	MOVD	R0, ret+0(FP)
	RET
