package sprog

import "syscall"

// Signals says how the program finds its signals: which are blocked, and which
// it ignores. See signal(7).
//
// By default a program begins as any child of this process would: blocked is
// what the thread blocks that starts it (or the package's own thread, with
// SysProcAttr.Pdeathsig), ignored is what this process ignores, and what this
// process catches has its default action. What is ignored and what is blocked
// lasts through every execve and fork after that, until a program says
// otherwise.
type Signals struct {
	// Mask, if not nil, holds exactly the signals that are blocked; an empty
	// list blocks none. Nil leaves the mask of the thread that starts the
	// process.
	Mask []syscall.Signal
	// Ignore are signals that are ignored. Others are if this process ignores
	// them. Of what it was itself started with, Go's runtime keeps only HUP, INT and
	// the signals of job control ignored.
	Ignore []syscall.Signal
	// Default are signals that have their default action, though this process
	// ignores them.
	Default []syscall.Signal
	// AllDefault gives every signal its default action, except those in Ignore.
	AllDefault bool
}
