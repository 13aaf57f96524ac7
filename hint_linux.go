//go:build amd64 || arm64

package sprog

import (
	"slices"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// failed puts together what is known of a step that has failed.
func (s *starter) failed(e *spec.Error, res machine.Result) explain.Failure {
	return explain.Failure{Ask: s.ask, E: e, Errno: res.Errno, Facts: explain.Facts{
		Born: !s.atBirth(res), Joined: slices.Concat(s.given.Joins.List, s.given.Joins.Late), Lacks: s.given.Lacks, Locked: s.given.Locked,
		ProgramFD: s.given.ProgramFD, Executable: s.made.Executable, DirFD: s.given.DirFD, CgroupSays: s.cgroupSays,
	}}
}
