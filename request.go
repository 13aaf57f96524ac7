package sprog

import (
	"os"
	"time"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Options are what a start has beside what is asked for: whom it tells, and who may end it.
type options struct {
	birth  *birth  // is filled in, or nil
	tracer *tracer // or nil
	flight *flight // what may end the start, or nil

	// inspect, if not nil, is called with the programs of both stages when
	// they are compiled; the second may be nil. It is for tests.
	inspect func(first, second *program.Program)
}

// A birth tells what a start has made and applied. Its descriptors are its owner's
// to close.
type birth struct {
	Stops           *os.File // see Init.ReportStops
	End             *os.File // where an init tells the program's end
	SeccompListener *os.File
	Landlock        *spec.LandlockResult
	Namespaces      []namespaceID
	Cgroup          *cgroup.Group
}

// A namespaceID is what stat(2) tells of a namespace.
type namespaceID struct {
	Kind        spec.NamespaceKind
	Device, Ino uint64
}

// A planStep is one line of a plan.
type planStep struct{ By, Call, Text, Field string }

// A traceStep is one step that was run.
type traceStep struct {
	By, Call, Text, Field string
	Start, Duration       time.Duration
	Runs                  int
	Joined                bool
	Err                   error
}
