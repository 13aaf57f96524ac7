package sprog

import "os"

// Init asks for a small init process, the program's parent: the process
// that the caller sees and waits for. It reaps every process that is orphaned
// below it, forwards the signals it receives to the program, kills what is left
// when the program has ended, and ends as the program ended: with its exit code,
// or of the same signal. As the first process of a PID namespace, which the
// kernel spares most signals, it exits with 128+n after signal n.
//
// It is PID 1 of a new PID namespace where one is asked for
// (SysProcAttr.Cloneflags with CLONE_NEWPID), and whatever is left there dies
// with it. Otherwise it makes itself a child subreaper
// (PR_SET_CHILD_SUBREAPER(2const)), and kills its children, and those that
// become its children by that, until it has none. It finds them in the caller's /proc, on a
// kernel with CONFIG_PROC_CHILDREN. Where there is no such list of its PID namespace, it tries all
// numbers, which takes about a second for each generation that is left. It
// does not wait for one that it may not kill, of another user: [Result.Left]. The program is killed if the
// init is, by Process.Kill for example; for the rest, which the init would have killed,
// there are [Cmd.KillTree] and Attr.Cgroup.
//
// All signals are forwarded but for SIGKILL and SIGSTOP, which no process
// gets to see, and SIGCHLD. SIGTSTP stops the program, and SIGCONT continues it: the init
// itself does not stop, except by SIGSTOP, which outside of a PID namespace stops the init
// and not the program.
//
// The program is in the session and the process group that the process was started
// in, and the init has a session of its own: what a terminal or a process sends to the
// group does not reach the init. If the process is to lead the group or the session
// (SysProcAttr.Setpgid, Setsid or Foreground), the init does, with the program in the
// group, and hands on what is sent to the init alone. The terminal's signals come once
// then, too; but what a process sends to that group comes to the program twice.
//
// It needs no helper program: it is a static executable of a few KiB in a
// sealed memfd, and has less than 40 KiB of memory while it runs.
//
// It cannot be traced by the program: it is not dumpable, and its image is
// executed in the caller's user namespace, in which a program has no right to
// trace what is not dumpable unless it keeps CAP_SYS_PTRACE there. For that reason its
// files in /proc belong to root, and an ordinary user enters its namespaces by
// its program's number; [Namespace] finds that.
//
// The attributes of the start apply to the init, and the program inherits
// them, except for SysProcAttr.Pdeathsig, which is about the init. Init cannot
// be combined with SysProcAttr.Ptrace.
type Init struct {
	// JobControl has the program stop and continue as a shell's job does. The
	// init leads the session, and the program gets a process group of its own in
	// the foreground of the controlling terminal: otherwise its group would be
	// an orphaned one, which the kernel does not let Ctrl-Z stop
	// (setpgid(2), tcsetpgrp(3)). It needs SysProcAttr.Setsid and Setctty, as
	// [Cmd.StartPTY] sets them, and implies ReportStops.
	JobControl bool

	// ReportStops has the init tell through Birth.Stops by which signal the program stops
	// and continues. Whoever waits for the init would not see it otherwise.
	ReportStops bool

	// Linger has the init outlive the program, as long as processes are left below it: none
	// of them is killed. Birth.Stops, which is there as for ReportStops, ends when the
	// program does, and [Birth.Ended] tells how.
	Linger bool

	// Visible leaves the init dumpable, so that the user who has started it may enter its
	// namespaces by its number. A program of the same user's can trace it then, unless the
	// init has a capability in its permitted set that the program has not: see Caps. Whoever filters
	// the program's system calls should see to that, since the init itself is not filtered.
	Visible bool

	// Keep are files that the init keeps open until its end, and that the program does not
	// get.
	Keep []*os.File

	// Locks are files by their paths in the program's root, of which the init has a lock for
	// reading until its end (F_SETLK in fcntl_locking(2)). The start fails if one does not
	// exist, or if another process has it locked for writing.
	Locks []string
}
