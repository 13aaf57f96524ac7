package program

// A Start is what the verifier knows of one start: the programs of its stages,
// and the descriptors that the child begins with.
type Start struct {
	First, Second *Program // Second may be nil
	// Rest is what the second stage goes on with where it leaves its own program, or nil. It has
	// received files by then, at the lowest numbers.
	Rest     *Program
	Received int
	Open     []Open
	// Shared says that the child shares the parent's table to begin with.
	Shared bool
	// Highest is the highest descriptor that may be open in the parent, or -1
	// if that is not known. Every number up to it that Open leaves out may be
	// any file of the parent's.
	Highest int
	// Begin is the step that the child is as described at: a launcher first fills its streams.
	Begin int
	// Given are the numbers at which the program is to have a file.
	Given []int
}

// An Open is a descriptor that the child begins with.
type Open struct {
	FD      int
	Kind    FileKind
	Cloexec bool
}

// A FileKind says what harm a descriptor can do to a child that follows a path
// which somebody else has prepared: a link to /proc/self/fd/N leads to whatever
// is open at that number.
type FileKind uint8

const (
	Harmless      FileKind = iota // a pipe, a namespace, a file of the start's own
	HostDirectory                 // leads out of any root, by ".."
	HostFile                      // a file of the host's that can be written to
	OfView                        // a part of the view that the program is to have
	ForProgram                    // asked for: the program itself will have it
)

// Compiled, if not nil, is called with every start that is compiled. Tests have
// it verify the start.
var Compiled func(*Start)
