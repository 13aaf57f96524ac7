package sprog

// RlimitInfinity is the value of a limit that limits nothing.
const RlimitInfinity = ^uint64(0)

// An Rlimit is one resource limit of the child; see getrlimit(2).
type Rlimit struct {
	// Resource is the limit, one of the RLIMIT constants of
	// golang.org/x/sys/unix, such as unix.RLIMIT_NOFILE.
	Resource int
	// Cur is the soft limit, which the kernel enforces, and Max the hard
	// limit, the ceiling of the soft one. The units are those of
	// getrlimit(2): bytes, seconds, or a count. [RlimitInfinity] limits
	// nothing. Cur must not exceed Max. Raising a hard limit needs
	// CAP_SYS_RESOURCE in the initial user namespace.
	Cur, Max uint64
}
