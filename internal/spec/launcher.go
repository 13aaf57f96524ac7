package spec

import (
	"slices"
	"strings"
)

// A Launcher is what a compiled start has besides what it asks for: it is run by a file of its
// own, later, elsewhere and by somebody else. So nothing of this process has a part in it.
type Launcher struct {
	Arch       string   // of GOARCH
	AppendArgs bool     // its own arguments follow those of the program
	PassEnv    []string // names of its own variables that the program gets; "*" is all of them
	UnsetEnv   []string // and of those that it does not
	OpenFirst  []int    // numbers of files with a path that are opened before anything is changed
	Cgroup     string   // the directory of a cgroup to enter, or ""
	Privileged bool     // it may have rights that its caller lacks
	Freeze     bool     // what depends on this machine is as it is now
	Line       string   // what it was made from, for its note
}

// VariableName is the name of a variable, NAME=VALUE.
func VariableName(kv string) string {
	name, _, _ := strings.Cut(kv, "=")
	return name
}

// OwnID is an id of whoever runs a launcher, in a map.
const OwnID = -1

// passesAll reports whether the program gets all variables but those that are unset.
func (l *Launcher) PassesAll() bool { return slices.Contains(l.PassEnv, "*") }
