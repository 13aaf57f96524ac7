// Package nofile puts back the limit on open files.
package nofile

// Keep reads RLIMIT_NOFILE and returns a function that sets it to that again.
//
// syscall.Setrlimit would do, were it not for its second effect: it makes
// package syscall forget the limit that the process was started with, and
// children of os/exec get the raised one ever after.
func Keep() (restore func()) { return keep() }
