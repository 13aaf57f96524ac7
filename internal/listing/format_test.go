package listing

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/program"
)

// calls has every call once, as programs make it: how it is listed, and what
// an error names as its object.
var calls = []struct {
	build        func(p *program.Program)
	want, object string
}{
	{func(p *program.Program) { p.Add("", program.Capget, p.Uint32s(0x20080522, 0), p.Buffer(24)) }, "capget({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, data+8)", ""},
	{func(p *program.Program) { p.Add("", program.Capset, p.Uint32s(0x20080522, 0), p.Buffer(24)) }, "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=, permitted=, inheritable=})", ""},
	{func(p *program.Program) { p.Add("", program.Chdir, p.Str("/a \"b\n")) }, `chdir("/a \"b\n")`, "/a \"b\n"},
	{func(p *program.Program) { p.Add("", program.Chroot, p.Str("/r")) }, `chroot("/r")`, "/r"},
	{func(p *program.Program) { p.Add("", program.Clone, program.Num(0x4111)) }, "clone(CLONE_VM|CLONE_VFORK|SIGCHLD)", "CLONE_VM|CLONE_VFORK|SIGCHLD"},
	{func(p *program.Program) { p.Add("", program.Clone3, p.Words(0x8100, 0), program.Num(88)) }, "clone3({flags=CLONE_VM|CLONE_PARENT}, 88)", ""},
	{func(p *program.Program) { p.Add("", program.Close, program.Num(-1)) }, "close(-1)", "-1"},
	{func(p *program.Program) {
		p.Add("", program.CloseRange, program.Num(3), program.Num(uint32(1<<32-1)), program.Num(6))
	}, "close_range(3, 0xffffffff, CLOSE_RANGE_UNSHARE|CLOSE_RANGE_CLOEXEC)", ""},
	{func(p *program.Program) {
		p.Add("", program.Dup3, program.Num(5), program.Num(0), program.Num(0o2000000))
	}, "dup3(5, 0, O_CLOEXEC)", "5"},
	{func(p *program.Program) {
		p.Add("", program.Execve, p.Str("/x"), p.Strs([]string{"x", ""}), p.Strs([]string{"A=1"}))
	}, `execve("/x", ["x", ""], [/* 1 var */])`, "/x"},
	{func(p *program.Program) {
		p.Add("", program.Execveat, program.Num(4), p.Str(""), p.Strs(nil), p.Strs(nil), program.Num(0x1000))
	}, `execveat(4, "", [], [/* 0 vars */], AT_EMPTY_PATH)`, ""},
	{func(p *program.Program) { p.Add("", program.ExitGroup, program.Num(125)) }, "exit_group(125)", ""},
	{func(p *program.Program) { p.Add("", program.Fchdir, program.Num(5)) }, "fchdir(5)", ""},
	{func(p *program.Program) { p.Add("", program.Fcntl, program.Num(3), program.Num(2), program.Num(1)) }, "fcntl(3, F_SETFD, FD_CLOEXEC)", "3"},
	{func(p *program.Program) {
		p.Add("", program.Futex, p.Words(0), program.Num(0), program.Num(0), program.Num(0))
	}, "futex(data+0, FUTEX_WAIT, 0, NULL)", ""},
	{func(p *program.Program) {
		p.Add("", program.GetMempolicy, program.Num(0), p.Buffer(8), program.Num(65), program.Num(0), program.Num(0))
	}, "get_mempolicy(NULL, data+0, 65, NULL, 0)", ""},
	{func(p *program.Program) { p.Add("", program.Fsopen, p.Str("tmpfs"), program.Num(1)) }, `fsopen("tmpfs", FSOPEN_CLOEXEC)`, "tmpfs"},
	{func(p *program.Program) {
		p.Add("", program.Fsconfig, program.Num(3), program.Num(1), p.Str("size"), p.Str("1k"), program.Num(0))
	}, `fsconfig(3, FSCONFIG_SET_STRING, "size", "1k", 0)`, "size=1k"},
	{func(p *program.Program) {
		p.Add("", program.Fsmount, program.Num(3), program.Num(1), program.Num(0x13))
	}, "fsmount(3, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOATIME)", ""},
	{func(p *program.Program) { p.Add("", program.Fstatfs, program.Num(3), p.Buffer(120)) }, "fstatfs(3, data+0)", ""},
	{func(p *program.Program) { p.Add("", program.Getcwd, p.Buffer(8), program.Num(8)) }, "getcwd(data+0, 8)", ""},
	{func(p *program.Program) { p.Add("", program.Mkdirat, program.Num(3), p.Str("d"), program.Num(0o755)) }, `mkdirat(3, "d", 0755)`, "d"},
	{func(p *program.Program) {
		p.Add("", program.Mknodat, program.Num(3), p.Str("f"), program.Num(0o100644), program.Num(0))
	}, `mknodat(3, "f", S_IFREG|0644, 0)`, "f"},
	{func(p *program.Program) {
		p.Add("", program.MountSetattr, program.Num(3), p.Str(""), program.Num(0x9000), p.Words(1, 0x70, 1<<18, 0), program.Num(32))
	},
		`mount_setattr(3, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=MOUNT_ATTR__ATIME, propagation=MS_PRIVATE}, 32)`, ""},
	{func(p *program.Program) {
		p.Add("", program.MoveMount, program.Num(3), p.Str(""), program.Num(-100), p.Str("/"), program.Num(4))
	}, `move_mount(3, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH)`, "/"},
	{func(p *program.Program) {
		p.Add("", program.OpenTree, program.Num(-100), p.Str("/a"), program.Num(0x88001))
	}, `open_tree(AT_FDCWD, "/a", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)`, "/a"},
	{func(p *program.Program) {
		p.Add("", program.Openat2, program.Num(3), p.Str("/a"), p.Words(0x280000, 0, 0x12), program.Num(24))
	},
		`openat2(3, "/a", {flags=O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24)`, "/a"},
	{func(p *program.Program) { p.Add("", program.PivotRoot, p.Str("."), p.Str(".")) }, `pivot_root(".", ".")`, "."},
	{func(p *program.Program) {
		p.Add("", program.Readlinkat, program.Num(3), p.Str("l"), p.Buffer(8), program.Num(8))
	}, `readlinkat(3, "l", data+8, 8)`, "l"},
	{func(p *program.Program) { p.Add("", program.Symlinkat, p.Str("to"), program.Num(3), p.Str("l")) }, `symlinkat("to", 3, "l")`, "l"},
	{func(p *program.Program) { p.Add("", program.Umount2, p.Str("."), program.Num(2)) }, `umount2(".", MNT_DETACH)`, "."},
	{func(p *program.Program) { p.Add("", program.Getpid) }, "getpid()", ""},
	{func(p *program.Program) { p.Add("", program.Getppid) }, "getppid()", ""},
	{func(p *program.Program) {
		p.Add("", program.Ioctl, program.Num(0), program.Num(0x540e), program.Num(1))
	}, "ioctl(0, TIOCSCTTY, 1)", "TIOCSCTTY"},
	{func(p *program.Program) { p.Add("", program.Keyctl, program.Num(1), p.Str("ring")) }, `keyctl(KEYCTL_JOIN_SESSION_KEYRING, "ring")`, "ring"},
	{func(p *program.Program) { p.Add("", program.Keyctl, program.Num(1), program.Num(0)) }, "keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)", ""},
	{func(p *program.Program) {
		p.Add("", program.IoprioSet, program.Num(1), program.Num(0), program.Num(2<<13|7))
	}, "ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7))", "IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7)"},
	{func(p *program.Program) { p.Add("", program.Kill, program.Num(1), program.Num(15)) }, "kill(1, SIGTERM)", ""},
	{func(p *program.Program) {
		p.Add("", program.LandlockCreateRuleset, p.Words(1<<17-1, 3, 2), program.Num(24), program.Num(0))
	},
		"landlock_create_ruleset({handled_access_fs=~0, handled_access_net=LANDLOCK_ACCESS_NET_BIND_TCP|LANDLOCK_ACCESS_NET_CONNECT_TCP, scoped=LANDLOCK_SCOPE_SIGNAL}, 24, 0)", ""},
	{func(p *program.Program) {
		p.Add("", program.LandlockAddRule, program.Num(3), program.Num(1), p.Words(4, 9), program.Num(0))
	},
		"landlock_add_rule(3, LANDLOCK_RULE_PATH_BENEATH, {allowed_access=LANDLOCK_ACCESS_FS_READ_FILE, parent_fd=9}, 0)", "descriptor 9"},
	{func(p *program.Program) {
		p.Add("", program.LandlockAddRule, program.Num(3), program.Num(2), p.Words(2, 443), program.Num(0))
	},
		"landlock_add_rule(3, LANDLOCK_RULE_NET_PORT, {allowed_access=LANDLOCK_ACCESS_NET_CONNECT_TCP, port=443}, 0)", "port 443"},
	{func(p *program.Program) { p.Add("", program.LandlockRestrictSelf, program.Num(3), program.Num(5)) },
		"landlock_restrict_self(3, LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF|LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF)", ""},
	{func(p *program.Program) {
		p.Add("", program.Mmap, program.Num(0x3f0000), program.Num(4096), program.Num(3), program.Num(0x11), program.Num(5), program.Num(0))
	}, "mmap(0x3f0000, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, 5, 0)", ""},
	{func(p *program.Program) {
		p.Add("", program.Mount, p.Str("none"), p.Str("/"), program.Num(0), program.Num(1<<18|0x4000), program.Num(0))
	}, `mount("none", "/", NULL, MS_REC|MS_PRIVATE, NULL)`, "/"},
	{func(p *program.Program) {
		p.Add("", program.Openat, program.Num(-100), p.Str("/f"), program.Num(1|0o100), program.Num(0o644))
	}, `openat(AT_FDCWD, "/f", O_WRONLY|O_CREAT, 0644)`, "/f"},
	{func(p *program.Program) { p.Add("", program.Personality, program.Num(0x40008)) }, "personality(PER_LINUX32|ADDR_NO_RANDOMIZE)", "PER_LINUX32|ADDR_NO_RANDOMIZE"},
	{func(p *program.Program) { p.Add("", program.Personality, program.Num(0)) }, "personality(PER_LINUX)", "PER_LINUX"},
	{func(p *program.Program) {
		p.Add("", program.Ppoll, program.Num(0), program.Num(0), program.Num(0), program.Num(0), program.Num(8))
	}, "ppoll(NULL, 0, NULL, NULL, 8)", ""},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(1), program.Num(15)) }, "prctl(PR_SET_PDEATHSIG, SIGTERM)", "SIGTERM"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(47), program.Num(2), program.Num(12)) }, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0)", "CAP_NET_ADMIN"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(47), program.Num(4)) }, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)", "PR_CAP_AMBIENT_CLEAR_ALL"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(24), program.Num(21)) }, "prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN)", "CAP_SYS_ADMIN"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(28), program.Num(0x13)) }, "prctl(PR_SET_SECUREBITS, SECBIT_NOROOT|SECBIT_NOROOT_LOCKED|SECBIT_KEEP_CAPS)", "SECBIT_NOROOT|SECBIT_NOROOT_LOCKED|SECBIT_KEEP_CAPS"},
	{func(p *program.Program) {
		p.Add("", program.Pread64, program.Num(6), p.Buffer(8), program.Num(8), program.Num(0))
	}, "pread64(6, data+0, 8, 0)", ""},
	{func(p *program.Program) {
		p.Add("", program.Prlimit64, program.Num(0), program.Num(7), p.Words(1, ^uint64(0)), program.Num(0))
	}, "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1, rlim_max=RLIM64_INFINITY}, NULL)", "RLIMIT_NOFILE"},
	{func(p *program.Program) { p.Add("", program.Ptrace, program.Num(0)) }, "ptrace(PTRACE_TRACEME)", ""},
	{func(p *program.Program) { p.Add("", program.ClockGettime, program.Num(1), p.Buffer(16)) }, "clock_gettime(1, data+0)", ""},
	{func(p *program.Program) {
		p.Add("", program.Pwrite64, program.Num(3), p.Buffer(16), program.Num(16), program.Num(3072))
	}, "pwrite64(3, data+0, 16, 3072)", ""},
	{func(p *program.Program) { p.Add("", program.Read, program.Num(8), p.Buffer(1), program.Num(1)) }, "read(8, data+0, 1)", ""},
	{func(p *program.Program) { p.Add("", program.Recvmsg, program.Num(8), p.Buffer(56), program.Num(0)) }, "recvmsg(8, data+0, 0)", ""},
	{func(p *program.Program) {
		control := p.Words(16+2*4, 1|1<<32)
		p.Uint32s(0, 7)
		message := p.Words(0, 0, 0, 0, 0, 16+2*4, 0)
		p.Point(message.Plus(32), control)
		p.Add("", program.Sendmsg, program.Num(5), message, program.Num(0))
	}, "sendmsg(5, {SCM_RIGHTS, [0, 7]}, 0)", ""},
	{func(p *program.Program) {
		p.Add("", program.RtSigaction, program.Num(17), program.Num(0), program.Num(0), program.Num(8))
	}, "rt_sigaction(SIGCHLD, NULL, NULL, 8)", ""},
	{func(p *program.Program) {
		p.Add("", program.RtSigaction, program.Num(13), p.Words(1, 0, 0, 0), program.Num(0), program.Num(8))
	}, "rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, NULL, 8)", ""},
	{func(p *program.Program) {
		p.Add("", program.RtSigprocmask, program.Num(2), p.Words(1<<14|1), program.Num(0), program.Num(8))
	}, "rt_sigprocmask(SIG_SETMASK, [HUP TERM], NULL, 8)", ""},
	{func(p *program.Program) {
		p.Add("", program.RtSigqueueinfo, program.Num(2), program.Num(34), p.Buffer(128))
	}, "rt_sigqueueinfo(2, SIGRTMIN, data+0)", ""},
	{func(p *program.Program) {
		p.Add("", program.RtSigtimedwait, p.Words(^uint64(0)), program.Num(0), program.Num(0), program.Num(8))
	}, "rt_sigtimedwait(~[], NULL, NULL, 8)", ""},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(41), program.Num(1), program.Num(2)) }, "prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0)", "PR_SET_THP_DISABLE"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(67), program.Num(1)) }, "prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0)", "PR_SET_MEMORY_MERGE"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(65), program.Num(1)) }, "prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)", "PR_MDWE_REFUSE_EXEC_GAIN"},
	{func(p *program.Program) { p.Add("", program.Prctl, program.Num(62), program.Num(3), program.Num(77)) }, "prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, 77, 0, 0)", "PR_SCHED_CORE_SHARE_FROM"},
	{func(p *program.Program) {
		p.Add("", program.SchedGetaffinity, program.Num(0), program.Num(128), p.Buffer(128))
	}, "sched_getaffinity(0, 128, data+0)", ""},
	{func(p *program.Program) {
		p.Add("", program.SchedGetattr, program.Num(0), p.Buffer(56), program.Num(56), program.Num(0))
	}, "sched_getattr(0, data+0, 56, 0)", ""},
	{func(p *program.Program) {
		p.Add("", program.SchedSetaffinity, program.Num(0), program.Num(16), p.Words(1<<63|0b10111, 1|1<<62))
	}, "sched_setaffinity(0, 16, [0-2,4,63-64,126])", "0-2,4,63-64,126"},
	{func(p *program.Program) {
		p.Add("", program.SchedSetattr, program.Num(0), p.Words(1<<32|56, 1, 50<<32, 0, 0, 0, 0), program.Num(0))
	},
		"sched_setattr(0, {sched_policy=SCHED_FIFO, sched_flags=SCHED_FLAG_RESET_ON_FORK, sched_priority=50}, 0)", "SCHED_FIFO"},
	{func(p *program.Program) {
		p.Add("", program.SchedSetattr, program.Num(0), p.Words(56, 0x78, 0, 0, 0, 0, 1024<<32|0xffffffff), program.Num(0))
	}, "sched_setattr(0, {sched_flags=SCHED_FLAG_KEEP_ALL|SCHED_FLAG_UTIL_CLAMP_MIN|SCHED_FLAG_UTIL_CLAMP_MAX, sched_util_min=-1, sched_util_max=1024}, 0)",
		"SCHED_FLAG_UTIL_CLAMP_MIN|SCHED_FLAG_UTIL_CLAMP_MAX"},
	{func(p *program.Program) {
		p.Add("", program.Seccomp, program.Num(1), program.Num(0x2a), p.Filter(make([]byte, 24)))
	},
		"seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_NEW_LISTENER|SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, {len=3})", ""},
	{func(p *program.Program) {
		p.Add("", program.SetMempolicy, program.Num(2|1<<15), p.Words(5), program.Num(65))
	}, "set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0,2], 65)", "MPOL_BIND|MPOL_F_STATIC_NODES"},
	{func(p *program.Program) {
		p.Add("", program.SetMempolicy, program.Num(3|1<<14), program.Num(0), program.Num(0))
	}, "set_mempolicy(MPOL_INTERLEAVE|MPOL_F_RELATIVE_NODES, NULL, 0)", "MPOL_INTERLEAVE|MPOL_F_RELATIVE_NODES"},
	{func(p *program.Program) {
		p.Add("", program.Setpriority, program.Num(0), program.Num(0), program.Num(-5))
	}, "setpriority(PRIO_PROCESS, 0, -5)", "-5"},
	{func(p *program.Program) { p.Add("", program.Setdomainname, p.Str("d.org"), program.Num(5)) }, `setdomainname("d.org", 5)`, "d.org"},
	{func(p *program.Program) { p.Add("", program.Setgid, program.Num(uint32(4294967294))) }, "setgid(4294967294)", "4294967294"},
	{func(p *program.Program) { p.Add("", program.Setgroups, program.Num(2), p.Uint32s(4, 4294967294)) }, "setgroups(2, [4, 4294967294])", "4, 4294967294"},
	{func(p *program.Program) { p.Add("", program.Sethostname, p.Str("h"), program.Num(1)) }, `sethostname("h", 1)`, "h"},
	{func(p *program.Program) { p.Add("", program.Setns, program.Num(7), program.Num(0x40000000)) }, "setns(7, CLONE_NEWNET)", "CLONE_NEWNET"},
	{func(p *program.Program) { p.Add("", program.Setpgid, program.Num(0), program.Num(12)) }, "setpgid(0, 12)", "12"},
	{func(p *program.Program) {
		p.Add("", program.Setresgid, program.Num(1), program.Num(2), program.Num(-1))
	}, "setresgid(1, 2, -1)", "1"},
	{func(p *program.Program) {
		p.Add("", program.Setresuid, program.Num(-1), program.Num(2), program.Num(2))
	}, "setresuid(-1, 2, 2)", "-1"},
	{func(p *program.Program) { p.Add("", program.Setsid) }, "setsid()", ""},
	{func(p *program.Program) { p.Add("", program.Setuid, program.Num(1000)) }, "setuid(1000)", "1000"},
	{func(p *program.Program) {
		p.Add("", program.Socket, program.Num(1), program.Num(0o2000002), program.Num(0))
	}, "socket(AF_UNIX, SOCK_CLOEXEC|SOCK_DGRAM, 0)", "AF_UNIX"},
	{func(p *program.Program) {
		p.Add("", program.Statx, program.Num(4), p.Str("self/ns/net"), program.Num(0), program.Num(0x100), p.Buffer(256))
	}, `statx(4, "self/ns/net", 0, STATX_INO, data+16)`, "self/ns/net"},
	{func(p *program.Program) { p.Add("", program.Fchmod, program.Num(7), program.Num(0o640)) }, "fchmod(7, 0640)", ""},
	{func(p *program.Program) {
		p.Add("", program.Fchmodat2, program.Num(7), p.Str(""), program.Num(0o640), program.Num(0x1000))
	}, `fchmodat2(7, "", 0640, AT_EMPTY_PATH)`, ""},
	{func(p *program.Program) {
		p.Add("", program.Prctl, program.Num(22), program.Num(2), p.Filter(make([]byte, 24)))
	}, "prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, {len=3}, 0, 0)", "SECCOMP_MODE_FILTER"},
	{func(p *program.Program) { p.Add("", program.MemfdCreate, p.Str("d"), program.Num(3)) }, `memfd_create("d", 3)`, "d"},
	{func(p *program.Program) { p.Add("", program.Umask, program.Num(0o27)) }, "umask(027)", "027"},
	{func(p *program.Program) { p.Add("", program.Unshare, program.Num(0x20020000)) }, "unshare(CLONE_NEWNS|CLONE_NEWPID)", "CLONE_NEWNS|CLONE_NEWPID"},
	{func(p *program.Program) {
		p.Add("", program.Waitid, program.Num(0), program.Num(0), program.Num(0), program.Num(5), program.Num(0))
	}, "waitid(P_ALL, 0, NULL, WNOHANG|WEXITED, NULL)", ""},
	{func(p *program.Program) { p.Add("", program.Writev, program.Num(2), p.Buffer(16), program.Num(1)) }, "writev(2, data+0, 1)", ""},
	{func(p *program.Program) { p.Add("", program.Write, program.Num(1), p.Str("a\nb"), program.Num(3)) }, `write(1, "a\nb", 3)`, `"a\nb"`},
	{func(p *program.Program) { p.Add("", program.Test, p.Words(0), program.Num(3), program.Num(2)) }, "if data+0 == 3 goto $3", ""},
	{func(p *program.Program) {
		p.Add("", program.Move, p.Words(0), program.Num(-2), program.Num(0x10), program.Num(0x3)).Into(p.Words(0))
	}, "*$1 = data+0 & ~0x3 | 0x10 + -2", ""},
}

