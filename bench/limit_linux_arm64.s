#include "textflag.h"

#define SYS_exit_group 94
#define SYS_clone 220
#define SYS_execve 221
#define SYS_wait4 260
#define vforkFlags 0x4111 // CLONE_VM | CLONE_VFORK | SIGCHLD

// func vforkExecWait(path *byte, argv, env **byte) (pid int, status int32)
//
// The child runs on its parent's stack while the parent is suspended, so
// between clone and execve nothing is pushed or stored.
TEXT ·vforkExecWait(SB),NOSPLIT,$0-36
	MOVD path+0(FP), R9
	MOVD argv+8(FP), R10
	MOVD env+16(FP), R11
	MOVD $vforkFlags, R0
	MOVD $0, R1
	MOVD $0, R2
	MOVD $0, R3
	MOVD $0, R4
	MOVD $SYS_clone, R8
	SVC
	CMP  $0, R0
	BEQ  child
	MOVD R0, pid+24(FP)
	BLT  done

	MOVD $status+32(FP), R1
	MOVD $0, R2
	MOVD $0, R3
	MOVD $SYS_wait4, R8
	SVC
	CMP  $0, R0
	BGE  done
	MOVD R0, pid+24(FP)

done:
	RET

child:
	MOVD R9, R0
	MOVD R10, R1
	MOVD R11, R2
	MOVD $SYS_execve, R8
	SVC
	MOVD $127, R0
	MOVD $SYS_exit_group, R8
	SVC
	BRK
