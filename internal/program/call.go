package program

// A Call is a system call by name, or one of the machine's own operations.
// Its number belongs to the machine; its name and the meaning of its
// arguments, for listings and errors, are here.
type Call uint8

const (
	_ Call = iota

	// Test goes on with the step Args[2] steps further if the 32-bit word at
	// Args[0] equals Args[1], and with the following step otherwise.
	Test
	// Move stores the 32-bit word at Args[0], zero-extended, with the bits of
	// Args[3] cleared, those of Args[2] set, and then increased by Args[1],
	// into the places in Out.
	Move

	Capget
	Capset
	Chdir
	Chroot
	Clone
	Clone3
	ClockGettime
	Close
	CloseRange
	Dup3
	Execve
	Execveat
	ExitGroup
	Fchdir
	Fcntl
	Futex
	GetMempolicy
	Getpid
	Getppid
	Ioctl
	Keyctl
	IoprioSet
	Kill
	LandlockAddRule
	LandlockCreateRuleset
	LandlockRestrictSelf
	Mmap
	Mount
	Openat
	Personality
	Ppoll
	Prctl
	Pread64
	Prlimit64
	Ptrace
	Pwrite64
	Read
	RtSigaction
	RtSigprocmask
	RtSigqueueinfo
	RtSigtimedwait
	Seccomp
	SchedGetaffinity
	SchedGetattr
	SchedSetaffinity
	SchedSetattr
	SetMempolicy
	Setdomainname
	Setgid
	Setgroups
	Sethostname
	Setns
	Setpgid
	Setresgid
	Setresuid
	Setpriority
	Setsid
	Setuid
	Socket
	Statx
	Umask
	Unshare
	Waitid
	Write
	Writev

	numCalls
)

// IsOperation reports whether c is an operation of the machine and not a
// system call.
func (c Call) IsOperation() bool { return c == Test || c == Move }

// String returns the kernel's name of the call.
func (c Call) String() string {
	if c == 0 || c >= numCalls {
		return "?"
	}
	return signatures[c].name
}

// A signature is a call's name and how each argument is printed.
type signature struct {
	name string
	args []printer
}

