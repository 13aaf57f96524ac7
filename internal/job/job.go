// Package job is a process that was started, and all that is below it: how it is ended, how
// far that reaches, and what it has used.
package job

// A Reach is how far a kill has reached, or can.
type Reach int

// They are those of package sprog.
const (
	Nothing Reach = iota
	Process
	Children
	Descendants
	Namespace
	Cgroup
)
