//go:build amd64 || arm64

// Package explain looks for the reason why a step of a start has failed. It starts
// nothing and changes nothing.
package explain

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Hints are the reasons that an errno does not tell. They are looked for only after a
// failure (for an Exec, before: nobody is there afterwards), and may cost what they
// like. Three rules hold. A hint says what it has seen; where it cannot tell, it says
// what is likely in words that say so, or nothing. It changes nothing. It waits for
// nobody: it looks at files without opening them (O_PATH), one component of a path
// after the other, it reads only what the kernel has just read itself, and it gives up
// after a second in a root that others have prepared.

// A Failure is a step that the kernel has refused.
type Failure struct {
	Ask   *spec.Start
	E     *spec.Error
	Errno unix.Errno
	Facts
}

// Facts are what the start knows of its attempt besides the failed step.
type Facts struct {
	Born       bool          // it was not the making of the child that failed
	Joined     []spec.Joined // the namespaces that were to be joined
	Lacks      kernel.Missing
	Locked     spec.LandlockSet // what was to be applied of Attr.Landlock
	ProgramFD  int              // this process's descriptor of Attr.Program
	Executable int              // its number when it is executed
	DirFD      int              // this process's descriptor of Attr.DirFile
	Mounts     ViewFacts        // what the child has told of its view
	CgroupSays terms.Text       // what the counters of the new cgroup said
}

// joins reports whether a namespace of the kind was to be joined.
func (f Failure) joins(kind spec.NamespaceKind) bool { return spec.Holds(f.Joined, kind) }
