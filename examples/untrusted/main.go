//go:build linux

// Command untrusted runs a program that nobody trusts, and prints how it has
// ended as JSON. docs/untrusted.md explains it.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

var (
	timeout   = flag.Duration("timeout", 10*time.Second, "how long it may run")
	cpu       = flag.Duration("cpu", 5*time.Second, "the CPU time that it and its descendants may use together")
	memory    = flag.Uint64("memory", 256<<20, "bytes of memory: of all together in a cgroup, of each process otherwise")
	processes = flag.Uint64("processes", 32, "how many processes and threads there may be")
	fileSize  = flag.Uint64("file-size", 16<<20, "bytes of the largest file that it may write")
	disk      = flag.Int64("disk", 64<<20, "bytes of the files in its directory, in memory; without namespaces there is no such limit")
	output    = flag.Int("output", 64<<10, "bytes of its output and of its errors that are kept, from the beginning and from the end")
	abi       = flag.Int("landlock-abi", 6, "the version of Landlock to insist on; 0 takes whatever the kernel has")
	read      = flag.String("read", "/usr,/bin,/lib,/lib64,/etc/ld.so.cache,/etc/alternatives", "what it sees, and may read and execute, if it exists")
	user      = flag.Int("user", 65534, "the user and group that it runs as, if this is root")
	without   = flag.String("without", "", "what may be missing: cgroup, namespaces; separated by commas")
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("untrusted: ")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("untrusted [flags] program [argument ...]")
	}
	result, err := run(flag.Args())
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		log.Fatal(err)
	}
	if result.Cause != sprog.CauseProgram || result.ExitCode != 0 {
		os.Exit(1)
	}
}

// run gives the program a directory of its own, which is gone afterwards. Its
// error is that of a program that was not started.
func run(args []string) (*sprog.Result, error) {
	uid, gid, err := identity()
	if err != nil {
		return nil, err
	}
	scratch, namespaces := "/scratch", !strings.Contains(*without, "namespaces")
	if !namespaces {
		if scratch, err = os.MkdirTemp("", "untrusted-"); err != nil {
			return nil, err
		}
		defer remove(scratch)
		if err := os.Chown(scratch, uid, gid); err != nil {
			return nil, err
		}
	}

	cmd := sprog.Command(args[0], args[1:]...)
	if path, err := filepath.Abs(cmd.Path); err == nil {
		cmd.Path = path // it would be looked for in Dir
	}
	cmd.Dir = scratch
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + scratch, "TMPDIR=" + scratch}
	cmd.Stdout = &sprog.Capture{Head: *output / 2, Tail: *output / 2}
	cmd.Stderr = &sprog.Capture{Head: *output / 2, Tail: *output / 2}
	cmd.Ending = &sprog.Ending{Timeout: *timeout, CPUTime: *cpu}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Attr = &sprog.Attr{
		Init:           &sprog.Init{},
		NoNewPrivs:     true,
		SessionKeyring: &sprog.SessionKeyring{},
		Landlock:       files(cmd.Path, scratch),
		Seccomp:        calls(),
	}
	for _, limit := range []string{
		fmt.Sprint("data=", *memory), fmt.Sprint("nproc=", *processes), fmt.Sprint("fsize=", *fileSize),
		"core=0", "nofile=64", "memlock=0", "msgqueue=0",
	} {
		l, err := sprog.ParseRlimit(limit)
		if err != nil {
			return nil, err
		}
		cmd.Attr.Rlimits = append(cmd.Attr.Rlimits, l)
	}
	if namespaces {
		isolate(cmd, uid, gid)
		show(cmd, scratch)
	} else if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	if !strings.Contains(*without, "cgroup") {
		cmd.Attr.Cgroup = &sprog.Cgroup{MemoryMax: *memory, SwapMax: new(uint64), OOMGroup: true, PidsMax: *processes}
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	cmd.Wait() // its error is in the result
	return cmd.Result(), nil
}