func reference(step int) string { return "$" + strconv.Itoa(step+1) }

func TestFormat(t *testing.T) {
	var seen [program.NumCalls]bool
	for _, c := range calls {
		var p program.Program
		c.build(&p)
		call := p.Steps[0].Call
		seen[call] = true
		if got := Format(&p, 0, reference); got != c.want {
			t.Errorf("%v: Format = %s\nwant %s", call, got, c.want)
		}
		if got := Object(&p, 0); got != c.object {
			t.Errorf("%v: Object = %q; want %q", call, got, c.object)
		}
	}
	for c := program.Call(1); c < program.NumCalls; c++ {
		if !seen[c] {
			t.Errorf("%v is not tested", c)
		}
		if c.String() == "" || c.String() == "?" {
			t.Errorf("call %d has no name", c)
		}
	}
}

// Every call can be listed whatever its arguments are: numbers where there
// should be addresses, addresses beyond the data, results, names.
func TestFormatOfAnything(t *testing.T) {
	args := []program.Arg{{}, program.Num(-1), program.Num(uint64(1 << 40)), {Kind: program.Address, Value: 0}, {Kind: program.Address, Value: 3}, {Kind: program.Address, Value: 1 << 40}, {Kind: program.Result, Value: 0}, {Kind: program.Steps, Value: 0}}
	for c := program.Call(0); c <= program.NumCalls; c++ {
		for _, a := range args {
			p := program.Program{Data: []byte("some data, 20 bytes.")}
			p.Add("", c).Args = [6]program.Arg{a, a, a, a, a, a}
			if Format(&p, 0, reference) == "" {
				t.Errorf("%v with %+v has no text", c, a)
			}
			Object(&p, 0)
		}
	}
}

