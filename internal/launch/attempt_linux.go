//go:build amd64 || arm64

package launch

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// An attempt is one go at a start. A start has several where the kernel turns out to
// lack a call, or a program is busy.
type attempt struct {
	ask   *spec.Start
	to    Options
	given compile.Input
	made  compile.Plan
	tried tried
	// start is Start, for a process that the preparations need. By its name they would be a circle.
	start func(*spec.Start, Options) (*os.Process, error)

	memory   *memory
	launch   machine.Launch
	stage    *machine.Second
	door     *machine.Door // what a child waits at that must not spin, or nil
	terminal terminal
	ends     []func(started bool)

	group      *cgroup.Group // what Attr.Cgroup has asked for
	cgroupSays terms.Text    // what its counters said when the start had failed
	handler    int           // of an Exec: the first step after a failure

	meeting     meeting         // of Attr.Meet
	restSocket  int             // this process's end of what a child waits at
	bound       []compile.Bound // where the child finds the parent's descriptors
	cwd         string          // this process's working directory, where there is a view
	leftText    []byte          // what a second stage that failed has left of its view
	leftView    []byte
	landlock    kernel.Landlock // what the kernel has of it
	parentSteps []PlanStep      // of a plan: what the parent does before the birth
}

// tried is what earlier attempts have shown about a start.
type tried struct {
	busy        int  // how often the program was open for writing
	noPidFD     bool // there is no descriptor left for one of the child
	clone       bool // clone3 was refused: clone(2) tells whether as such
	vfork       bool // so was clone(2)
	procIsOuter bool // /proc turned out to belong to root of another user namespace
}

// atBirth reports whether it was the making of a child that failed.
func (s *attempt) atBirth(res machine.Result) bool {
	return res.Place == machine.AtBirth || res.Place == machine.InChild && s.made.First.Steps[res.Step].Sibling
}

// makeFile opens a descriptor for the length of the attempt to start, and has
// the child find it.
func (s *attempt) makeFile(u compile.Use, open func() (int, error)) (hole int, err error) {
	if u.Fd, err = open(); err != nil {
		return compile.NotOpen, err
	}
	s.afterwards(func(bool) { unix.Close(u.Fd) })
	return s.given.Use(u), nil
}

// afterwards has a function called when the attempt to start is over, in the
// reverse order of the calls, with whether the program was executed.
func (s *attempt) afterwards(f func(started bool)) { s.ends = append(s.ends, f) }

// cleanUp ends the attempt.
func (s *attempt) cleanUp(started bool) {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i](started)
	}
	clear(s.ends)
	s.ends = s.ends[:0]
}

// A keeper takes over what a start has made.
type keeper interface {
	keep(*attempt, *machine.Result)
}
