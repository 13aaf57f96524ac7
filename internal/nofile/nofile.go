// Package nofile puts back the limit on open files.
package nofile

// Keep reads RLIMIT_NOFILE and returns a function that sets it to that again.
//
// It is for a failed syscall.Exec, which leaves behind the limit that it set
// for the new program. syscall.Setrlimit would do as well, were it not taken
// for a choice of the program's, which children of os/exec then get.
func Keep() (restore func()) { return keep() }