func TestFormatRefersToSteps(t *testing.T) {
	var p program.Program
	p.Add("", program.Openat, program.Num(-100), p.Str("/proc/self/uid_map"), program.Num(1), program.Num(0))
	p.Add("", program.Write, p.Result(), p.Str("0 0 1\n"), program.Num(6))
	if got, want := Format(&p, 1, reference), `write($1, "0 0 1\n", 6)`; got != want {
		t.Errorf("Format = %s; want %s", got, want)
	}
	if got, want := Object(&p, 1), `/proc/self/uid_map "0 0 1"`; got != want {
		t.Errorf("Object = %s; want %s", got, want)
	}
}

// Without openat2, one directory is opened after the other, and mount(2) takes numbers: an error names the path.
func TestObjectOfOldMounts(t *testing.T) {
	var p program.Program
	add := func(call program.Call, args ...program.Arg) program.Arg {
		p.Add("F", call, args...)
		return p.Result()
	}
	const move = 0x2000
	root := add(program.Openat, program.Num(-100), p.Str(".."), program.Num(0), program.Num(0))
	a := add(program.Openat, root, p.Str("a"), program.Num(0), program.Num(0))
	b := add(program.Openat, a, p.Str("b"), program.Num(0), program.Num(0))
	hidden := add(program.Openat, root, p.Str(".."), program.Num(0), program.Num(0))
	d := add(program.Openat, hidden, p.Str("d"), program.Num(0), program.Num(0))
	add(program.Dup3, d, program.Num(7), program.Num(0))
	add(program.Mount, p.Str("tmpfs"), p.Str("self/fd/7"), p.Str("tmpfs"), program.Num(0), program.Num(0))
	add(program.Dup3, b, program.Num(7), program.Num(0))
	add(program.Mount, p.Str("self/fd/6"), p.Str("self/fd/7"), program.Num(0), program.Num(move), program.Num(0))
	add(program.Mount, program.Num(0), p.Str("/"), program.Num(0), program.Num(0), program.Num(0))
	add(program.Mkdirat, b, p.Str("c"), program.Num(0o755))
	for i, want := range map[int]string{1: "/a", 2: "/a/b", 6: "/a/b", 8: "/a/b", 9: "/", 10: "/a/b/c"} {
		if got := Object(&p, i); got != want {
			t.Errorf("Object of step %d, %v, = %q; want %q", i, p.Steps[i].Call, got, want)
		}
	}
}

