package sprog

import "github.com/sprog-dev/sprog/internal/program"

// Options are what a start has beside what is asked for: whom it tells, and who may end it.
type options struct {
	birth  *Birth  // is filled in; nil for the faces that have no attributes
	tracer *tracer // of Cmd.Trace, or nil
	flight *flight // what may end the start, or nil

	// inspect, if not nil, is called with the programs of both stages when
	// they are compiled; the second may be nil. It is for tests.
	inspect func(first, second *program.Program)
}
