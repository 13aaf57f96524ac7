package program

import (
	"strconv"
	"strings"
	"testing"
)

// calls has every call once, as programs make it: how it is listed, and what
// an error names as its object.
var calls = []struct {
	build        func(p *Program)
	want, object string
}{
	{func(p *Program) { p.Add("", Capget, p.Uint32s(0x20080522, 0), p.Buffer(24)) }, "capget({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, data+8)", ""},
	{func(p *Program) { p.Add("", Capset, p.Uint32s(0x20080522, 0), p.Buffer(24)) }, "capset({version=_LINUX_CAPABILITY_VERSION_3, pid=0}, {effective=, permitted=, inheritable=})", ""},
	{func(p *Program) { p.Add("", Chdir, p.Str("/a \"b\n")) }, `chdir("/a \"b\n")`, "/a \"b\n"},
	{func(p *Program) { p.Add("", Chroot, p.Str("/r")) }, `chroot("/r")`, "/r"},
	{func(p *Program) { p.Add("", Clone, Num(0x4111)) }, "clone(CLONE_VM|CLONE_VFORK|SIGCHLD)", "CLONE_VM|CLONE_VFORK|SIGCHLD"},
	{func(p *Program) { p.Add("", Clone3, p.Words(0x8100, 0), Num(88)) }, "clone3({flags=CLONE_VM|CLONE_PARENT}, 88)", ""},
	{func(p *Program) { p.Add("", Close, Num(-1)) }, "close(-1)", "-1"},
	{func(p *Program) { p.Add("", CloseRange, Num(3), Num(uint32(1<<32-1)), Num(6)) }, "close_range(3, 0xffffffff, CLOSE_RANGE_UNSHARE|CLOSE_RANGE_CLOEXEC)", ""},
	{func(p *Program) { p.Add("", Dup3, Num(5), Num(0), Num(0o2000000)) }, "dup3(5, 0, O_CLOEXEC)", "5"},
	{func(p *Program) { p.Add("", Execve, p.Str("/x"), p.Strs([]string{"x", ""}), p.Strs([]string{"A=1"})) }, `execve("/x", ["x", ""], [/* 1 var */])`, "/x"},
	{func(p *Program) {
		p.Add("", Execveat, Num(4), p.Str(""), p.Strs(nil), p.Strs(nil), Num(0x1000))
	}, `execveat(4, "", [], [/* 0 vars */], AT_EMPTY_PATH)`, ""},
	{func(p *Program) { p.Add("", ExitGroup, Num(125)) }, "exit_group(125)", ""},
	{func(p *Program) { p.Add("", Fchdir, Num(5)) }, "fchdir(5)", ""},
	{func(p *Program) { p.Add("", Fcntl, Num(3), Num(2), Num(1)) }, "fcntl(3, F_SETFD, FD_CLOEXEC)", "3"},
	{func(p *Program) { p.Add("", Futex, p.Words(0), Num(0), Num(0), Num(0)) }, "futex(data+0, FUTEX_WAIT, 0, NULL)", ""},
	{func(p *Program) { p.Add("", GetMempolicy, Num(0), p.Buffer(8), Num(65), Num(0), Num(0)) }, "get_mempolicy(NULL, data+0, 65, NULL, 0)", ""},
	{func(p *Program) { p.Add("", Fsopen, p.Str("tmpfs"), Num(1)) }, `fsopen("tmpfs", FSOPEN_CLOEXEC)`, "tmpfs"},
	{func(p *Program) { p.Add("", Fsconfig, Num(3), Num(1), p.Str("size"), p.Str("1k"), Num(0)) }, `fsconfig(3, FSCONFIG_SET_STRING, "size", "1k", 0)`, "size=1k"},
	{func(p *Program) { p.Add("", Fsmount, Num(3), Num(1), Num(0x13)) }, "fsmount(3, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|MOUNT_ATTR_NOATIME)", ""},
	{func(p *Program) { p.Add("", Fstatfs, Num(3), p.Buffer(120)) }, "fstatfs(3, data+0)", ""},
	{func(p *Program) { p.Add("", Getcwd, p.Buffer(8), Num(8)) }, "getcwd(data+0, 8)", ""},
	{func(p *Program) { p.Add("", Mkdirat, Num(3), p.Str("d"), Num(0o755)) }, `mkdirat(3, "d", 0755)`, "d"},
	{func(p *Program) { p.Add("", Mknodat, Num(3), p.Str("f"), Num(0o100644), Num(0)) }, `mknodat(3, "f", S_IFREG|0644, 0)`, "f"},
	{func(p *Program) {
		p.Add("", MountSetattr, Num(3), p.Str(""), Num(0x9000), p.Words(1, 0x70, 1<<18, 0), Num(32))
	},
		`mount_setattr(3, "", AT_EMPTY_PATH|AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=MOUNT_ATTR__ATIME, propagation=MS_PRIVATE}, 32)`, ""},
	{func(p *Program) { p.Add("", MoveMount, Num(3), p.Str(""), Num(-100), p.Str("/"), Num(4)) }, `move_mount(3, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH)`, "/"},
	{func(p *Program) { p.Add("", OpenTree, Num(-100), p.Str("/a"), Num(0x88001)) }, `open_tree(AT_FDCWD, "/a", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)`, "/a"},
	{func(p *Program) { p.Add("", Openat2, Num(3), p.Str("/a"), p.Words(0x280000, 0, 0x12), Num(24)) },
		`openat2(3, "/a", {flags=O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24)`, "/a"},
	{func(p *Program) { p.Add("", PivotRoot, p.Str("."), p.Str(".")) }, `pivot_root(".", ".")`, "."},
	{func(p *Program) { p.Add("", Readlinkat, Num(3), p.Str("l"), p.Buffer(8), Num(8)) }, `readlinkat(3, "l", data+8, 8)`, "l"},
	{func(p *Program) { p.Add("", Symlinkat, p.Str("to"), Num(3), p.Str("l")) }, `symlinkat("to", 3, "l")`, "l"},
	{func(p *Program) { p.Add("", Umount2, p.Str("."), Num(2)) }, `umount2(".", MNT_DETACH)`, "."},
	{func(p *Program) { p.Add("", Getpid) }, "getpid()", ""},
	{func(p *Program) { p.Add("", Getppid) }, "getppid()", ""},
	{func(p *Program) { p.Add("", Ioctl, Num(0), Num(0x540e), Num(1)) }, "ioctl(0, TIOCSCTTY, 1)", "TIOCSCTTY"},
	{func(p *Program) { p.Add("", Keyctl, Num(1), p.Str("ring")) }, `keyctl(KEYCTL_JOIN_SESSION_KEYRING, "ring")`, "ring"},
	{func(p *Program) { p.Add("", Keyctl, Num(1), Num(0)) }, "keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)", ""},
	{func(p *Program) { p.Add("", IoprioSet, Num(1), Num(0), Num(2<<13|7)) }, "ioprio_set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7))", "IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7)"},
	{func(p *Program) { p.Add("", Kill, Num(1), Num(15)) }, "kill(1, SIGTERM)", ""},
	{func(p *Program) { p.Add("", LandlockCreateRuleset, p.Words(1<<17-1, 3, 2), Num(24), Num(0)) },
		"landlock_create_ruleset({handled_access_fs=~0, handled_access_net=LANDLOCK_ACCESS_NET_BIND_TCP|LANDLOCK_ACCESS_NET_CONNECT_TCP, scoped=LANDLOCK_SCOPE_SIGNAL}, 24, 0)", ""},
	{func(p *Program) { p.Add("", LandlockAddRule, Num(3), Num(1), p.Words(4, 9), Num(0)) },
		"landlock_add_rule(3, LANDLOCK_RULE_PATH_BENEATH, {allowed_access=LANDLOCK_ACCESS_FS_READ_FILE, parent_fd=9}, 0)", "descriptor 9"},
	{func(p *Program) { p.Add("", LandlockAddRule, Num(3), Num(2), p.Words(2, 443), Num(0)) },
		"landlock_add_rule(3, LANDLOCK_RULE_NET_PORT, {allowed_access=LANDLOCK_ACCESS_NET_CONNECT_TCP, port=443}, 0)", "port 443"},
	{func(p *Program) { p.Add("", LandlockRestrictSelf, Num(3), Num(5)) },
		"landlock_restrict_self(3, LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF|LANDLOCK_RESTRICT_SELF_LOG_SUBDOMAINS_OFF)", ""},
	{func(p *Program) {
		p.Add("", Mmap, Num(0x3f0000), Num(4096), Num(3), Num(0x11), Num(5), Num(0))
	}, "mmap(0x3f0000, 4096, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, 5, 0)", ""},
	{func(p *Program) {
		p.Add("", Mount, p.Str("none"), p.Str("/"), Num(0), Num(1<<18|0x4000), Num(0))
	}, `mount("none", "/", NULL, MS_REC|MS_PRIVATE, NULL)`, "/"},
	{func(p *Program) { p.Add("", Openat, Num(-100), p.Str("/f"), Num(1|0o100), Num(0o644)) }, `openat(AT_FDCWD, "/f", O_WRONLY|O_CREAT, 0644)`, "/f"},
	{func(p *Program) { p.Add("", Personality, Num(0x40008)) }, "personality(PER_LINUX32|ADDR_NO_RANDOMIZE)", "PER_LINUX32|ADDR_NO_RANDOMIZE"},
	{func(p *Program) { p.Add("", Personality, Num(0)) }, "personality(PER_LINUX)", "PER_LINUX"},
	{func(p *Program) { p.Add("", Ppoll, Num(0), Num(0), Num(0), Num(0), Num(8)) }, "ppoll(NULL, 0, NULL, NULL, 8)", ""},
	{func(p *Program) { p.Add("", Prctl, Num(1), Num(15)) }, "prctl(PR_SET_PDEATHSIG, SIGTERM)", "SIGTERM"},
	{func(p *Program) { p.Add("", Prctl, Num(47), Num(2), Num(12)) }, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0)", "CAP_NET_ADMIN"},
	{func(p *Program) { p.Add("", Prctl, Num(47), Num(4)) }, "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)", "PR_CAP_AMBIENT_CLEAR_ALL"},
	{func(p *Program) { p.Add("", Prctl, Num(24), Num(21)) }, "prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN)", "CAP_SYS_ADMIN"},
	{func(p *Program) { p.Add("", Prctl, Num(28), Num(0x13)) }, "prctl(PR_SET_SECUREBITS, SECBIT_NOROOT|SECBIT_NOROOT_LOCKED|SECBIT_KEEP_CAPS)", "SECBIT_NOROOT|SECBIT_NOROOT_LOCKED|SECBIT_KEEP_CAPS"},
	{func(p *Program) { p.Add("", Pread64, Num(6), p.Buffer(8), Num(8), Num(0)) }, "pread64(6, data+0, 8, 0)", ""},
	{func(p *Program) { p.Add("", Prlimit64, Num(0), Num(7), p.Words(1, ^uint64(0)), Num(0)) }, "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=1, rlim_max=RLIM64_INFINITY}, NULL)", "RLIMIT_NOFILE"},
	{func(p *Program) { p.Add("", Ptrace, Num(0)) }, "ptrace(PTRACE_TRACEME)", ""},
	{func(p *Program) { p.Add("", ClockGettime, Num(1), p.Buffer(16)) }, "clock_gettime(1, data+0)", ""},
	{func(p *Program) { p.Add("", Pwrite64, Num(3), p.Buffer(16), Num(16), Num(3072)) }, "pwrite64(3, data+0, 16, 3072)", ""},
	{func(p *Program) { p.Add("", Read, Num(8), p.Buffer(1), Num(1)) }, "read(8, data+0, 1)", ""},
	{func(p *Program) { p.Add("", RtSigaction, Num(17), Num(0), Num(0), Num(8)) }, "rt_sigaction(SIGCHLD, NULL, NULL, 8)", ""},
	{func(p *Program) { p.Add("", RtSigaction, Num(13), p.Words(1, 0, 0, 0), Num(0), Num(8)) }, "rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, NULL, 8)", ""},
	{func(p *Program) { p.Add("", RtSigprocmask, Num(2), p.Words(1<<14|1), Num(0), Num(8)) }, "rt_sigprocmask(SIG_SETMASK, [HUP TERM], NULL, 8)", ""},
	{func(p *Program) { p.Add("", RtSigqueueinfo, Num(2), Num(34), p.Buffer(128)) }, "rt_sigqueueinfo(2, SIGRTMIN, data+0)", ""},
	{func(p *Program) { p.Add("", RtSigtimedwait, p.Words(^uint64(0)), Num(0), Num(0), Num(8)) }, "rt_sigtimedwait(~[], NULL, NULL, 8)", ""},
	{func(p *Program) { p.Add("", Prctl, Num(41), Num(1), Num(2)) }, "prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0)", "PR_SET_THP_DISABLE"},
	{func(p *Program) { p.Add("", Prctl, Num(65), Num(1)) }, "prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)", "PR_MDWE_REFUSE_EXEC_GAIN"},
	{func(p *Program) { p.Add("", Prctl, Num(62), Num(3), Num(77)) }, "prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, 77, 0, 0)", "PR_SCHED_CORE_SHARE_FROM"},
	{func(p *Program) { p.Add("", SchedGetaffinity, Num(0), Num(128), p.Buffer(128)) }, "sched_getaffinity(0, 128, data+0)", ""},
	{func(p *Program) { p.Add("", SchedGetattr, Num(0), p.Buffer(56), Num(56), Num(0)) }, "sched_getattr(0, data+0, 56, 0)", ""},
	{func(p *Program) { p.Add("", SchedSetaffinity, Num(0), Num(16), p.Words(1<<63|0b10111, 1|1<<62)) }, "sched_setaffinity(0, 16, [0-2,4,63-64,126])", "0-2,4,63-64,126"},
	{func(p *Program) { p.Add("", SchedSetattr, Num(0), p.Words(1<<32|56, 1, 50<<32, 0, 0, 0, 0), Num(0)) },
		"sched_setattr(0, {sched_policy=SCHED_FIFO, sched_flags=SCHED_FLAG_RESET_ON_FORK, sched_priority=50}, 0)", "SCHED_FIFO"},
	{func(p *Program) {
		p.Add("", SchedSetattr, Num(0), p.Words(56, 0x78, 0, 0, 0, 0, 1024<<32|0xffffffff), Num(0))
	}, "sched_setattr(0, {sched_flags=SCHED_FLAG_KEEP_ALL|SCHED_FLAG_UTIL_CLAMP_MIN|SCHED_FLAG_UTIL_CLAMP_MAX, sched_util_min=-1, sched_util_max=1024}, 0)",
		"SCHED_FLAG_UTIL_CLAMP_MIN|SCHED_FLAG_UTIL_CLAMP_MAX"},
	{func(p *Program) { p.Add("", Seccomp, Num(1), Num(0x2a), p.Filter(make([]byte, 24))) },
		"seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG|SECCOMP_FILTER_FLAG_NEW_LISTENER|SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, {len=3})", ""},
	{func(p *Program) { p.Add("", SetMempolicy, Num(2|1<<15), p.Words(5), Num(65)) }, "set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0,2], 65)", "MPOL_BIND|MPOL_F_STATIC_NODES"},
	{func(p *Program) { p.Add("", SetMempolicy, Num(3|1<<14), Num(0), Num(0)) }, "set_mempolicy(MPOL_INTERLEAVE|MPOL_F_RELATIVE_NODES, NULL, 0)", "MPOL_INTERLEAVE|MPOL_F_RELATIVE_NODES"},
	{func(p *Program) { p.Add("", Setpriority, Num(0), Num(0), Num(-5)) }, "setpriority(PRIO_PROCESS, 0, -5)", "-5"},
	{func(p *Program) { p.Add("", Setdomainname, p.Str("d.org"), Num(5)) }, `setdomainname("d.org", 5)`, "d.org"},
	{func(p *Program) { p.Add("", Setgid, Num(uint32(4294967294))) }, "setgid(4294967294)", "4294967294"},
	{func(p *Program) { p.Add("", Setgroups, Num(2), p.Uint32s(4, 4294967294)) }, "setgroups(2, [4, 4294967294])", "4, 4294967294"},
	{func(p *Program) { p.Add("", Sethostname, p.Str("h"), Num(1)) }, `sethostname("h", 1)`, "h"},
	{func(p *Program) { p.Add("", Setns, Num(7), Num(0x40000000)) }, "setns(7, CLONE_NEWNET)", "CLONE_NEWNET"},
	{func(p *Program) { p.Add("", Setpgid, Num(0), Num(12)) }, "setpgid(0, 12)", "12"},
	{func(p *Program) { p.Add("", Setresgid, Num(1), Num(2), Num(-1)) }, "setresgid(1, 2, -1)", "1"},
	{func(p *Program) { p.Add("", Setresuid, Num(-1), Num(2), Num(2)) }, "setresuid(-1, 2, 2)", "-1"},
	{func(p *Program) { p.Add("", Setsid) }, "setsid()", ""},
	{func(p *Program) { p.Add("", Setuid, Num(1000)) }, "setuid(1000)", "1000"},
	{func(p *Program) { p.Add("", Socket, Num(1), Num(0o2000002), Num(0)) }, "socket(AF_UNIX, SOCK_CLOEXEC|SOCK_DGRAM, 0)", "AF_UNIX"},
	{func(p *Program) { p.Add("", Statx, Num(4), p.Str("self/ns/net"), Num(0), Num(0x100), p.Buffer(256)) }, `statx(4, "self/ns/net", 0, STATX_INO, data+16)`, "self/ns/net"},
	{func(p *Program) { p.Add("", Fchmod, Num(7), Num(0o640)) }, "fchmod(7, 0640)", ""},
	{func(p *Program) { p.Add("", Fchmodat2, Num(7), p.Str(""), Num(0o640), Num(0x1000)) }, `fchmodat2(7, "", 0640, AT_EMPTY_PATH)`, ""},
	{func(p *Program) { p.Add("", Prctl, Num(22), Num(2), p.Filter(make([]byte, 24))) }, "prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, {len=3}, 0, 0)", "SECCOMP_MODE_FILTER"},
	{func(p *Program) { p.Add("", Umask, Num(0o27)) }, "umask(027)", "027"},
	{func(p *Program) { p.Add("", Unshare, Num(0x20020000)) }, "unshare(CLONE_NEWNS|CLONE_NEWPID)", "CLONE_NEWNS|CLONE_NEWPID"},
	{func(p *Program) { p.Add("", Waitid, Num(0), Num(0), Num(0), Num(5), Num(0)) }, "waitid(P_ALL, 0, NULL, WNOHANG|WEXITED, NULL)", ""},
	{func(p *Program) { p.Add("", Writev, Num(2), p.Buffer(16), Num(1)) }, "writev(2, data+0, 1)", ""},
	{func(p *Program) { p.Add("", Write, Num(1), p.Str("a\nb"), Num(3)) }, `write(1, "a\nb", 3)`, `"a\nb"`},
	{func(p *Program) { p.Add("", Test, p.Words(0), Num(3), Num(2)) }, "if data+0 == 3 goto $3", ""},
	{func(p *Program) {
		p.Add("", Move, p.Words(0), Num(-2), Num(0x10), Num(0x3)).Into(p.Words(0))
	}, "*$1 = data+0 & ~0x3 | 0x10 + -2", ""},
}

