//go:build !go1.28

#include "textflag.h"

// The linker takes a definition with a value for one of this package's own.
DATA runtime·fwdSig+0(SB)/8, $0
GLOBL runtime·fwdSig(SB), NOPTR|DUPOK, $520
DATA runtime·initSigmask+0(SB)/8, $0
GLOBL runtime·initSigmask(SB), NOPTR|DUPOK, $8

// func dispositions() *[numSignals]uintptr
TEXT ·dispositions(SB), NOSPLIT, $0-8
	MOVD	$runtime·fwdSig(SB), R0
	MOVD	R0, ret+0(FP)
	RET

// func mask() *uint64
TEXT ·mask(SB), NOSPLIT, $0-8
	MOVD	$runtime·initSigmask(SB), R0
	MOVD	R0, ret+0(FP)
	RET
