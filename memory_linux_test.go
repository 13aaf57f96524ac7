//go:build amd64 || arm64

package sprog

import "testing"

// standingAs makes starts, and plans, those of a process of that standing.
func standingAs(t *testing.T, s standing) {
	before := ownStanding
	t.Cleanup(func() { ownStanding = before })
	ownStanding = func() standing { return s }
}
