//go:build linux

package main

import (
	"fmt"
	"os"
	"syscall"

	"github.com/sprog-dev/sprog"
)

// interpreters are the languages, and how each is told a program: as its last argument. Only the sandbox's
// own processes see that there, since no other process is in its /proc.
var interpreters = map[string][]string{
	"sh":     {"/bin/sh", "-c"},
	"perl":   {"/usr/bin/perl", "-e"},
	"python": {"/usr/bin/python3", "-I", "-c"},
}

// sandbox is what every snippet of a language runs in. All that is asked for is there, or nothing starts.
func sandbox(argv []string, uid, gid int) (*sprog.Cmd, error) {
	cmd := sprog.Command(argv[0], argv[1:]...)
	cmd.Dir = "/tmp"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/tmp", "LANG=C.UTF-8"}
	cmd.Ending = &sprog.Ending{Timeout: *timeout, CPUTime: *cpu, Output: *output}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS,
		UidMappings: ids(uid),
		GidMappings: ids(gid),
		Credential:  &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true},
		Setsid:      true,
		Pdeathsig:   syscall.SIGKILL,
	}
	cmd.Attr = &sprog.Attr{
		Init:           &sprog.Init{},
		NoNewPrivs:     true,
		SessionKeyring: &sprog.SessionKeyring{},
		OOMScoreAdj:    new(1000), // where memory is short, the kernel kills here first
		Hostname:       "snippet",
		Root:           &sprog.Root{Empty: true, Flags: sprog.MountReadOnly},
		Mounts:         visible(),
		Sysctls:        []sprog.Sysctl{{Name: "user.max_user_namespaces", Value: "0"}}, // where it would have all capabilities
		Seccomp:        &sprog.Seccomp{Default: sprog.SeccompAllow, Rules: []sprog.SeccompRule{{Names: denied, Action: sprog.SeccompErrno}}},
	}
	limits := []string{"core=1", "nofile=64", "memlock=0", "msgqueue=0", fmt.Sprint("nproc=", *processes), fmt.Sprint("fsize=", *disk)}
	if *cgroup {
		cmd.Attr.Cgroup = &sprog.Cgroup{MemoryMax: *memory, SwapMax: new(uint64), OOMGroup: true, PidsMax: *processes + 1} // and the init
	} else {
		limits = append(limits, fmt.Sprint("as=", *memory))
	}
	for _, limit := range limits {
		l, err := sprog.ParseRlimit(limit)
		if err != nil {
			return nil, err
		}
		cmd.Attr.Rlimits = append(cmd.Attr.Rlimits, l)
	}
	return cmd, nil
}

// visible is all that a snippet sees: the system's programs and libraries, its own processes, some devices, and a
// /tmp that is empty and goes with it. Nothing else can be written to.
func visible() []sprog.Mount {
	const fixed = sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev
	return append(sprog.SystemMounts(fixed),
		sprog.Mount{Target: "/dev", Dev: &sprog.Dev{Nodes: []string{"null", "zero", "full", "random", "urandom"}, NoPTS: true}, Flags: sprog.MountReadOnly},
		sprog.Mount{Target: "/proc", Proc: &sprog.Proc{PIDsOnly: true, Fallback: sprog.ProcEmpty}},
		sprog.Mount{Target: "/tmp", Tmpfs: &sprog.Tmpfs{Size: *disk, Inodes: 4096, Mode: new(uint32(0o1777))}, Flags: sprog.MountNoSUID | sprog.MountNoDev},
	)
}

// ids has a snippet be who it is outside. Root, who makes what it sees, is an id inside, too.
func ids(id int) []syscall.SysProcIDMap {
	list := []syscall.SysProcIDMap{{ContainerID: id, HostID: id, Size: 1}}
	if os.Getuid() == 0 && id != 0 {
		list = append(list, syscall.SysProcIDMap{Size: 1})
	}
	return list
}

// denied are calls that change mounts, that reach into the kernel or into other processes, and that take memory which
// no limit on a process counts. The namespaces deny most of them as well; here they do not get as far as that.
var denied = []string{
	"socket", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr",
	"fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns",
	"memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "bpf", "perf_event_open",
	"keyctl", "add_key", "request_key", "open_by_handle_at", "syslog", "quotactl", "quotactl_fd", "acct", "personality",
	"fanotify_init", "inotify_init", "inotify_init1", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
	"reboot", "swapon", "swapoff", "iopl", "ioperm", "modify_ldt", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
}
