// Package spec is what is asked for: plain data, and the checks that need nothing
// but the data. It opens nothing, asks the kernel nothing and starts nothing.
//
// A Start is filled in by whoever asks, checked once, completed once by what the
// machine says (its last fields), and never changed after that.
package spec

import (
	"cmp"
	"slices"
	"syscall"
)

// A Start is one start, in the one form that every way to ask for one is
// brought into: Cmd.Start, StartProcess and ForkExec differ only in how they fill
// it in.
type Start struct {
	Path      string
	Argv, Env []string
	Dir       string
	Files     []ChildFile // by their numbers in the child, ascending
	Sys       *syscall.SysProcAttr
	Attr      *Attr

	IDMaps
	InPlace bool // this process is to become the program
	Waits   bool // the child waits for the rest of its program, once it is born

	// Launcher, if not nil, says that a file of its own is to run the start, which is InPlace then.
	Launcher *Launcher

	// Filters are what Attr.Seccomp asks for, once it has been checked.
	Filters []Filter

	Groups []uint32 // what Attr.Groups comes to
	Caps   CapEdits // what Attr.Caps and Securebits come to
	Secure Edit

	// ExeIsSafe says that the program could not write to the file that this process
	// executes, if it got hold of it.
	ExeIsSafe bool

	// ByMount says that the kernel has no calls for mounts but mount(2), which names open files in
	// the caller's /proc.
	ByMount bool

	// Last, if not nil, is a start in the user namespace that the program enters when all else is set up.
	Last *Start
	// Watched says that somebody is told of the process while it waits, before its maps are written.
	Watched bool

	JoinsUser bool // Attr.Join has a user namespace that is not this process's
}

// A Filter is a seccomp filter to be set.
type Filter struct {
	Code    []byte // as the kernel reads it
	Field   string
	Flags   int
	Listens bool // it comes with a listener
	Silent  bool // it may keep the child from reading the clock, or tell of it
}

// A ChildFile says what one descriptor of the child refers to.
type ChildFile struct {
	N      int // its number in the child
	Source FileSource
	Unset  bool   // the field that it comes from was not set
	Fd     int    // the parent's descriptor, for FromParent and Inline; the child's, for SameAs
	File   *File  // for Opened and Inline
	Field  string // the field that asked for it
}

// A FileSource is where a file of the child's comes from.
type FileSource uint8

const (
	Closed      FileSource = iota // the descriptor is not open in the child
	FromParent                    // a descriptor of the parent
	NullRead                      // /dev/null, opened by the child for reading
	NullWrite                     // /dev/null, opened by the child for writing
	PipeEnd                       // a pipe that Start will make; in plans only
	Inline                        // a file with given content, which the parent makes
	Opened                        // a path, opened by the child
	SameAs                        // the file of another number of the child's
	Inherited                     // a descriptor of the parent that stays as it is
	OpenedFirst                   // a path, opened before anything is changed; in launchers only
	MadeFirst                     // a file with given content, made by the launcher itself
)

// Held reports whether the file is one of the parent's descriptors.
func (f *ChildFile) Held() bool {
	return f.Source == FromParent || f.Source == PipeEnd || f.Source == Inline || f.Source == Inherited
}

// FileAt returns the index of the child's file of a number, or -1.
func (r *Start) FileAt(n int) int { return IndexOfFile(r.Files, n) }

// IndexOfFile returns the index of the file of a number in a list, or -1.
func IndexOfFile(files []ChildFile, n int) int {
	if 0 <= n && n < len(files) && files[n].N == n { // no number before it is missing
		return n
	}
	i, ok := slices.BinarySearchFunc(files, n, func(f ChildFile, n int) int { return cmp.Compare(f.N, n) })
	if !ok {
		return -1
	}
	return i
}

// An Edit changes a set of bits.
type Edit struct{ Clear, Set uint64 }

// CapEdits are the changes to the five sets.
type CapEdits [5]Edit

var noSysProcAttr syscall.SysProcAttr

// NoAttr asks for nothing.
var NoAttr Attr
