// Package atstart does what has to be done before anything else in the process
// runs: it reads the process's original RLIMIT_NOFILE, and keeps a few low file
// descriptor numbers.
//
// Package syscall raises the soft limit when it is initialised and keeps the
// original to itself, but children must get that. Packages are initialised in
// the order of their import paths as soon as everything they import is (The Go
// Programming Language Specification, Package initialization), so a package
// that imports nothing comes before syscall. It may not import anything else
// than unsafe, not even indirectly.
package atstart

// Nofile is the limit on open files that the process was started with, and
// whether it is known.
var (
	NofileCur, NofileMax uint64
	NofileKnown          bool
)

// Slots are the low descriptor numbers that were kept: none, or FirstSlot up
// to, but without, EndSlot. They refer to /dev/null, opened with the flags
// SlotFlags, so that whoever uses a slot can see whether it is still what it
// was: the program may have closed it since.
//
// A child that is born sharing the parent's descriptor table copies only the
// part below a low cut, and so the descriptors that it needs must be below.
// When thousands of files are open there is no low number left to be had;
// hence at start.
var FirstSlot, EndSlot int

// SlotFlags are O_APPEND, O_NONBLOCK and O_DSYNC of a file that is open for
// reading only. They mean nothing together, so that nobody else has any.
const SlotFlags = 0x400 | 0x800 | 0x1000
