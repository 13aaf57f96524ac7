package listing

import (
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
)

// The names of numbers, as the man pages have them. Only values that are the
// same on every architecture that the machine runs on are listed.

type names map[uint64]string

// enum prints one value out of a list.
func (l *line) enum(n int, list names) { l.WriteString(list.of(l.value(n))) }

func (list names) of(v uint64) string {
	if s, ok := list[v]; ok {
		return s
	}
	return hexIfHuge(v)
}

// A flag is one bit, or several, of a flags word.
type flag struct {
	bits uint64
	name string
}

// flags prints a set of bits.
func (l *line) flags(n int, list ...flag) { l.WriteString(flagNames(l.value(n), list)) }

func flagNames(v uint64, list []flag) string {
	if v == 0 {
		return "0"
	}
	var set []string
	for _, f := range list {
		if v&f.bits == f.bits {
			set = append(set, f.name)
			v &^= f.bits
		}
	}
	if v != 0 {
		set = append(set, "0x"+strconv.FormatUint(v, 16))
	}
	return strings.Join(set, "|")
}

var cloneFlagNames = []flag{
	{0x100, "CLONE_VM"}, {0x400, "CLONE_FILES"}, {0x1000, "CLONE_PIDFD"},
	{0x200000, "CLONE_CHILD_CLEARTID"},
	{0x80, "CLONE_NEWTIME"}, {0x20000, "CLONE_NEWNS"}, {0x2000000, "CLONE_NEWCGROUP"},
	{0x4000000, "CLONE_NEWUTS"}, {0x8000000, "CLONE_NEWIPC"}, {0x10000000, "CLONE_NEWUSER"},
	{0x20000000, "CLONE_NEWPID"}, {0x40000000, "CLONE_NEWNET"},
	{0x100000000, "CLONE_CLEAR_SIGHAND"}, {0x200000000, "CLONE_INTO_CGROUP"},
	{0x200, "CLONE_FS"}, {0x800, "CLONE_SIGHAND"}, {0x2000, "CLONE_PTRACE"},
	{0x4000, "CLONE_VFORK"}, {0x8000, "CLONE_PARENT"}, {0x10000, "CLONE_THREAD"},
	{0x40000, "CLONE_SYSVSEM"}, {0x80000, "CLONE_SETTLS"},
	{0x100000, "CLONE_PARENT_SETTID"}, {0x800000, "CLONE_UNTRACED"},
	{0x1000000, "CLONE_CHILD_SETTID"}, {0x80000000, "CLONE_IO"},
}

// CloneFlags returns the names of the CLONE flags, joined by "|".
func CloneFlags(v uint64) string { return flagNames(v, cloneFlagNames) }

// FormatClone3 returns the call of clone3 with these flags, for a cgroup or "".
func FormatClone3(flags uint64, cgroup string) string {
	more := ""
	if cgroup != "" {
		more = ", cgroup=" + cgroup
	}
	const size = 88 // of struct clone_args, up to its cgroup
	return "clone3({flags=" + CloneFlags(flags) + ", exit_signal=0, stack_size=0x10000" + more + "}, " + strconv.Itoa(size) + ")"
}

const (
	fSetfd = 2
	fSetfl = 4
)

// Printers of arguments by their names. They are functions, not values that
// something would have to make before main.

func openFlags(l *line, n int) { l.flags(n, flag{0o2000000, "O_CLOEXEC"}) }

func fileFlags(l *line, n int) { l.flags(n, flag{0o4000, "O_NONBLOCK"}) }

func closeRangeFlags(l *line, n int) {
	l.flags(n, flag{2, "CLOSE_RANGE_UNSHARE"}, flag{4, "CLOSE_RANGE_CLOEXEC"})
}

func atFlags(l *line, n int) {
	l.flags(n, flag{0x1000, "AT_EMPTY_PATH"}, flag{0x8000, "AT_RECURSIVE"}, flag{0x100, "AT_SYMLINK_NOFOLLOW"})
}

func protFlags(l *line, n int) {
	l.flags(n, flag{1, "PROT_READ"}, flag{2, "PROT_WRITE"}, flag{4, "PROT_EXEC"})
}

func mapFlags(l *line, n int) {
	l.flags(n, flag{1, "MAP_SHARED"}, flag{2, "MAP_PRIVATE"}, flag{0x10, "MAP_FIXED"})
}

