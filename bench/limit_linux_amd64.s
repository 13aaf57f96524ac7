#include "textflag.h"

#define SYS_clone 56
#define SYS_execve 59
#define SYS_wait4 61
#define SYS_exit_group 231
#define vforkFlags 0x4111 // CLONE_VM | CLONE_VFORK | SIGCHLD

// func vforkExecWait(path *byte, argv, env **byte) (pid int, status int32)
//
// The child runs on its parent's stack while the parent is suspended, so
// between clone and execve nothing is pushed or stored.
TEXT ·vforkExecWait(SB),NOSPLIT,$0-36
	MOVQ path+0(FP), R12
	MOVQ argv+8(FP), R13
	MOVQ env+16(FP), BX
	MOVQ $vforkFlags, DI
	XORL SI, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	MOVL $SYS_clone, AX
	SYSCALL
	CMPQ AX, $0
	JEQ  child
	MOVQ AX, pid+24(FP)
	JLT  done

	MOVQ AX, DI
	LEAQ status+32(FP), SI
	XORL DX, DX
	XORL R10, R10
	MOVL $SYS_wait4, AX
	SYSCALL
	CMPQ AX, $0
	JGE  done
	MOVQ AX, pid+24(FP)

done:
	RET

child:
	MOVQ R12, DI
	MOVQ R13, SI
	MOVQ BX, DX
	MOVL $SYS_execve, AX
	SYSCALL
	MOVL $127, DI
	MOVL $SYS_exit_group, AX
	SYSCALL
	INT  $3
