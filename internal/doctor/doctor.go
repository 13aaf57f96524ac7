// Package doctor finds out what can be used here, by starts that fail on purpose where
// they would execute a program.
package doctor

import "github.com/sprog-dev/sprog/internal/terms"

// Feature, Support and Answer are what package sprog calls so.
type (
	Feature struct {
		Name, Group, Since string
		For                terms.Text
	}
	Support struct {
		Answer     Answer
		Reason     terms.Text
		Capability string
	}
	Answer int
)

// The answers.
const (
	Unknown Answer = iota
	Yes
	No
)

func (a Answer) String() string { return [...]string{"unknown", "yes", "no"}[a] }