// A call with very many arguments is listed in part.
func TestFormatOfMuch(t *testing.T) {
	var p program.Program
	p.Add("", program.Execve, p.Str("/x"), p.Strs(strings.Fields(strings.Repeat("word ", 100000))), p.Strs(nil))
	if got := Format(&p, 0, reference); len(got) > 1000 || !strings.Contains(got, `"word", ...]`) {
		t.Errorf("Format has %d bytes: %.200s", len(got), got)
	}
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{SignalName(0), "0"}, {SignalName(1), "SIGHUP"}, {SignalName(31), "SIGSYS"}, {SignalName(32), "32"}, {SignalName(33), "33"},
		{SignalName(64), "SIGRTMAX"}, {SignalName(65), "65"}, {SignalName(-1), "-1"},
		{CapName(0), "CAP_CHOWN"}, {CapName(40), "CAP_CHECKPOINT_RESTORE"}, {CapName(41), "41"},
		{CloneFlags(0), "0"}, {CloneFlags(0x10000000), "CLONE_NEWUSER"}, {CloneFlags(0x10000001), "CLONE_NEWUSER|0x1"},
		{ResourceName(0), "RLIMIT_CPU"}, {ResourceName(15), "RLIMIT_RTTIME"}, {ResourceName(16), "16"},
	} {
		if test.got != test.want {
			t.Errorf("name %q; want %q", test.got, test.want)
		}
	}
}

