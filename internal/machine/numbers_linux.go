//go:build amd64 || arm64

package machine

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// numbers are the system calls' numbers on this architecture.
var numbers = [...]uint64{
	program.Capget:                unix.SYS_CAPGET,
	program.Capset:                unix.SYS_CAPSET,
	program.Chdir:                 unix.SYS_CHDIR,
	program.Chroot:                unix.SYS_CHROOT,
	program.Clone:                 unix.SYS_CLONE,
	program.Close:                 unix.SYS_CLOSE,
	program.CloseRange:            unix.SYS_CLOSE_RANGE,
	program.Dup3:                  unix.SYS_DUP3,
	program.Execve:                unix.SYS_EXECVE,
	program.Execveat:              unix.SYS_EXECVEAT,
	program.ExitGroup:             unix.SYS_EXIT_GROUP,
	program.Fchdir:                unix.SYS_FCHDIR,
	program.Fcntl:                 unix.SYS_FCNTL,
	program.Futex:                 unix.SYS_FUTEX,
	program.GetMempolicy:          unix.SYS_GET_MEMPOLICY,
	program.Getpid:                unix.SYS_GETPID,
	program.Getppid:               unix.SYS_GETPPID,
	program.Ioctl:                 unix.SYS_IOCTL,
	program.Keyctl:                unix.SYS_KEYCTL,
	program.IoprioSet:             unix.SYS_IOPRIO_SET,
	program.Kill:                  unix.SYS_KILL,
	program.LandlockAddRule:       unix.SYS_LANDLOCK_ADD_RULE,
	program.LandlockCreateRuleset: unix.SYS_LANDLOCK_CREATE_RULESET,
	program.LandlockRestrictSelf:  unix.SYS_LANDLOCK_RESTRICT_SELF,
	program.Mmap:                  unix.SYS_MMAP,
	program.Mount:                 unix.SYS_MOUNT,
	program.Openat:                unix.SYS_OPENAT,
	program.Personality:           unix.SYS_PERSONALITY,
	program.Ppoll:                 unix.SYS_PPOLL,
	program.Prctl:                 unix.SYS_PRCTL,
	program.Prlimit64:             unix.SYS_PRLIMIT64,
	program.Ptrace:                unix.SYS_PTRACE,
	program.RtSigaction:           unix.SYS_RT_SIGACTION,
	program.RtSigprocmask:         unix.SYS_RT_SIGPROCMASK,
	program.RtSigtimedwait:        unix.SYS_RT_SIGTIMEDWAIT,
	program.Seccomp:               unix.SYS_SECCOMP,
	program.SchedGetaffinity:      unix.SYS_SCHED_GETAFFINITY,
	program.SchedGetattr:          unix.SYS_SCHED_GETATTR,
	program.SchedSetaffinity:      unix.SYS_SCHED_SETAFFINITY,
	program.SchedSetattr:          unix.SYS_SCHED_SETATTR,
	program.SetMempolicy:          unix.SYS_SET_MEMPOLICY,
	program.Setgid:                unix.SYS_SETGID,
	program.Setgroups:             unix.SYS_SETGROUPS,
	program.Setpgid:               unix.SYS_SETPGID,
	program.Setresgid:             unix.SYS_SETRESGID,
	program.Setresuid:             unix.SYS_SETRESUID,
	program.Setpriority:           unix.SYS_SETPRIORITY,
	program.Setsid:                unix.SYS_SETSID,
	program.Setuid:                unix.SYS_SETUID,
	program.Umask:                 unix.SYS_UMASK,
	program.Unshare:               unix.SYS_UNSHARE,
	program.Waitid:                unix.SYS_WAITID,
	program.Write:                 unix.SYS_WRITE,
	program.Writev:                unix.SYS_WRITEV,
}