var signatures = [numCalls]signature{
	Test:                  {"test", []printer{address, number, number}},
	Move:                  {"move", []printer{address, number}},
	Capget:                {"capget", []printer{capHeader, address}},
	Capset:                {"capset", []printer{capHeader, capData}},
	Chdir:                 {"chdir", []printer{str}},
	Chroot:                {"chroot", []printer{str}},
	Clone:                 {"clone", []printer{cloneFlags}},
	Clone3:                {"clone3", []printer{cloneArgs, number}},
	ClockGettime:          {"clock_gettime", []printer{number, address}},
	Close:                 {"close", []printer{number}},
	CloseRange:            {"close_range", []printer{number, unsigned, closeRangeFlags}},
	Dup3:                  {"dup3", []printer{number, number, openFlags}},
	Execve:                {"execve", []printer{str, argv, envp}},
	Execveat:              {"execveat", []printer{dirfd, str, argv, envp, atFlags}},
	ExitGroup:             {"exit_group", []printer{number}},
	Fchdir:                {"fchdir", []printer{number}},
	Fcntl:                 {"fcntl", []printer{number, fcntlCmd, fcntlArg}},
	Futex:                 {"futex", []printer{address, futexOp, number, address}},
	GetMempolicy:          {"get_mempolicy", []printer{address, address, number, address, number}},
	Getpid:                {"getpid", nil},
	Getppid:               {"getppid", nil},
	Ioctl:                 {"ioctl", []printer{number, ioctlRequest, ioctlArg}},
	IoprioSet:             {"ioprio_set", []printer{ioprioWho, number, ioprio}},
	Keyctl:                {"keyctl", []printer{keyctlOp, str}},
	Kill:                  {"kill", []printer{number, signal}},
	LandlockAddRule:       {"landlock_add_rule", []printer{number, landlockRuleType, landlockRule, number}},
	LandlockCreateRuleset: {"landlock_create_ruleset", []printer{landlockRuleset, number, number}},
	LandlockRestrictSelf:  {"landlock_restrict_self", []printer{number, landlockRestrictFlags}},
	Mmap:                  {"mmap", []printer{address, number, protFlags, mapFlags, number, number}},
	Mount:                 {"mount", []printer{str, str, str, mountFlags, address}},
	Openat:                {"openat", []printer{dirfd, str, openMode, optionalMode}},
	Personality:           {"personality", []printer{persona}},
	Ppoll:                 {"ppoll", []printer{address, number, address, address, number}},
	Prctl:                 {"prctl", []printer{prctlOp, prctlArg, prctlMore, prctlMore, prctlMore}},
	Pread64:               {"pread64", []printer{number, address, number, number}},
	Prlimit64:             {"prlimit64", []printer{number, resource, rlimit, address}},
	Ptrace:                {"ptrace", []printer{ptraceRequest}},
	Pwrite64:              {"pwrite64", []printer{number, address, number, number}},
	Read:                  {"read", []printer{number, address, number}},
	RtSigaction:           {"rt_sigaction", []printer{signal, sigaction, address, number}},
	RtSigprocmask:         {"rt_sigprocmask", []printer{sigHow, sigset, address, number}},
	RtSigqueueinfo:        {"rt_sigqueueinfo", []printer{number, signal, address}},
	RtSigtimedwait:        {"rt_sigtimedwait", []printer{sigset, address, address, number}},
	Seccomp:               {"seccomp", []printer{seccompOp, seccompFlags, filter}},
	SchedGetaffinity:      {"sched_getaffinity", []printer{number, number, address}},
	SchedGetattr:          {"sched_getattr", []printer{number, address, number, number}},
	SchedSetaffinity:      {"sched_setaffinity", []printer{number, number, cpuMask}},
	SchedSetattr:          {"sched_setattr", []printer{number, schedAttr, number}},
	SetMempolicy:          {"set_mempolicy", []printer{mempolicyMode, nodeMask, number}},
	Setdomainname:         {"setdomainname", []printer{text, number}},
	Setgid:                {"setgid", []printer{id}},
	Setgroups:             {"setgroups", []printer{number, groups}},
	Sethostname:           {"sethostname", []printer{text, number}},
	Setns:                 {"setns", []printer{number, cloneFlags}},
	Setpgid:               {"setpgid", []printer{number, number}},
	Setpriority:           {"setpriority", []printer{priorityWhich, number, number}},
	Setresgid:             {"setresgid", []printer{id, id, id}},
	Setresuid:             {"setresuid", []printer{id, id, id}},
	Setsid:                {"setsid", nil},
	Setuid:                {"setuid", []printer{id}},
	Socket:                {"socket", []printer{socketDomain, socketType, number}},
	Statx:                 {"statx", []printer{dirfd, str, atFlags, statxMask, address}},
	Umask:                 {"umask", []printer{octal}},
	Unshare:               {"unshare", []printer{cloneFlags}},
	Waitid:                {"waitid", []printer{waitWho, number, address, waitFlags, address}},
	Write:                 {"write", []printer{number, text, number}},
	Writev:                {"writev", []printer{number, address, number}},
}

// object is the argument that an error about the call names, or -1.
func (c Call) object() int {
	switch c {
	case Chdir, Chroot, Close, Dup3, Execve, Fcntl, Setgid, Setuid, Unshare, Clone, Umask, SetMempolicy,
		Personality, Setresgid, Setresuid, Sethostname, Setdomainname, Socket:
		return 0
	case IoprioSet, Setpriority, SchedSetaffinity:
		return 2
	case Openat, Mount, Prlimit64, Setgroups, Setpgid, Write, Ioctl, Prctl, SchedSetattr, Keyctl, Setns, Statx:
		return 1
	case LandlockAddRule:
		return 2
	}
	return -1
}
