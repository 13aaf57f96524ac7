package sprog

import (
	"os"
	"time"
)

// Attr holds the attributes of a new process that [syscall.SysProcAttr] has
// no field for. Each facility is one field, and its zero value leaves the
// process as a plain start would. It is never modified, and may be shared by
// many commands.
type Attr struct {
	// Program, if not nil, is the file to execute, whatever its path has come
	// to mean: see execveat(2) with AT_EMPTY_PATH; Linux 3.19, and before that
	// /proc, unless the child has another root. It may be open in any mode, O_PATH included,
	// as long as nobody has it open for writing. Cmd.Path is then only its name
	// in errors, and may be empty; Args[0] is free as ever. The child's user
	// needs the permission to execute it, but not that to reach it by a path.
	//
	// The descriptor itself is closed by the execution. A script does not
	// survive that: its interpreter is given the name /dev/fd/N, and the kernel
	// answers ENOENT. To execute a script, give the same *os.File to the child as
	// one of its files too, by Files or ExtraFiles; it is executed from there.
	//
	// In a container, whoever may look at the process can open the file through
	// /proc/PID/exe, or have a script executed whose interpreter that is. Nobody
	// there should have a right to write to it.
	Program *os.File

	// DirFile, if not nil, is the directory that the program starts in, in
	// the place of Cmd.Dir; see fchdir(2). If Cmd.Env is nil, the program gets
	// no PWD. It cannot be combined with SysProcAttr.Chroot or another mount
	// namespace: the program would be outside of its root, with a way
	// to everything that is there.
	DirFile *os.File

	// WaitFor, if not nil, is read from by the child when all is set up, and before it enters
	// its working directory: the start goes on after one byte or at the end of the file.
	// Somebody else, who is told by Cmd.Born, can prepare something until then. Start
	// waits meanwhile. The program does not get the file by this.
	WaitFor *os.File

	// Files says what descriptors of the child refer to, beside Cmd.Stdin,
	// Stdout, Stderr and ExtraFiles. See [File].
	Files []File

	// Inherit lists descriptors of this process, by number, that the child
	// gets under the same numbers, whether they are marked close-on-exec or
	// not. They must be open, and must stay so until Start returns.
	Inherit []int

	// InheritAll gives the child what os/exec would: all descriptors of this
	// process that are not marked close-on-exec when it is started, under the
	// same numbers, but for the numbers that something else gives it. Go and
	// careful libraries mark all that they open. What is left is what this
	// process was started with, such as a shell's process substitution or
	// make's jobserver, and what somebody has forgotten to mark.
	InheritAll bool

	// Rlimits sets resource limits, in the order given. See [Rlimit].
	Rlimits []Rlimit

	// IDs sets real and effective ids apart. See [IDs].
	IDs *IDs

	// Groups sets the supplementary groups by name. See [Groups].
	Groups *Groups

	// Caps changes the capability sets. See [Caps].
	Caps *Caps

	// Securebits changes the secure-bits flags. See [Securebits].
	Securebits *Securebits

	// SessionKeyring gives the program a session keyring of its own. See
	// [SessionKeyring].
	SessionKeyring *SessionKeyring

	// ExecLabel confines the program by SELinux or AppArmor. See [ExecLabel].
	ExecLabel *ExecLabel

	// Personality, if not nil, is the program's execution domain. See
	// [Personality].
	Personality *Personality

	// Signals says which signals the program blocks and ignores. See
	// [Signals].
	Signals *Signals

	// Umask, if not nil, is the child's file mode creation mask: permission
	// bits only, as umask(2) takes them. Nil leaves the parent's mask.
	Umask *uint32

	// NoNewPrivs sets the no_new_privs attribute, which keeps the child and
	// all its descendants from gaining privileges by execve: set-user-ID,
	// set-group-ID and file capabilities have no effect. It cannot be unset.
	// See PR_SET_NO_NEW_PRIVS(2const); Linux 3.5.
	NoNewPrivs bool

	// DenyTIOCSTI keeps the program, and all that descends from it, from putting input
	// into its controlling terminal, which the shell that waits there would read:
	// ioctl(2) with TIOCSTI or TIOCLINUX answers EPERM (TIOCSTI(2const)). A program
	// that runs as another user than the terminal's owner, or may do less than he, gets all
	// that he may do by it, unless it has a session of its own (SysProcAttr.Setsid), or the kernel
	// refuses the call (dev.tty.legacy_tiocsti=0; Linux 6.2). It is a seccomp filter,
	// and needs NoNewPrivs or CAP_SYS_ADMIN.
	DenyTIOCSTI bool

	// IDMap, if not nil, says more of the id maps of a new user namespace. See
	// [IDMap].
	IDMap *IDMap

	// Nice, if not nil, is the child's nice value, from -20 to 19; see
	// setpriority(2). A lower one than the caller's takes CAP_SYS_NICE in the
	// initial user namespace or a RLIMIT_NICE that allows it. In a session of
	// its own (Setsid) it may count within the session only: see autogroups in
	// sched(7).
	Nice *int

	// Scheduler, if not nil, sets the scheduling policy. See [Scheduler].
	Scheduler *Scheduler

	// CPUs, if not nil, are the CPUs that the child runs on; see
	// sched_setaffinity(2). One that the machine does not have, that is
	// offline or not in the child's cpuset is an error. See [ParseCPUList].
	CPUs []int

	// NUMA, if not nil, sets where the child gets its memory from. See [NUMA].
	NUMA *NUMA

	// IOPriority, if not nil, sets the I/O priority. See [IOPriority].
	IOPriority *IOPriority

	// OOMScoreAdj, if not nil, is added to the child's score when the kernel
	// has run out of memory and looks for a process to kill, in thousandths of
	// the memory: from 1000 to -1000, which is never. Below the caller's
	// takes CAP_SYS_RESOURCE in the initial user namespace. See
	// proc_pid_oom_score_adj(5). The start has a second stage.
	OOMScoreAdj *int

	// TimerSlack, if positive, is how late the kernel may wake the child, so
	// that several timers expire together; see PR_SET_TIMERSLACK(2const). Zero
	// leaves what is inherited. SchedFIFO, SchedRR and SchedDeadline have none.
	TimerSlack time.Duration

	// CoreSched, if not nil, sets who runs on the same core. See [CoreSched].
	CoreSched *CoreSched

	// THPDisable has the child do without transparent huge pages. See
	// [THPDisable]. The start has a second stage.
	THPDisable THPDisable

	// MDWE keeps the child and its descendants from making memory executable
	// that is or was writable (memory-deny-write-execute); a just-in-time
	// compiler does not work then. See PR_SET_MDWE(2const); Linux 6.3. The
	// start has a second stage.
	MDWE bool

	// MemoryMerge lets the kernel merge pages of the child and its descendants
	// that are alike with those of others that allow it (KSM), which saves memory
	// and takes processor time. Who shares a page finds out by the time of a
	// write: it is for programs that trust each other. It has an effect where
	// /sys/kernel/mm/ksm/run is 1. See PR_SET_MEMORY_MERGE(2const); Linux 6.7,
	// since before execve ended it. The start has a second stage.
	MemoryMerge bool

	// CoredumpFilter, if not nil, is which of the memory's mappings a core file
	// of the child and its descendants has. See [CoredumpFilter]. The start has a
	// second stage.
	CoredumpFilter *CoredumpFilter

	// Landlock, if not nil, takes rights to files, ports, sockets and signals
	// from the program. See [Landlock].
	Landlock *Landlock

	// Seccomp, if not nil, filters the program's system calls. See [Seccomp].
	Seccomp *Seccomp

	// Cgroup, if not nil, has the child born in a new cgroup with limits of its
	// own. See [Cgroup].
	Cgroup *Cgroup

	// CgroupV1 are directories of cgroup v1 hierarchies, one of each, that
	// the child is put into before all else. See cgroups(7). Limits and
	// removal are the caller's.
	CgroupV1 []string

	// Join lists existing namespaces that the child joins. See [Namespace].
	Join []Namespace

	// Dirs are directories to start in: the first one that can be entered, with the child's
	// rights and in its root, as absolute paths. PWD is its name, if Cmd.Env is nil or has
	// a PWD. It excludes Cmd.Dir and DirFile.
	Dirs []string

	// LookPath has Cmd.Path, if there is no slash in it, looked up in the directories of the
	// PATH that the program is to have, with the child's rights and in its root, and not
	// by this process. The first file that can be executed is. Directories that are no
	// absolute paths are left out; without a PATH it is /usr/local/bin:/usr/bin:/bin.
	LookPath bool

	// Root, if not nil, is the program's root directory. Nil is the caller's,
	// as Mounts change it. See [Root].
	Root *Root

	// Mounts change what the program sees of the file system, in their order.
	// See [Mount].
	Mounts []Mount

	// Hostname and Domainname, if not empty, are set in a new or joined UTS
	// namespace. See sethostname(2).
	Hostname   string
	Domainname string

	// Sysctls are set in order in the namespaces that they belong to, new or
	// joined ones. The caller's /proc/sys must be writable.
	Sysctls []Sysctl

	// Loopback brings up the device lo of a new or joined network namespace.
	Loopback bool

	// Sockets are opened by the child in its network namespace, and are the caller's: see
	// Meeting.Sockets. So the caller can listen, connect and configure there without any right
	// to enter the namespace. The child opens them with the rights that it has there before it
	// gives any up: all rights in a new user namespace, so that a socket of NETLINK_ROUTE can
	// bring up lo. Sockets take Meet, and CLONE_NEWNET in SysProcAttr.Cloneflags or a joined
	// network namespace; that of Unshareflags is made later. There may be 253.
	Sockets []Socket

	// Meet, if not nil, is called while the child waits: it is in all namespaces of Cloneflags
	// and Join, its id maps are written, its sockets are open, and it has given up no rights and
	// executed nothing. The child goes on when Meet returns nil. An error ends the start with a
	// [*StartError] of the field Attr.Meet, which wraps it.
	//
	// Meet runs in a goroutine of its own, and Start waits for it. It may take long and may
	// start other processes. When the context is done or Ending.Timeout over meanwhile, the
	// child is killed and Meeting.Sockets are closed, so that calls on them return; Start waits
	// a second more for Meet and then returns without it. A panic in Meet is one of Start, and
	// so is runtime.Goexit.
	//
	// Start may have to begin again after Meet has returned: while a program is open for
	// writing, for a moment, and where the kernel turns out to lack a call. Then Meet is called
	// once more, about another child, and the sockets of the first are closed.
	//
	// The start has a second stage. Meet cannot be combined with Exec, [Compile],
	// [Prepared.Warm], SysProcAttr.Ptrace and a filter with a listener.
	Meet func(*Meeting) error

	// TimeOffsets, if not nil, sets the clocks of a new time namespace, for
	// which SysProcAttr.Unshareflags must have CLONE_NEWTIME. Linux 6.2.
	TimeOffsets *TimeOffsets

	// ForbidUserNamespaces keeps the program and all that descends from it from
	// making user namespaces, which would give it all capabilities in them;
	// root inside cannot undo it. It takes a new user namespace with a map of
	// the caller's user and group alone. The program gets a second one in it, and so has no
	// rights in the other new namespaces. See /proc/sys/user/max_user_namespaces
	// in namespaces(7); Linux 4.9.
	ForbidUserNamespaces bool

	// UserNamespace, if not nil, is a user namespace that the program is put into when all else
	// is set up in the other namespaces, over which it has no rights then. It is one below
	// that in which the set-up is done. Join enters a user namespace before.
	UserNamespace *os.File

	// RefuseUserNamespaces has the start fail if the program could make a user
	// namespace, whoever was to keep it from that.
	RefuseUserNamespaces bool

	// ReportNamespaces are the kinds of namespaces whose ids Birth.Namespaces
	// tells, new ones or not.
	ReportNamespaces NamespaceKind

	// Init, if not nil, puts a minimal init process between the caller and
	// the program. See [Init].
	Init *Init
}
