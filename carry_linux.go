//go:build amd64 || arm64

package sprog

import (
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
)

// findCaps decides whether there is something to take along.
func (s *starter) findCaps() {
	if s.given.Standing == (compile.Standing{}) {
		s.given.Standing = ownStanding()
	}
	if s.given.Carries = !s.given.Root && s.given.Capable; s.given.Carries {
		s.given.Own = kernel.OwnSets()
	}
}