func waitFlags(l *line, n int) {
	l.flags(n, flag{1, "WNOHANG"}, flag{2, "WSTOPPED"}, flag{4, "WEXITED"}, flag{8, "WCONTINUED"}, flag{0x1000000, "WNOWAIT"}, flag{0x80000000, "__WCLONE"})
}

func fcntlCmd(l *line, n int) { l.enum(n, names{1: "F_GETFD", fSetfd: "F_SETFD", fSetfl: "F_SETFL"}) }

func fdFlags(l *line, n int) { l.flags(n, flag{1, "FD_CLOEXEC"}) }

func futexOp(l *line, n int) { l.enum(n, names{0: "FUTEX_WAIT", 1: "FUTEX_WAKE"}) }

func ioctlRequest(l *line, n int) {
	l.enum(n, names{0x540e: "TIOCSCTTY", 0x5410: "TIOCSPGRP", 0x5422: "TIOCNOTTY", siocsifflags: "SIOCSIFFLAGS"})
}

func statxMask(l *line, n int) {
	l.flags(n, flag{1, "STATX_TYPE"}, flag{2, "STATX_MODE"}, flag{0x100, "STATX_INO"})
}

func ptraceRequest(l *line, n int) { l.enum(n, names{0: "PTRACE_TRACEME"}) }

func sigHow(l *line, n int) { l.enum(n, names{0: "SIG_BLOCK", 1: "SIG_UNBLOCK", 2: "SIG_SETMASK"}) }

func seccompOp(l *line, n int) { l.enum(n, names{1: "SECCOMP_SET_MODE_FILTER"}) }

