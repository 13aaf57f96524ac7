package launch

import (
	"os"
	"time"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Options are what a start has besides what is asked for: whom it tells, and what may
// end it.
type Options struct {
	Birth  *Birth  // is filled in, or nil
	Tracer *Tracer // is told of each phase, or nil
	Flight *Flight // what may end the start, or nil
	// Born, if not nil, is called with the process's number as soon as that is in its
	// namespaces, before its maps are written. The child waits.
	Born func(pid int) error
	// Told, if not nil, is called with the number of each process that there is, and
	// nobody waits for it.
	Told func(pid int)

	// UntilEnd, if not nil, allows the start to last until the process has ended, and is told when there is one.
	// Start then returns no process, and whoever was told reaps it. It is for starts that ask for nothing
	// besides the program and its files, and that nothing is to end.
	UntilEnd interface {
		Began(r *spec.Start, b *Birth, pid int)
	}

	waiting keeper // takes over what the start of a child that waits has made; nil for others

	// Words are those in which an Exec is to say why it has failed. Other errors are
	// put into words by whoever shows them.
	Words terms.Words

	// PlanText is the plan as a launcher has it in a note.
	PlanText func([]PlanStep) string

	// Inspect, if not nil, is called with the programs of both stages when
	// they are compiled; the second may be nil. It is for tests.
	Inspect func(first, second *program.Program)
}

// A Birth tells what a start has made and applied. Its descriptors are its owner's
// to close.
type Birth struct {
	Stops           *os.File // see Init.ReportStops
	End             *os.File // where an init tells the program's end
	SeccompListener *os.File
	Landlock        *spec.LandlockResult
	Namespaces      []NamespaceID
	Cgroup          *cgroup.Group
	View            *View
}

// A View tells what was made of the mounts: indexes in Attr.Mounts.
type View struct{ LeftOut, Fallbacks []int }

// A NamespaceID is what stat(2) tells of a namespace.
type NamespaceID struct {
	Kind        spec.NamespaceKind
	Device, Ino uint64
}

// A PlanStep is one line of a plan.
type PlanStep struct{ By, Call, Text, Field string }

// A TraceStep is one step that was run.
type TraceStep struct {
	By, Call, Text, Field string
	Start, Duration       time.Duration
	Runs                  int
	Joined                bool
	Err                   error
}
