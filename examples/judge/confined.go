//go:build linux

package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sprog-dev/sprog"
)

// confined is a program that computes: it reads what the system has and its
// input, and writes its output. All that is asked for is there, or it is not started.
func confined(args []string, uid, gid int) *sprog.Cmd {
	cmd := sprog.Command(args[0], args[1:]...)
	if path, err := filepath.Abs(cmd.Path); err == nil {
		cmd.Path = path // it would be looked for in Dir
	}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	cmd.Ending = &sprog.Ending{CPUTime: *cpu, Timeout: *wall}
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
		Root:       &sprog.Root{Empty: true, Flags: sprog.MountReadOnly},
		Mounts:     visible(cmd.Path),
		Init:       &sprog.Init{}, // counts the CPU time of those whose parents have died, too
		NoNewPrivs: true,
		Sysctls:    []sprog.Sysctl{{Name: "user.max_user_namespaces", Value: "0"}},
		Landlock:   readOnly(cmd.Path),
		Seccomp: &sprog.Seccomp{
			Default: sprog.SeccompAllow,
			Rules: []sprog.SeccompRule{
				// A C library asks for the name of a user by a socket like this.
				{Names: []string{"socket"}, Args: []sprog.SeccompArg{{Op: sprog.SeccompEQ, Value: syscall.AF_UNIX}}, Action: sprog.SeccompErrno},
				{Names: violations, Action: sprog.SeccompKillProcess},
			},
		},
	}
	// Twice the memory, so that who uses too much is seen to have done so.
	for _, limit := range []string{
		fmt.Sprint("data=", 2**memory), "stack=64M", fmt.Sprint("nproc=", *processes), "fsize=0", "core=0", "nofile=64",
	} {
		l, err := sprog.ParseRlimit(limit)
		if err != nil {
			log.Fatal(err)
		}
		cmd.Attr.Rlimits = append(cmd.Attr.Rlimits, l)
	}
	if *cgroup {
		cmd.Attr.Cgroup = &sprog.Cgroup{MemoryMax: *memory, SwapMax: new(uint64), OOMGroup: true, PidsMax: *processes}
	}
	return cmd
}

// visible is all that there is for it: the system's programs and libraries, the program itself, and
// two devices. There is nothing that it could write to.
func visible(program string) []sprog.Mount {
	const fixed = sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev
	return append(sprog.SystemMounts(fixed),
		sprog.Mount{Target: "/dev", Dev: &sprog.Dev{Nodes: []string{"null", "urandom"}, NoPTS: true}, Flags: sprog.MountReadOnly},
		sprog.Mount{Bind: program, Flags: fixed},
	)
}

// ids has the program be who it is outside. Root, who makes what it sees, is an id inside, too.
func ids(id int) []syscall.SysProcIDMap {
	list := []syscall.SysProcIDMap{{ContainerID: id, HostID: id, Size: 1}}
	if os.Getuid() == 0 && id != 0 {
		list = append(list, syscall.SysProcIDMap{Size: 1})
	}
	return list
}

// readOnly needs Linux 5.13; what later versions of Landlock add is among the violations.
func readOnly(program string) *sprog.Landlock {
	readable := sprog.LandlockRead | sprog.LandlockExecute
	rules := []sprog.LandlockPath{
		{Path: program, Rights: readable},
		{Path: "/dev/null", Rights: sprog.LandlockReadFile | sprog.LandlockWriteFile},
		{Path: "/dev/urandom", Rights: sprog.LandlockReadFile},
	}
	for _, path := range []string{"/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives"} {
		rules = append(rules, sprog.LandlockPath{Path: path, Rights: readable, Optional: true})
	}
	return &sprog.Landlock{ABI: 1, Files: &sprog.LandlockFiles{Rules: rules}}
}

// violations are calls that no solution makes.
var violations = []string{
	"socket", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"truncate", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
	"setxattr", "lsetxattr", "fsetxattr", "setxattrat", "utime", "utimes", "futimesat", "utimensat",
	"mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "mount_setattr", "unshare", "setns",
	"bpf", "perf_event_open", "io_uring_setup", "userfaultfd", "keyctl", "add_key", "request_key",
	"inotify_add_watch", "fanotify_init", "open_by_handle_at", "syslog", "kexec_load", "init_module", "finit_module",
}
