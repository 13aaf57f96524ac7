#include "textflag.h"

// The signal handler: the number is in DI, the siginfo_t in SI. What it uses of registers is
// put back by rt_sigreturn(2), to which it returns.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	·handlerPipe(SB), DI
	MOVL	$128, DX
	MOVL	$1, AX // write
	SYSCALL
	RET

// func handlerAddress() uintptr
TEXT ·handlerAddress(SB), NOSPLIT, $0-8
	LEAQ	·handler(SB), AX
	MOVQ	AX, ret+0(FP)
	RET
