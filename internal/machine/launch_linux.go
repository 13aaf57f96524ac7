//go:build amd64 || arm64

package machine

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// A Launch is a program and how the child that runs it comes to be.
type Launch struct {
	Program *program.Program
	// Mask is a word of the program's data. It receives the calling thread's
	// signal mask before the child is made, for the step that restores it.
	Mask program.Arg
	// Namespaces are CLONE_NEW flags for the birth itself.
	Namespaces uint64
	// Cgroup is a descriptor of the cgroup that the child is born in, or -1.
	Cgroup int
	// CopyFiles gives the child a copy of the descriptor table at once. It
	// is for kernels where the program cannot unshare a part of it.
	CopyFiles bool
	// Vfork has the birth last until the child has left the parent's memory
	// (CLONE_VFORK). The kernel's OOM killer spares a child in that state,
	// and so its parent: it kills every process that shares the memory of the
	// one that it has chosen (in_vfork in mm/oom_kill.c). It is for children
	// that are born in, or go to, a cgroup that their parent is not in. It
	// is left out with OldClone if the parent has a part in the start. Do sets
	// it where the wait needs it; see [Launch.waitInKernel].
	Vfork bool
	// OldClone uses clone(2). The program must then reset the signal
	// handlers itself.
	OldClone bool
	// NoPidFD does without a pidfd.
	NoPidFD bool
	// Plain makes the child as vfork(3) does, with no flags besides, for
	// emulators that know no other way without threads. They may turn it into
	// a fork, so the program runs in memory that a fork leaves shared.
	Plain bool
	// Permanent has the child be that of a thread which lives as long as the
	// process, so that its parent-death signal means the process's death.
	Permanent bool
	// Credentials says that the program changes credentials, which makes
	// the shared memory undumpable; see dumpable.
	Credentials bool
	// Hides says that the shared memory is undumpable from before the birth
	// on: the program enters namespaces in which others have rights over it.
	Hides bool
	// Rendezvous, if not nil, is called while the child waits for the word
	// Go of the program's data. The child is killed if it fails.
	Rendezvous func(pid int) error
	Go         program.Arg
	// Handover, if not nil, is a descriptor that the child hands to the parent
	// at its end.
	Handover *program.Handover
	// Door, if not nil, is what the child waits at for that, instead of the word.
	Door *Door
	// Sibling, if not nil, says which step makes the process that goes on.
	Sibling *Sibling
	// ReadsProc says that the rendezvous, or the child itself, needs the
	// child's files in /proc to belong to the caller.
	ReadsProc bool
	// UntilEnd, if not nil, has the launch last until the child has ended, and leaves it to be reaped: the caller would
	// wait for that anyway, and sleeps once instead of twice. It is told of the child. It is for one whose parent has no part
	// in its start and is to have no pidfd of it. Do clears it where the kernel has to tell more.
	UntilEnd interface{ Began(pid int) }
	// Times, if not nil, is filled in.
	Times *Times
	// Stop, if not nil, may end the launch. What becomes of a child that does not die
	// then is nobody's business any more.
	Stop *Stop

	// Told, if not nil, is called with the number of each child that there is.
	Told func(pid int)

	looks bool // the parent has to look whether the child has executed; no word tells
}

// A Result is how a launch ended.
type Result struct {
	Pid   int
	PidFD int // -1 if there is none
	Taken int // the descriptor that was handed over, or -1

	OK bool // the child has executed its program

	// If not OK, nothing is left of the child.
	Place  Place          // what failed
	Step   int            // the step of the program, for InChild and InSecond
	Errno  syscall.Errno  // the kernel's answer, or 0
	Signal syscall.Signal // the signal that killed the child, or 0
	Err    error          // the rendezvous' error

	code  int   // what the child exited with
	ended bool  // the child had come to its end before the parent's part failed
	over  bool  // nothing is left of the child already
	stop  *Stop // of the launch
}

// A Place is where a launch failed.
type Place uint8

const (
	AtBirth      Place = iota // the child could not be made
	AtMeeting                 // the parent's part of the rendezvous
	AtHandover                // taking the descriptor that the child hands over
	InChild                   // a step of the program
	InSecond                  // a step of the second stage
	SecondItself              // the second stage was killed; at which step is not known
)

// firstClass is what the launch is, until its rendezvous, with regard to the
// dumpable flag. Root reaches /proc without the flag.
func (l *Launch) firstClass() class {
	switch {
	case l.Hides:
		return clearing
	case l.ReadsProc && os.Geteuid() != 0:
		return needing
	case l.Credentials:
		return clearing
	}
	return none
}

// Flags are the flags that the child is cloned with.
func (l *Launch) Flags() uint64 {
	if l.Plain {
		return unix.CLONE_VM | unix.CLONE_VFORK | l.Namespaces
	}
	flags := plainFlags | l.Namespaces
	if l.looks {
		flags &^= unix.CLONE_CHILD_CLEARTID
	}
	if l.CopyFiles {
		flags &^= unix.CLONE_FILES
	}
	if l.NoPidFD || l.UntilEnd != nil {
		flags &^= unix.CLONE_PIDFD
	}
	if l.UntilEnd != nil { // nobody looks at the word
		flags &^= unix.CLONE_CHILD_CLEARTID
	}
	if l.Cgroup >= 0 {
		flags |= cloneIntoCgroup
	}
	switch {
	case l.Vfork && !l.needsParent():
		flags |= unix.CLONE_VFORK
		if l.Stop != nil && (!l.OldClone || l.NoPidFD) {
			flags |= unix.CLONE_PARENT_SETTID
		}
	case l.Vfork && !l.OldClone: // clone(2) has one argument for the pidfd and the pid
		flags |= unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID
	}
	return flags
}

// needsParent reports whether the child waits for the parent before it executes
// its program.
func (l *Launch) needsParent() bool { return l.Rendezvous != nil || l.Handover != nil }

func word32(p *program.Program, word program.Arg) *uint32 {
	return (*uint32)(unsafe.Pointer(&p.Data[word.Value]))
}

// A Sibling says where the first child makes a second one, a sibling of its own
// (CLONE_PARENT), and ends. The sibling goes on with the program. It is for what
// a process cannot do to itself, such as to enter a PID namespace. The step
// is marked as such in the program. All are words of the program's data.
type Sibling struct {
	// Pid receives the second child's number. It is 0 as long as there is none.
	Pid program.Arg
	// PidFD receives its pidfd, and is -1 without one.
	PidFD program.Arg
	// Left is cleared when it has left the parent's memory, and not 0 before.
	Left program.Arg
}
