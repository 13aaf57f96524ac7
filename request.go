package sprog

import (
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
	files     []childFile // entry i becomes the child's descriptor i
	sys       *syscall.SysProcAttr
	attr      *Attr
	inPlace   bool // this process is to become the program

	// birth is what the start tells; nil for the faces that have no attributes.
	birth *Birth

	// inspect, if not nil, is called with the programs of both stages when
	// they are compiled; the second may be nil. It is for tests.
	inspect func(first, second *program.Program)
}

// A childFile says what one descriptor of the child refers to.
type childFile struct {
	source fileSource
	fd     int    // the parent's descriptor, for fromParent
	field  string // the field that asked for it
}

type fileSource uint8

const (
	closed     fileSource = iota // the descriptor is not open in the child
	fromParent                   // a descriptor of the parent
	nullRead                     // /dev/null, opened by the child for reading
	nullWrite                    // /dev/null, opened by the child for writing
	pipeEnd                      // a pipe that Start will make; in plans only
)
