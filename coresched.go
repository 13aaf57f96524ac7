package sprog

// A CoreSched puts the child into a core scheduling group: only processes of
// the same group ever run on the hardware threads of a core at the same time,
// so that none can watch another through what they share. Descendants are in
// the group, too. See PR_SCHED_CORE(2const); Linux 5.14 with CONFIG_SCHED_CORE, and a
// machine whose cores have several threads.
type CoreSched struct {
	// ShareFrom is the pid of a process whose group the child joins; to be
	// allowed to trace it is what that takes. Zero makes a new group.
	ShareFrom int
}