// remove removes the directory, also if the program has made some in it that
// cannot be read.
func remove(scratch string) {
	filepath.WalkDir(scratch, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(scratch); err != nil {
		log.Print(err)
	}
}

// identity says whom the program runs as. Supplementary groups cannot be given up
// in a user namespace, so root does that before.
func identity() (uid, gid int, err error) {
	if os.Getuid() != 0 {
		return os.Getuid(), os.Getgid(), nil
	}
	return *user, *user, syscall.Setgroups(nil)
}

// isolate puts the program into namespaces of its own: it sees no process, no
// network and no shared memory but its own.
func isolate(cmd *sprog.Cmd, uid, gid int) {
	sys := cmd.SysProcAttr
	sys.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
		syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS
	sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	if os.Getuid() == 0 { // who makes the directories that the program sees, and is an id there
		sys.UidMappings = append(sys.UidMappings, syscall.SysProcIDMap{Size: 1})
		sys.GidMappings = append(sys.GidMappings, syscall.SysProcIDMap{Size: 1})
	}
	sys.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
	cmd.Attr.Hostname = "untrusted"
	cmd.Attr.Sysctls = []sprog.Sysctl{{Name: "user.max_user_namespaces", Value: "0"}} // where it would have all capabilities
}

// show makes the file system that the program sees: the system's programs and libraries,
// the program itself, some devices, its own processes, and a directory for its files.
func show(cmd *sprog.Cmd, scratch string) {
	const fixed = sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev
	cmd.Attr.Root = &sprog.Root{Empty: true, Flags: sprog.MountReadOnly}
	mounts := sprog.SystemMounts(fixed)
	for _, path := range append(strings.Split(*read, ","), cmd.Path) {
		if !slices.ContainsFunc(mounts, func(m sprog.Mount) bool { return path == m.Bind || path == m.Target }) {
			mounts = append(mounts, sprog.Mount{Bind: path, Flags: fixed, Optional: true})
		}
	}
	cmd.Attr.Mounts = append(mounts,
		sprog.Mount{Target: "/dev", Dev: &sprog.Dev{Nodes: []string{"null", "zero", "urandom"}, NoPTS: true}},
		sprog.Mount{Target: "/proc", Proc: &sprog.Proc{Fallback: sprog.ProcEmpty}},
		sprog.Mount{Target: scratch, Tmpfs: &sprog.Tmpfs{Size: *disk, Inodes: 10000, Mode: new(uint32(0o1777))}, Flags: sprog.MountNoSUID | sprog.MountNoDev},
	)
}

// files lets the program read the system and itself, and write what is its own.
func files(program, scratch string) *sprog.Landlock {
	rules := []sprog.LandlockPath{
		{Path: program, Rights: sprog.LandlockRead | sprog.LandlockExecute},
		{Path: scratch, Rights: sprog.LandlockRead | sprog.LandlockWrite},
	}
	for _, path := range strings.Split(*read, ",") {
		rules = append(rules, sprog.LandlockPath{Path: path, Rights: sprog.LandlockRead | sprog.LandlockExecute, Optional: true})
	}
	for _, path := range []string{"/dev/null", "/dev/zero", "/dev/urandom"} {
		rules = append(rules, sprog.LandlockPath{Path: path, Rights: sprog.LandlockRead | sprog.LandlockWriteFile})
	}
	if !strings.Contains(*without, "namespaces") { // in which there are no processes but its own
		rules = append(rules, sprog.LandlockPath{Path: "/proc", Rights: sprog.LandlockRead, Optional: true})
	}
	l := &sprog.Landlock{ABI: *abi, BestEffort: *abi == 0, Files: &sprog.LandlockFiles{Rules: rules}}
	if *abi == 0 || *abi >= 6 {
		l.Scopes = sprog.LandlockScopeAbstractUnixSocket | sprog.LandlockScopeSignal
	}
	return l
}
