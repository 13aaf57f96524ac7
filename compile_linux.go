//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The given is all that a program is compiled from: what is asked for, and what
// the parent has made, opened and found out for this attempt.
type given struct {
	ask     *spec.Start
	files   []spec.ChildFile // what is asked for, with the descriptors that there are for it
	uses    []use            // the parent's descriptors that steps need, besides the files
	enters  []use            // those of them that are a cgroup.procs to write to
	held    []heldFile       // all of them, and where the child finds them
	copied  bool             // the child is born with a copy of the parent's descriptor table
	highest int              // the highest descriptor that may be open, where the kernel lacks close_range
	lacks   kernel.Missing   // what the kernel is known not to have

	stageField  string // the field that needs a second stage, or ""
	image, pipe int    // its descriptors
	waitFD      int    // and, if it waits for the parent, that of a pipe
	stateFD     int    // and that of its state

	stderr    int           // of an Exec: this process's standard error, or -1
	programFD int           // the parent's descriptor of the program to execute
	dirFD     int           // that of the working directory
	procFD    int           // that of this process's /proc, or -1
	parentFD  int           // a pidfd of this process for the child to look at, or -1
	noPidFD   bool          // there is no descriptor left for one of the child
	childList bool          // /proc has a list of the init's children
	door      *machine.Door // what the child waits at for its listener to be taken, where it must not spin
	ppid      int
	clock     int32 // of the times that steps begin at, or noClock

	standing      // of this process, if there is a new user namespace
	hides    bool // the memory is undumpable before the birth
	carries  bool // capabilities have to outlast the execve of the second stage
	own      [kernel.CapSets]uint64
	core     unix.Rlimit // the limit on core files, to be put back
	guards   bool        // there is one, which is lowered meanwhile

	kernelCaps uint64 // the capabilities of the running kernel
	nofile     nofileLimit
	ruleFDs    []int // the descriptors of Landlock's rules that have a File, in their order

	joins  joins            // the namespaces to join
	locked spec.LandlockSet // what there is of Attr.Landlock
}

// A nofileLimit is what the limit on open files was before package syscall raised it.
type nofileLimit struct {
	Cur, Max uint64
	known    bool
	raised   bool // it is still what package syscall has made of it
}

// A compiled start is its programs, and where things are in them.
type compiled struct {
	first, second *program.Program // second is nil unless there is such a stage

	firstMask program.Arg      // the word with the signal mask of the parent
	goWord    program.Arg      // the word that the rendezvous waits for
	handover  machine.Handover // of the descriptor that the child hands to its parent, if it has one
	ids       []program.Arg    // where the child puts the ids of namespaces

	childPid, childPidFD, childLeft program.Arg // of the process that goes on, where one is made on the way

	report     int         // the number of the second stage's pipe; of an Exec, the standard error's
	tellTo     program.Arg // of an Exec: the word with the number that it has now
	executable int         // the number of the program when it is executed
	mapped     int         // the step that maps the second stage's state
	meetAt     int         // the step of the second stage that has the parent write the maps
	initStep   int         // the init's first step, or 0
	initClone  int         // the step that makes its child
	settled    int         // the first one that is run only once that has executed the program
	firstStep  int         // that of the init's child
}

// A builder compiles a request into the program that the child runs. It
// touches nothing but its own memory: the descriptors that it names are held
// by somebody else.
type builder struct {
	ask   *spec.Start
	given *given
	made  compiled

	p          *program.Program // of the stage that is being built
	table      fdTable
	labels     []openLabel // the files that take the program's labels
	mask       program.Arg // the word with the signal mask to restore
	stateLast  int         // the number of the file with the state, for the init
	children   int         // the number of the list of the init's children, or -1
	ruleset    int         // the number of Landlock's ruleset, or notOpen
	guardsCore bool        // the limit on core files is still to be put back
}

// compile makes the programs.
func compile(g *given, m *compileMemory) compiled {
	b := m.begin(g)
	first := b.p
	first.Reset()
	if g.stageField != "" {
		b.made.second = &m.second
	}
	b.mask = first.Words(0)
	first.Label(b.mask, "mask")
	b.made.firstMask = b.mask
	b.steps()
	b.p = first
	b.noteTimes()
	return b.made
}

