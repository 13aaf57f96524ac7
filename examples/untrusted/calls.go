//go:build linux

package main

import "github.com/sprog-dev/sprog"

// calls is the filter for system calls. It is a list of what is denied: a
// program that is to have nothing but what it needs takes a list of that instead.
func calls() *sprog.Seccomp {
	return &sprog.Seccomp{
		Default: sprog.SeccompAllow,
		Rules: []sprog.SeccompRule{
			{Names: refused, Action: sprog.SeccompErrno},
			{Names: fatal, Action: sprog.SeccompKillProcess},
		},
	}
}

// refused are calls that honest programs make, and can do without: they fail with
// EPERM. Landlock does not look at those that change what a file has besides its
// content, nor at who watches it.
var refused = []string{
	"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
	"setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat",
	"utime", "utimes", "futimesat", "utimensat", "truncate", "file_setattr",
	"inotify_add_watch", "fanotify_init", "fanotify_mark",
	"socket", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "personality",
}

// fatal are calls that only a program makes which wants out, or into others.
var fatal = []string{
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr",
	"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns",
	"bpf", "perf_event_open", "keyctl", "add_key", "request_key", "open_by_handle_at", "syslog", "quotactl", "quotactl_fd", "acct",
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff",
	"iopl", "ioperm", "modify_ldt", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname", "setdomainname",
}
