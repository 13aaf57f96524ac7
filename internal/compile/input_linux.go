//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// An Input is all that a program is compiled from: what is asked for, and what the
// parent has made, opened and found out for this attempt.
type Input struct {
	Ask     *spec.Start
	Files   []spec.ChildFile // what is asked for, with the descriptors that there are for it
	Uses    []Use            // the parent's descriptors that steps need, besides the files
	Enters  []Enter          // those of them that are a cgroup.procs to write to
	Copied  bool             // the child is born with a copy of the parent's descriptor table
	Highest int              // the highest descriptor that may be open, where the kernel lacks close_range
	Lacks   kernel.Missing   // what the kernel is known not to have

	// These are what Uses has at an index, or NotOpen: the descriptors of the second
	// stage, of an Exec's standard error and cgroup, and so on.
	Image, Pipe, StateFD int
	RestFD               int // where a child waits for the rest of its program
	WaitFD               int // what a second stage waits at for the parent
	SocketsFD            int // what it sends the sockets of Attr.Sockets through
	Stderr, CgroupFD     int // of an Exec
	ProgramFD, DirFD     int
	WaitForFD, UserFD    int
	KeepFDs              []int // what an init keeps
	TerminalFD           int   // Ctty, for Foreground
	ProcFD               int   // this process's /proc
	ParentFD             int   // a pidfd of this process, for the child to look at

	StageField string // the field that needs a second stage, or ""
	Relimits   bool   // the rest has other limits than the child was born with
	NoPidFD    bool   // there is no descriptor left for one of the child
	ChildList  bool   // /proc has a list of the init's children
	Door       uint64 // the address of what the child waits at for its listener to be taken, where it must not spin, or 0
	Ppid       int
	Clock      int32 // of the times that steps begin at, or NoClock

	Standing      // of this process, if there is a new user namespace
	Hides    bool // the memory is undumpable before the birth
	Carries  bool // capabilities have to outlast the execve of the second stage
	Own      [kernel.CapSets]uint64
	Core     unix.Rlimit // the limit on core files, to be put back
	Guards   bool        // there is one, which is lowered meanwhile

	KernelCaps uint64 // the capabilities of the running kernel
	Nofile     Nofile
	RuleFDs    []int // what Uses has for Landlock's rules that have a File, in their order

	Trees []Tree // what this process has opened of the view

	Joins  Joins            // the namespaces to join
	Locked spec.LandlockSet // what there is of Attr.Landlock
}

// A Nofile is what the limit on open files was before package syscall raised it.
type Nofile struct {
	Cur, Max uint64
	Known    bool
	Raised   bool // it is still what package syscall has made of it
}

// A Plan is what an input compiles to: the programs, and where things are in them.
type Plan struct {
	First, Second *program.Program // second is nil unless there is such a stage

	Held []Held // the parent's descriptors, whose numbers a start fills in

	FirstMask program.Arg      // the word with the signal mask of the parent
	GoWord    program.Arg      // the word that the rendezvous waits for
	Handover  program.Handover // of the descriptor that the child hands to its parent, if it has one
	View      ViewReport       // of the mounts
	Waiting   Waiting          // of a child that waits for the rest
	Ids       []program.Arg    // where the child puts the ids of namespaces

	ChildPid, ChildPidFD, ChildLeft program.Arg // of the process that goes on, where one is made on the way

	NotFound   int         // of a launcher: the step that executes nothing, since the program is not there; or 0
	OwnIDs     []OwnID     // of a launcher: what it fills in before it begins
	Report     int         // the number of the second stage's pipe; of an Exec, the standard error's
	TellTo     program.Arg // of an Exec: the word with the number that it has now
	Executable int         // the number of the program when it is executed
	Mapped     int         // the step that maps the second stage's state
	MeetAt     int         // the step of the second stage that has the parent write the maps
	initStep   int         // the init's first step, or 0
	InitClone  int         // the step that makes its child
	Settled    int         // the first one that is run only once that has executed the program
	FirstStep  int         // that of the init's child

	moves      moves
	filled     int           // of a launcher: the first step that finds its streams open
	told       int           // of an Exec: which of Held the standard error is, or NotOpen
	joined     []program.Arg // the holes of the namespaces that the first stage joins
	last       *program.Program
	path, dir  program.Arg // the holes in that
	argv, env  program.Arg
	others     [][2]program.Arg // the same of other files that may be executed
	pwd        program.Arg      // the text of PWD, if the child finds out what that is
	cwd, again program.Arg      // those of a view: the caller's directory, the path once more
}

