// Package sigwatch catches signals with all that the kernel tells of them, and finds out
// whether they were sent to this process alone or to its whole process group.
//
// Package os/signal does neither, and makes one of several that come at a time. So the
// signals have a handler here that writes their siginfo_t to a pipe, and no more.
//
// Whom the sender meant is not in siginfo_t. So a second process stands in the same group,
// with all signals blocked, and writes down what it is sent: what was sent to the group it
// has got, too.
package sigwatch

import "syscall"

// A Signal is one that this process has received.
type Signal struct {
	syscall.Signal
	Code    int  // si_code
	PID     int  // the sender, where a process has sent it
	ToGroup bool // it was sent to the whole process group

	info [infoSize]byte
}

// infoSize is that of siginfo_t.
const infoSize = 128