func seccompFlags(l *line, n int) {
	l.flags(n, flag{2, "SECCOMP_FILTER_FLAG_LOG"}, flag{4, "SECCOMP_FILTER_FLAG_SPEC_ALLOW"},
		flag{8, "SECCOMP_FILTER_FLAG_NEW_LISTENER"}, flag{32, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"})
}

func waitWho(l *line, n int) { l.enum(n, names{0: "P_ALL", 1: "P_PID", 3: "P_PIDFD"}) }

func prctlOp(l *line, n int) {
	l.enum(n, names{
		prSetPdeathsig: "PR_SET_PDEATHSIG", prSetDumpable: "PR_SET_DUMPABLE",
		prSetKeepcaps: "PR_SET_KEEPCAPS", prSetNoNewPriv: "PR_SET_NO_NEW_PRIVS",
		prCapbsetDrop: "PR_CAPBSET_DROP", 27: "PR_GET_SECUREBITS", prSetSecureb: "PR_SET_SECUREBITS",
		prSetName: "PR_SET_NAME", prSetSubreaper: "PR_SET_CHILD_SUBREAPER", prCapAmbient: "PR_CAP_AMBIENT",
		prSetTimerslack: "PR_SET_TIMERSLACK", prSetSeccomp: "PR_SET_SECCOMP", prSetTHP: "PR_SET_THP_DISABLE", prSchedCore: "PR_SCHED_CORE", prSetMDWE: "PR_SET_MDWE", prSetMerge: "PR_SET_MEMORY_MERGE",
	})
}

func keyctlOp(l *line, n int) { l.enum(n, names{1: "KEYCTL_JOIN_SESSION_KEYRING"}) }

func resource(l *line, n int) { l.WriteString(ResourceName(int(l.value(n)))) }

// siocsifflags is the request whose argument is a struct ifreq with flags.
const siocsifflags = 0x8914

var interfaceFlags = []flag{{1, "IFF_UP"}, {0x40, "IFF_RUNNING"}}

func cloneFlags(l *line, n int) {
	v := l.value(n)
	if l.s.Call == program.Clone && v&0xff != 0 { // the low byte is the exit signal
		l.WriteString(CloneFlags(v&^0xff) + "|" + SignalName(int(v&0xff)))
		return
	}
	l.WriteString(CloneFlags(v))
}

// cloneArgs prints struct clone_args as far as a step uses it: the flags.
func cloneArgs(l *line, n int) { l.WriteString("{flags=" + CloneFlags(l.word(n, 0)) + "}") }

func signal(l *line, n int) { l.WriteString(SignalName(int(l.value(n)))) }

func dirfd(l *line, n int) {
	if int32(l.value(n)) == -100 {
		l.WriteString("AT_FDCWD")
		return
	}
	number(l, n)
}

func openMode(l *line, n int) {
	v := l.value(n)
	access := [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "3"}[v&3]
	if rest := v &^ 3; rest != 0 {
		access += "|" + flagNames(rest, []flag{
			{0o2000000, "O_CLOEXEC"}, {0o100, "O_CREAT"}, {0o200, "O_EXCL"}, {0o400, "O_NOCTTY"}, {0o1000, "O_TRUNC"},
			{0o100000, "O_NOFOLLOW"}, {0o400000, "O_NOFOLLOW"}, // of one machine or another
			{0o2000, "O_APPEND"}, {0o4000, "O_NONBLOCK"}, {0o10000000, "O_PATH"}})
	}
	l.WriteString(access)
}

const (
	prSetPdeathsig  = 1
	prSetDumpable   = 4
	prSetKeepcaps   = 8
	prSetName       = 15
	prCapbsetDrop   = 24
	prSetSeccomp    = 22
	prSetSecureb    = 28
	prSetTimerslack = 29
	prSetSubreaper  = 36
	prSetNoNewPriv  = 38
	prSetTHP        = 41
	prCapAmbient    = 47
	prSchedCore     = 62
	prSetMDWE       = 65
	prSetMerge      = 67

	prCapAmbientClearAll = 4
)

// isSwitch reports whether an operation of prctl has a number for its argument
// that says nothing without its name.
func isSwitch(op uint64) bool {
	switch op {
	case prSetKeepcaps, prSetTimerslack, prSetSubreaper, prSetNoNewPriv, prSetTHP, prSetMerge:
		return true
	}
	return false
}

// prctlMore prints the arguments after the second of those operations that
// insist on all of them.
func prctlMore(l *line, n int) {
	switch l.value(0) {
	case prSetNoNewPriv, prSetTHP, prCapAmbient, prSchedCore, prSetMDWE, prSetMerge, prSetSeccomp:
		prctlArg(l, n)
	}
}

// prctlArg prints an argument of prctl by what the operation makes of it.
func prctlArg(l *line, n int) {
	v := l.value(n)
	switch op := l.value(0); {
	case op == prSetPdeathsig && n == 1:
		l.WriteString(SignalName(int(v)))
	case op == prSetName && n == 1:
		str(l, n)
	case op == prSetSeccomp && n == 1:
		l.WriteString(names{2: "SECCOMP_MODE_FILTER"}.of(v))
	case op == prSetSeccomp && n == 2:
		filter(l, n)
	case op == prSetDumpable && n == 1:
		l.WriteString(names{0: "SUID_DUMP_DISABLE", 1: "SUID_DUMP_USER"}.of(v))
	case op == prCapbsetDrop && n == 1:
		l.WriteString(CapName(v))
	case op == prSetSecureb && n == 1:
		l.WriteString(flagNames(v, securebitFlags))
	case op == prCapAmbient && n == 1:
		l.WriteString(names{1: "PR_CAP_AMBIENT_IS_SET", 2: "PR_CAP_AMBIENT_RAISE", 3: "PR_CAP_AMBIENT_LOWER", 4: "PR_CAP_AMBIENT_CLEAR_ALL"}.of(v))
	case op == prSetTHP && n == 2:
		l.WriteString(flagNames(v, []flag{{2, "PR_THP_DISABLE_EXCEPT_ADVISED"}}))
	case op == prSetMDWE && n == 1:
		l.WriteString(flagNames(v, []flag{{1, "PR_MDWE_REFUSE_EXEC_GAIN"}}))
	case op == prSchedCore && n == 1:
		l.WriteString(names{1: "PR_SCHED_CORE_CREATE", 3: "PR_SCHED_CORE_SHARE_FROM"}.of(v))
	case op == prCapAmbient && n == 2 && l.value(1) != prCapAmbientClearAll:
		l.WriteString(CapName(v))
	default:
		l.WriteString(strconv.FormatUint(v, 10))
	}
}

var resources = [...]string{
	"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE",
	"RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
}

// ResourceName returns the RLIMIT constant's name.
func ResourceName(r int) string {
	if r >= 0 && r < len(resources) {
		return resources[r]
	}
	return hexIfHuge(uint64(r))
}

var signalNames = [...]string{
	1: "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1",
	"SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP",
	"TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
}

// The real-time signals that the C library leaves to programs.
const sigrtmin, sigrtmax = 34, 64

// SignalName returns a signal's name, such as SIGTERM. The real-time signals have those of
// kill -l: the C library keeps the first two for itself, which so have none.
func SignalName(sig int) string {
	switch {
	case sig > 0 && sig < len(signalNames):
		return "SIG" + signalNames[sig]
	case sig < sigrtmin || sig > sigrtmax:
	case sig == sigrtmin:
		return "SIGRTMIN"
	case sig == sigrtmax:
		return "SIGRTMAX"
	case sig <= (sigrtmin+sigrtmax)/2:
		return "SIGRTMIN+" + strconv.Itoa(sig-sigrtmin)
	default:
		return "SIGRTMAX-" + strconv.Itoa(sigrtmax-sig)
	}
	return strconv.Itoa(sig)
}

var capNames = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID",
	"SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST",
	"NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
	"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
	"AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM",
	"BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
}

// CapName returns a capability's name, such as CAP_NET_ADMIN.
func CapName(c uint64) string {
	if c < uint64(len(capNames)) {
		return "CAP_" + capNames[c]
	}
	return strconv.FormatUint(c, 10)
}

// CapNumber returns the number of a capability by its name: CAP_NET_RAW,
// cap_net_raw, net_raw, or the number itself for one without a name.
func CapNumber(name string) (uint64, bool) {
	short := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	for c, known := range capNames {
		if known == short {
			return uint64(c), true
		}
	}
	c, err := strconv.ParseUint(short, 10, 6)
	return c, err == nil
}

// securebitFlags are the flags of capabilities(7), in the order of their bits.
var securebitFlags = []flag{
	{1 << 0, "SECBIT_NOROOT"}, {1 << 1, "SECBIT_NOROOT_LOCKED"},
	{1 << 2, "SECBIT_NO_SETUID_FIXUP"}, {1 << 3, "SECBIT_NO_SETUID_FIXUP_LOCKED"},
	{1 << 4, "SECBIT_KEEP_CAPS"}, {1 << 5, "SECBIT_KEEP_CAPS_LOCKED"},
	{1 << 6, "SECBIT_NO_CAP_AMBIENT_RAISE"}, {1 << 7, "SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED"},
	{1 << 8, "SECBIT_EXEC_RESTRICT_FILE"}, {1 << 9, "SECBIT_EXEC_RESTRICT_FILE_LOCKED"},
	{1 << 10, "SECBIT_EXEC_DENY_INTERACTIVE"}, {1 << 11, "SECBIT_EXEC_DENY_INTERACTIVE_LOCKED"},
}

// Securebit returns a secure-bits flag by its name: SECBIT_NOROOT, noroot, and
// with hyphens for the underscores.
func Securebit(name string) (uint64, bool) {
	short := strings.TrimPrefix(strings.ReplaceAll(strings.ToUpper(name), "-", "_"), "SECBIT_")
	for _, f := range securebitFlags {
		if strings.TrimPrefix(f.name, "SECBIT_") == short {
			return f.bits, true
		}
	}
	return 0, false
}

// SecurebitNames returns the names of secure-bits flags, joined by "|".
func SecurebitNames(v uint64) string { return flagNames(v, securebitFlags) }

// personaFlags are the flags of personality(2); the low byte is the execution
// domain.
var personaFlags = []flag{
	{0x0020000, "UNAME26"}, {0x0040000, "ADDR_NO_RANDOMIZE"}, {0x0080000, "FDPIC_FUNCPTRS"},
	{0x0100000, "MMAP_PAGE_ZERO"}, {0x0200000, "ADDR_COMPAT_LAYOUT"}, {0x0400000, "READ_IMPLIES_EXEC"},
	{0x0800000, "ADDR_LIMIT_32BIT"}, {0x1000000, "SHORT_INODE"}, {0x2000000, "WHOLE_SECONDS"},
	{0x4000000, "STICKY_TIMEOUTS"}, {0x8000000, "ADDR_LIMIT_3GB"},
}

func persona(l *line, n int) {
	v := l.value(n)
	text := names{0: "PER_LINUX", 8: "PER_LINUX32"}.of(v & 0xff)
	if v>>8 != 0 {
		text += "|" + flagNames(v&^0xff, personaFlags)
	}
	l.WriteString(text)
}
