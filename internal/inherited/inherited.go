// Package inherited tells which signals the process was started with ignored
// and blocked.
//
// The runtime puts handlers on nearly all signals, and unblocks many, before
// any package is initialised, so the kernel cannot tell any more. But the
// runtime notes what it has found, in two variables of its own. There is no
// interface to them, and the linker refuses references to them by name. It
// merges symbols that may be defined twice, though (DUPOK): this package
// defines both variables once more, of the same size, with zeros, and so gets
// the runtime's where the runtime has them and its own zeros where it has not.
// Nothing is ever written to them.
//
// What the variables mean may change with any release of Go. They are used with
// those releases that this was tried with; see the build constraints. With
// others nothing is known, Known is false, and a test says so.
//
// Only the command imports it, which stands for the program that it starts
// and has to hand on what it was given. The package sprog does what os/exec
// does.
package inherited

// Signals are the sets of signals that were ignored and blocked when the process
// was started: signal n is bit n-1.
func Signals() (ignored, blocked uint64) { return signals() }