func TestCapNumber(t *testing.T) {
	for name, want := range map[string]uint64{"chown": 0, "CAP_NET_RAW": 13, "cap_net_raw": 13, "Checkpoint_Restore": 40, "cap_41": 41, "63": 63} {
		if got, ok := CapNumber(name); got != want || !ok {
			t.Errorf("CapNumber(%q) = %d, %v; want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "cap_", "net", "64", "-1", "net-raw", "all"} {
		if got, ok := CapNumber(name); ok {
			t.Errorf("CapNumber(%q) = %d; want none", name, got)
		}
	}
}

func TestSecurebit(t *testing.T) {
	for name, want := range map[string]uint64{"noroot": 1, "no-setuid-fixup_locked": 8, "SECBIT_EXEC_DENY_INTERACTIVE_LOCKED": 1 << 11} {
		if got, ok := Securebit(name); got != want || !ok {
			t.Errorf("Securebit(%q) = %#x, %v; want %#x", name, got, ok, want)
		}
	}
	if got, ok := Securebit("root"); ok {
		t.Errorf("Securebit(root) = %#x; want none", got)
	}
}

// A result that is used more often than a step has room for destinations is
// fetched by a move, which a listing shows as the result.
func TestResultOften(t *testing.T) {
	var p program.Program
	p.Add("", program.Openat, program.Num(-100), p.Str("/file"), program.Num(1), program.Num(0))
	fd := p.Result()
	for range 3 {
		p.Add("", program.Write, fd, p.Str("text"), program.Num(4))
	}
	p.Add("", program.Dup3, fd, fd, fd)
	var got []string
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Call != program.Move {
			got = append(got, Format(&p, i, reference))
		} else if !s.Quiet || !FillsIn(s) || s.Args[0] != (program.Arg{Kind: program.Recorded, Value: 0}) || s.Out[0].Step <= int32(i) {
			t.Errorf("step %d is %+v", i, s)
		}
	}
	const want = `openat(AT_FDCWD, "/file", O_WRONLY)
write($1, "text", 4)
write($1, "text", 4)
write($1, "text", 4)
dup3($1, $1, $1)`
	if list := strings.Join(got, "\n"); list != want {
		t.Errorf("got\n%s\nwant\n%s", list, want)
	}
	if got := Object(&p, 4); p.Steps[4].Call != program.Write || got != `/file "text"` {
		t.Errorf("the object of step 4 is %q", got)
	}
	if moves := p.Len() - 5; moves != 4 {
		t.Errorf("%d moves; want 4", moves)
	}
}

func TestWithOpen(t *testing.T) {
	var p program.Program
	p.Add("Dir", program.Openat, program.Num(-100), p.Str("/file"), program.Num(1), program.Num(0))
	p.WithOpen(func(fd program.Arg) {
		p.Add("", program.Write, fd, p.Str("text"), program.Num(4))
		p.Add("", program.Write, fd, p.Str("more"), program.Num(4))
	})
	s := &p.Steps[p.Len()-1]
	if got := Format(&p, p.Len()-1, reference); got != "close($1)" || !s.Quiet || s.Field != "Dir" {
		t.Errorf("the last step is %s, %+v", got, s)
	}
}
