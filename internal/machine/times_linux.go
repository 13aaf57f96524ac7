//go:build amd64 || arm64

package machine

import (
	"time"

	"golang.org/x/sys/unix"
)

// Times are the moments of a launch as the parent sees them. One that did not
// come is 0.
type Times struct {
	Clock int32 // of clock_gettime(2)
	At    [numMoments]time.Duration
}

// A Moment is the end of one part of a launch.
type Moment uint8

const (
	Linked Moment = iota // the program can run, once no other start forbids it
	Birth                // the call is made that makes the child
	Born                 // it has come back
	Met                  // the rendezvous is over
	Taken                // what the child hands over has been taken
	Left                 // the child has left the parent's memory
	Known                // and it is known how

	numMoments
)

// Now reads the clock.
func (t *Times) Now() time.Duration {
	var now unix.Timespec
	unix.ClockGettime(t.Clock, &now)
	return time.Duration(now.Nano())
}
