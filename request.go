package sprog

import (
	"cmp"
	"slices"
	"syscall"

	"github.com/sprog-dev/sprog/internal/program"
)

// A request is one start, in the one form that every face of the package is
// brought into before it is compiled: [Cmd.Start], [StartProcess] and
// [ForkExec] differ only in how they fill it in.
type request struct {
	path      string
	argv, env []string
	dir       string
	files     []childFile // by their numbers in the child, ascending
	sys       *syscall.SysProcAttr
	attr      *Attr

	idMaps
	inPlace bool // this process is to become the program

	// filters are what Attr.Seccomp asks for, once it has been checked.
	filters []filter

	groups []uint32 // what Attr.Groups comes to
	caps   capEdits // what Attr.Caps and Securebits come to
	secure edit

	joinsUser bool // Attr.Join has a user namespace that is not this process's
}

// Options are what a start has beside what is asked for: whom it tells, and who may end it.
type options struct {
	birth  *Birth  // is filled in; nil for the faces that have no attributes
	tracer *tracer // of Cmd.Trace, or nil
	flight *flight // what may end the start, or nil

	// inspect, if not nil, is called with the programs of both stages when
	// they are compiled; the second may be nil. It is for tests.
	inspect func(first, second *program.Program)
}

// A filter is a seccomp filter to be set.
type filter struct {
	code    []byte // as the kernel reads it
	field   string
	flags   int
	listens bool // it comes with a listener
	silent  bool // it may keep the child from reading the clock, or tell of it
}

// A childFile says what one descriptor of the child refers to.
type childFile struct {
	n      int // its number in the child
	source fileSource
	unset  bool   // it is what a field of Cmd's stands for that was not set
	fd     int    // the parent's descriptor, for fromParent and inline; the child's, for sameAs
	file   *File  // for opened and inline
	field  string // the field that asked for it
}

type fileSource uint8

const (
	closed     fileSource = iota // the descriptor is not open in the child
	fromParent                   // a descriptor of the parent
	nullRead                     // /dev/null, opened by the child for reading
	nullWrite                    // /dev/null, opened by the child for writing
	pipeEnd                      // a pipe that Start will make; in plans only
	inline                       // a file with given content, which the parent makes
	opened                       // a path, opened by the child
	sameAs                       // the file of another number of the child's
	inherited                    // a descriptor of the parent that stays as it is
)

// held reports whether the file is one of the parent's descriptors.
func (f *childFile) held() bool {
	return f.source == fromParent || f.source == pipeEnd || f.source == inline || f.source == inherited
}

// fileAt returns the index of the child's file of a number, or -1.
func (r *request) fileAt(n int) int { return indexOfFile(r.files, n) }

func indexOfFile(files []childFile, n int) int {
	if 0 <= n && n < len(files) && files[n].n == n { // no number before it is missing
		return n
	}
	i, ok := slices.BinarySearchFunc(files, n, func(f childFile, n int) int { return cmp.Compare(f.n, n) })
	if !ok {
		return -1
	}
	return i
}