func reference(step int) string { return "$" + strconv.Itoa(step+1) }

func TestFormat(t *testing.T) {
	var seen [numCalls]bool
	for _, c := range calls {
		var p Program
		c.build(&p)
		call := p.Steps[0].Call
		seen[call] = true
		if got := p.Format(0, reference); got != c.want {
			t.Errorf("%v: Format = %s\nwant %s", call, got, c.want)
		}
		if got := p.Object(0); got != c.object {
			t.Errorf("%v: Object = %q; want %q", call, got, c.object)
		}
	}
	for c := Call(1); c < numCalls; c++ {
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
	args := []Arg{{}, Num(-1), Num(uint64(1 << 40)), {Address, 0}, {Address, 3}, {Address, 1 << 40}, {Result, 0}, {Steps, 0}}
	for c := Call(0); c <= numCalls; c++ {
		for _, a := range args {
			p := Program{Data: []byte("some data, 20 bytes.")}
			p.Add("", c).Args = [6]Arg{a, a, a, a, a, a}
			if p.Format(0, reference) == "" {
				t.Errorf("%v with %+v has no text", c, a)
			}
			p.Object(0)
		}
	}
}

func TestFormatRefersToSteps(t *testing.T) {
	var p Program
	p.Add("", Openat, Num(-100), p.Str("/proc/self/uid_map"), Num(1), Num(0))
	p.Add("", Write, p.Result(), p.Str("0 0 1\n"), Num(6))
	if got, want := p.Format(1, reference), `write($1, "0 0 1\n", 6)`; got != want {
		t.Errorf("Format = %s; want %s", got, want)
	}
	if got, want := p.Object(1), `/proc/self/uid_map "0 0 1"`; got != want {
		t.Errorf("Object = %s; want %s", got, want)
	}
}

// A call with very many arguments is listed in part.
func TestFormatOfMuch(t *testing.T) {
	var p Program
	p.Add("", Execve, p.Str("/x"), p.Strs(strings.Fields(strings.Repeat("word ", 100000))), p.Strs(nil))
	if got := p.Format(0, reference); len(got) > 1000 || !strings.Contains(got, `"word", ...]`) {
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
		{Call(0).String(), "?"}, {numCalls.String(), "?"},
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
