package sprog

// Init asks for a small init process, the program's parent: the process
// that the caller sees and waits for. It reaps every process that is orphaned
// below it, forwards the signals it receives to the program, and ends as the
// program ended: with its exit code, or of the same signal. As the first
// process of a PID namespace, which the kernel spares most signals, it exits
// with 128+n after signal n.
//
// It is PID 1 of a new PID namespace where one is asked for
// (SysProcAttr.Cloneflags with CLONE_NEWPID). Otherwise it makes itself a
// child subreaper (PR_SET_CHILD_SUBREAPER(2const)), and the program is killed
// if the init is: by Process.Kill, for example. It needs no helper
// program: it is a static executable of a few hundred bytes in a sealed
// memfd, and 16 KiB of memory while it runs.
//
// The attributes of the start apply to the init, and the program inherits
// them, except for SysProcAttr.Pdeathsig, which is about the init. Init cannot
// be combined with SysProcAttr.Ptrace.
type Init struct {
	// JobControl has the program stop and continue as a shell's job does. The
	// init leads the session, and the program gets a process group of its own in
	// the foreground of the controlling terminal: otherwise its group would be
	// an orphaned one, which the kernel does not let Ctrl-Z stop
	// (setpgid(2), tcsetpgrp(3)). Each time the program stops, a byte can be
	// read from Birth.Stops. It needs SysProcAttr.Setsid and Setctty, as
	// [Cmd.StartPTY] sets them.
	JobControl bool
}