// steps emits the child's program. The order of what SysProcAttr asks for is
// that of package syscall; every step says why it stands where it does.
func (b *builder) steps() {
	b.coreOff()       // before anything can kill the child
	b.resetHandlers() // before any signal is unblocked
	b.join()          // with the parent's descriptors, into which a pidfd may go
	b.ownFiles()      // until then the child shares the parent's descriptor table
	b.beginInPlace()  // of an Exec: as soon as there is a number for the standard error
	b.enterCgroups()  // before namespaces and rights: a cgroup namespace begins where its maker is
	b.bornInPlace()   // of an Exec: what a child has from its birth
	b.meetParent()    // before anything that the new user namespace's ids decide
	b.splitStage()    // after all that needs the parent's memory, before all that takes rights away
	b.oomScoreAdj()   // in memory of its own, while that is dumpable and the file not root's
	b.thpDisable()    // likewise: it is the memory's
	b.mdwe()          // likewise
	b.joinLate()      // what the first stage could not or should not
	b.enterLate()     // new namespaces, which belong to the joined ones
	b.openChildren()  // of the process that stays; no other is to see it
	b.openNull()      // before chroot and credentials: /dev/null is the parent's
	b.keepCaps()      // before the credentials that it is about
	b.setsid()
	b.setpgid()              // a session leader has its group already
	b.foreground()           // with the group made, and signals still blocked
	b.dispositions()         // no signal can come yet
	b.signalMask()           // after TIOCSPGRP, which would send SIGTTOU
	b.rlimits()              // before the privileges go that raising a limit takes
	b.nice()                 // with the limit that allows it, and before the privileges go
	b.affinity()             // a deadline policy fixes it
	b.scheduler()            // it takes the nice value along
	b.numa()                 // before the memory is touched that the program begins with
	b.ioPriority()           // before the privileges go that the real-time class takes
	b.timerSlack()           // after the policy, which resets it
	b.coreSched()            // before the credentials that decide whose group can be joined
	b.unshare()              // while still privileged; its id maps at once, for what follows
	b.timeOffsets()          // before anybody is in the new time namespace
	b.hostname()             // in the namespaces, with the rights that come with them
	b.sysctls()              // likewise
	b.loopback()             // likewise
	b.forbidUserNamespaces() // after all that takes rights in the other namespaces
	b.reportNamespaces()     // the last one has been entered
	b.openLabels()           // the last that needs the caller's /proc
	b.closeProc()            // before a path is followed that leads through another root
	b.landlockFiles()        // likewise: it closes what is a directory of the caller's
	b.chroot()               // after unshare: it is the new mount namespace that changes
	b.denyTIOCSTI(false)     // while CAP_SYS_ADMIN is effective, which setuid ends
	b.dropBounding()         // while CAP_SETPCAP is effective, which setuid ends
	b.credentials()          // groups, gid, uid: each step takes away the right to the one before
	b.capabilities()         // after setuid, which clears most of them (capabilities(7))
	b.sessionKeyring()       // it belongs to the user who makes it
	b.writeLabels()          // with the child's credentials, and before no_new_privs restricts them
	b.personality()          // nothing more of the child's own depends on it
	b.chdir()                // with the child's credentials, inside the new root
	b.umask()                // before the child creates a file
	b.parentDeathSig()       // after setuid, which clears it (PR_SET_PDEATHSIG(2const))
	b.landlock()             // with the child's credentials, in its root; the limit on open files still leaves descriptors
	b.placeFiles()           // the last step that needs the parent's numbers is done; opens paths as the program could
	b.noctty()               // on descriptor 0 as the child has it
	b.setctty()              // on a number of the child's
	b.nofile()               // after the last descriptor is made: the limit may be below the numbers used
	b.noNewPrivs()           // after all that needs privileges
	b.denyTIOCSTI(true)      // with no_new_privs, which allows it
	b.finish()
}

func (b *builder) add(field string, call program.Call, args ...program.Arg) *program.Step {
	return b.p.Add(field, call, args...)
}

// num shortens the arguments that are numbers.
func num[T ~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64 | ~uintptr](n T) program.Arg {
	return program.Num(n)
}
