package sprog

// Attr holds the attributes of a new process that [syscall.SysProcAttr] has
// no field for. Each facility is one field, and its zero value leaves the
// process as a plain start would. It is never modified, and may be shared by
// many commands.
type Attr struct {
	// Rlimits sets resource limits, in the order given. See [Rlimit].
	Rlimits []Rlimit

	// Umask, if not nil, is the child's file mode creation mask: permission
	// bits only, as umask(2) takes them. Nil leaves the parent's mask.
	Umask *uint32

	// NoNewPrivs sets the no_new_privs attribute, which keeps the child and
	// all its descendants from gaining privileges by execve: set-user-ID,
	// set-group-ID and file capabilities have no effect. It cannot be unset.
	// See PR_SET_NO_NEW_PRIVS(2const); Linux 3.5.
	NoNewPrivs bool

	// Landlock, if not nil, takes rights to files, ports, sockets and signals
	// from the program. See [Landlock].
	Landlock *Landlock

	// Init, if not nil, puts a minimal init process between the caller and
	// the program. See [Init].
	Init *Init
}