// Runs is who runs a step of the second stage.
func (c *Plan) Runs(step int) string {
	switch {
	case c.initStep == 0 || step < c.initStep:
		return "child"
	case step < c.FirstStep:
		return "init"
	}
	return "program"
}

// An OwnID is a place for an id of whoever runs a launcher.
type OwnID struct {
	Last  program.Arg // the last of ten blanks
	Group bool
}

// An Enter is a cgroup to enter: what Uses has for its cgroup.procs.
type Enter struct {
	Hole  int
	Field string
}

// A Standing is what this process is to other processes of its user.
type Standing struct {
	// Root says that it owns the files in /proc that belong to root, and so does the
	// child. It may have a right to write to them otherwise (CAP_DAC_OVERRIDE), which the
	// child has not got inside.
	Root bool
	// Capable says that it holds capabilities.
	Capable bool
	// Guarded says that there may be some that have no right to trace it: those that lack a
	// capability of its or one of its ids, or any, where it is not dumpable or Yama restricts
	// them (ptrace(2)). Other security modules judge the child as they do the parent.
	Guarded bool
}

// Joins is what the start knows of the namespaces to join.
type Joins struct {
	List         []spec.Joined // in the order in which they are joined
	Late         []spec.Joined // those that are joined in the second stage
	Privileged   bool          // the caller needs no right that only the user namespace gives
	MakesSibling bool          // a process that is made on the way goes on

	NullReader, NullWriter int // what Uses has for the caller's /dev/null, or NotOpen
}

// A Tree is a file or a directory that is to be mounted, and that this process has open: as a
// mount that it has made, or else by the path that leads to it.
type Tree struct {
	Mount        int // the index in Attr.Mounts, or -1 for the root
	Hole         int // what Uses has for the mount, or NotOpen
	LeftOut      bool
	Path         string
	Inode        uint64
	Major, Minor uint32
}

// treeOf is the tree of a mount, or nil.
func (g *Input) treeOf(mount int) *Tree {
	for i := range g.Trees {
		if g.Trees[i].Mount == mount {
			return &g.Trees[i]
		}
	}
	return nil
}

// Has reports whether a namespace of the kind is joined.
func (j *Joins) Has(kind spec.NamespaceKind) bool {
	return spec.Holds(j.List, kind) || spec.Holds(j.Late, kind)
}

// Rank is a kind's place in the order. What is left once the user namespace
// has its place does not matter, but that a time namespace takes a second stage.
func (j *Joins) Rank(kind spec.NamespaceKind) int {
	if kind == spec.UserNamespace && j.Privileged {
		return len(spec.NamespaceKinds)
	}
	for i, k := range spec.NamespaceKinds {
		if k.Kind == kind {
			return i
		}
	}
	return -1
}

// moves is the room in a program for the steps that put the parent's descriptors to where
// the child is to have them.
type moves struct {
	first, end int         // its steps
	top        int         // the end of the numbers that the child is to have
	cut        program.Arg // the hole for the end of those that it is born with
	highest    program.Arg // the hole for the end of those that may be open, where the kernel lacks close_range
	from       []int       // for each of the descriptors where it is, or moved
}

// isOld reports whether the kernel has only mount(2).
func (g *Input) isOld() bool { return g.Lacks.Has(kernel.NoMountSetattr) }

// A Waiting is what the rest of a program has to know of the child that waits for it.
type Waiting struct {
	held      []Held
	open      fdSet
	socket    int
	ruleset   int
	children  int
	stateLast int
	report    int
}
