package sprog

// Init asks for a small init process, the program's parent: the process
// that the caller sees and waits for. It reaps every process that is orphaned
// below it, forwards the signals it receives to the program, and exits as the
// program exited: with its code, or with 128+n after signal n.
//
// It is PID 1 of a new PID namespace where one is asked for
// (SysProcAttr.Cloneflags with CLONE_NEWPID); otherwise it makes itself a
// child subreaper (PR_SET_CHILD_SUBREAPER(2const)). It needs no helper
// program: it is a static executable of a few hundred bytes in a sealed
// memfd, and 16 KiB of memory while it runs.
//
// The attributes of the start apply to the init, and the program inherits
// them. It cannot be combined with SysProcAttr.Ptrace.
type Init struct{}
