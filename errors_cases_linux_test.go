//go:build amd64 || arm64

package sprog

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

var failingFiles = []failing{
	{asked: "A working directory that does not exist", make: func(x *scene) *Cmd { return &Cmd{Path: "/bin/true", Dir: x.dir + "/no/such"} },
		want: "sprog: start /bin/true: chdir /tmp/x/no/such (Dir): no such file or directory (/tmp/x/no does not exist)"},
	{asked: "A working directory that is a file", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: x.write("file", 0o644, "")}
	},
		want: "sprog: start /bin/true: chdir /tmp/x/file (Dir): not a directory (/tmp/x/file is a regular file)"},
	{asked: "A working directory that only root may search", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: x.mkdir("private", 0o700)}
	}, by: prepared,
		want: "sprog: start /bin/true: chdir /tmp/x/private (Dir): permission denied (user 65534 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "One below it, by root for another user", make: func(x *scene) *Cmd {
		x.mkdir("private", 0o700)
		return &Cmd{Path: "/bin/true", Dir: x.mkdir("private/dir", 0o755),
			SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: chdir /tmp/x/private/dir (Dir): permission denied (user 1000 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "A working directory that the new root does not have", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: x.dir, SysProcAttr: &syscall.SysProcAttr{Chroot: x.mkdir("root", 0o755)}}
	}, by: byRoot,
		want: "sprog: start /bin/true: chdir /tmp/x (Dir): no such file or directory (/tmp does not exist in /tmp/x/root: the path is looked up in the new root; the old one has it)"},
	{asked: "A file as the working directory by its descriptor", make: func(x *scene) *Cmd {
		f, err := os.Open(x.write("file", 0o644, ""))
		must(err)
		return &Cmd{Path: "/bin/true", Attr: &Attr{DirFile: f}}
	},
		want: "sprog: start /bin/true: fchdir (Attr.DirFile): not a directory (/tmp/x/file is a regular file)"},
	{asked: "A directory by its descriptor that the new user may not search", make: func(x *scene) *Cmd {
		f, err := os.Open(x.mkdir("private", 0o700))
		must(err)
		return &Cmd{Path: "/bin/true", Attr: &Attr{DirFile: f}, SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: fchdir (Attr.DirFile): permission denied (user 1000 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "A new root that does not exist", make: sysOf(&syscall.SysProcAttr{Chroot: "/no/such/root"}),
		want: "sprog: start /bin/true: chroot /no/such/root (SysProcAttr.Chroot): no such file or directory (/no does not exist)"},
	{asked: "A new root that is a file", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Chroot: x.write("file", 0o644, "")}}
	}, by: byRoot,
		want: "sprog: start /bin/true: chroot /tmp/x/file (SysProcAttr.Chroot): not a directory (/tmp/x/file is a regular file)"},
	{asked: "A new root, by an ordinary user", make: sysOf(&syscall.SysProcAttr{Chroot: "/"}), by: ordinary,
		want: "sprog: start /bin/true: chroot / (SysProcAttr.Chroot): operation not permitted (it takes CAP_SYS_CHROOT, which an ordinary user has in a new user namespace: CLONE_NEWUSER in SysProcAttr.Cloneflags)"},
	{asked: "A file to open that does not exist", make: func(x *scene) *Cmd { return opens(x.dir+"/no/such", unix.O_RDONLY) },
		want: "sprog: start /bin/true: openat /tmp/x/no/such (Attr.Files[0]): no such file or directory (/tmp/x/no does not exist)"},
	{asked: "A file to open that another user may not read", make: func(x *scene) *Cmd {
		c := opens(x.write("secret", 0o600, ""), unix.O_RDONLY)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}
		return c
	}, by: byRoot,
		want: "sprog: start /bin/true: openat /tmp/x/secret (Attr.Files[0]): permission denied (user 1000 may not read /tmp/x/secret, which is -rw------- of user 0 and group 0)"},
	{asked: "A file to create where only root may", make: func(x *scene) *Cmd {
		return opens(x.mkdir("logs", 0o755)+"/log", unix.O_WRONLY|unix.O_CREAT)
	}, by: prepared,
		want: "sprog: start /bin/true: openat /tmp/x/logs/log (Attr.Files[0]): permission denied (user 65534 may not create files in /tmp/x/logs, which is drwxr-xr-x of user 0 and group 0)"},
	{asked: "A directory to open for writing", make: func(x *scene) *Cmd { return opens(x.mkdir("dir", 0o755), unix.O_WRONLY) },
		want: "sprog: start /bin/true: openat /tmp/x/dir (Attr.Files[0]): is a directory (/tmp/x/dir is a directory, which cannot be written to)"},
	{asked: "A FIFO that nobody reads, without waiting", make: func(x *scene) *Cmd {
		must(unix.Mkfifo(x.dir+"/fifo", 0o644))
		return opens(x.dir+"/fifo", unix.O_WRONLY|unix.O_NONBLOCK)
	},
		want: "sprog: start /bin/true: openat /tmp/x/fifo (Attr.Files[0]): no such device or address (nobody has the FIFO open for reading)"},
	{asked: "A socket to open", make: func(x *scene) *Cmd {
		must(unix.Mknod(x.dir+"/socket", unix.S_IFSOCK|0o755, 0))
		return opens(x.dir+"/socket", unix.O_RDWR)
	},
		want: "sprog: start /bin/true: openat /tmp/x/socket (Attr.Files[0]): no such device or address (/tmp/x/socket is a socket, which is connected to and not opened)"},
	{asked: "A file to write in a read-only file system", make: func(x *scene) *Cmd {
		disk := x.mount("disk", 0)
		path := x.write("disk/file", 0o644, "")
		must(unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
		return opens(path, unix.O_WRONLY)
	}, by: byRoot,
		want: "sprog: start /bin/true: openat /tmp/x/disk/file (Attr.Files[0]): read-only file system (/tmp/x/disk/file is in a file system that is mounted read-only at /tmp/x/disk)"},
	{asked: "A file that has been closed", make: func(x *scene) *Cmd {
		f, err := os.Open(os.DevNull)
		must(err)
		must(f.Close())
		return &Cmd{Path: "/bin/true", Stdout: f}
	},
		want: "sprog: start /bin/true: /dev/null (Stdout): file already closed"},
	{asked: "A second stage without /proc", make: func(*scene) *Cmd {
		must(unix.Mount("none", "/proc", "tmpfs", 0, ""))
		return &Cmd{Path: "/bin/true", Attr: &Attr{OOMScoreAdj: new(1000)}}
	}, by: byRoot,
		want: "sprog: start /bin/true: open /proc (Attr.OOMScoreAdj): no such file or directory (no proc file system is mounted at /proc)"},
}

// opens is a command that opens a file for its descriptor 3.
func opens(path string, flags int) *Cmd {
	return &Cmd{Path: "/bin/true", Attr: &Attr{Files: []File{{FD: 3, Path: path, Flags: flags, Mode: 0o644}}}}
}

var failingNamespaces = []failing{
	{asked: "A new network, by an ordinary user", make: sysOf(&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}), by: ordinary,
		want: "sprog: start /bin/true: clone3 CLONE_NEWNET (SysProcAttr.Cloneflags): operation not permitted (a new net namespace takes CAP_SYS_ADMIN, which an ordinary user has in a new user namespace: add CLONE_NEWUSER to SysProcAttr.Cloneflags)"},
	{asked: "A new mount namespace of the child's own, by an ordinary user", make: sysOf(&syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}), by: ordinary,
		want: "sprog: start /bin/true: unshare CLONE_NEWNS (SysProcAttr.Unshareflags): operation not permitted (a new mount namespace takes CAP_SYS_ADMIN, which an ordinary user has in a new user namespace: add CLONE_NEWUSER to SysProcAttr.Cloneflags)"},
	{asked: "User namespaces where they are switched off", make: func(*scene) *Cmd {
		must(os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}}
	}, world: rootInside, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: clone3 CLONE_NEWUSER (SysProcAttr.Cloneflags): no space left on device (user.max_user_namespaces is 0: new user namespaces are switched off; root can raise it by sysctl)"},
	{asked: "A network where networks are switched off", make: func(*scene) *Cmd {
		must(os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET}}
	}, world: rootInside, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: unshare CLONE_NEWNET (SysProcAttr.Unshareflags): no space left on device (user.max_net_namespaces is 0: new net namespaces are switched off; root can raise it by sysctl)"},
	{asked: "More user namespaces than are allowed", make: func(*scene) *Cmd {
		must(os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("1"), 0))
		hold := Command("/bin/sleep", "60")
		hold.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL}
		must(hold.Start())
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}}
	}, world: rootInside, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: clone3 CLONE_NEWUSER (SysProcAttr.Cloneflags): no space left on device (this user has as many namespaces as are allowed by user.max_user_namespaces = 1, or by such a limit further out, or user namespaces are nested 33 deep, which is the most)"},
	{asked: "A user namespace in a chroot", make: func(x *scene) *Cmd {
		must(unix.Chroot(x.dir))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}}
	}, by: byRoot,
		want: "sprog: start /bin/true: clone3 CLONE_NEWUSER (SysProcAttr.Cloneflags): operation not permitted (this process is in a chroot, and the kernel makes no user namespaces there: pivot_root(2) in a mount namespace is the way to another root that allows them)"},
	{asked: "A mount namespace in a chroot", make: func(x *scene) *Cmd {
		must(unix.Chroot(x.dir))
		return &Cmd{Path: "/bin/true", Stdin: os.Stderr, Stdout: os.Stderr, Stderr: os.Stderr,
			SysProcAttr: &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}}
	}, by: byRoot,
		want: "sprog: start /bin/true: mount / (SysProcAttr.Unshareflags): invalid argument (this process is in a chroot whose root is no mount, so that / cannot be made private: mount --bind the directory on itself before the chroot)"},
	{asked: "A start in a chroot without /dev", make: func(x *scene) *Cmd {
		must(unix.Chroot(x.dir))
		return &Cmd{Path: "/bin/true"}
	}, by: byRoot,
		want: "sprog: start /bin/true: openat /dev/null (Stdin): no such file or directory (this process sees no /dev/null: give the child its Stdin, Stdout and Stderr, or this root a /dev)"},
	{asked: "A user namespace for a user without an id in the present one", make: sysOf(&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}),
		world: func(c *Cmd) { c.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER }, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: clone3 CLONE_NEWUSER (SysProcAttr.Cloneflags): operation not permitted (the user or group of this process has no id in the user namespace that it is in, so that it cannot make another)"},
	{asked: "A host name where a filter denies namespaces", make: sysOf(&syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWUTS}),
		by: byRoot, world: denying("unshare", unix.EPERM),
		want: "sprog: start /bin/true: unshare CLONE_NEWUTS (SysProcAttr.Unshareflags): operation not permitted (likely the seccomp filter that is in force for this process denies it, as those of containers do: see Seccomp in /proc/self/status)"},
	{asked: "A policy where a filter answers ENOSYS", make: attrOf(&Attr{Scheduler: &Scheduler{Policy: SchedBatch}}),
		world: denying("sched_setattr", unix.ENOSYS),
		want:  "sprog: start /bin/true: sched_setattr SCHED_BATCH (Attr.Scheduler): function not implemented (Linux has sched_setattr from 3.14 on; likely the seccomp filter that is in force for this process answers so: see Seccomp in /proc/self/status)"},
	{asked: "A session where a filter kills for it", make: sysOf(&syscall.SysProcAttr{Setsid: true}), world: killing("setsid"), needs: []*requirement{apartInDeath},
		want: "sprog: start /bin/true: setsid (SysProcAttr.Setsid): killed by SIGSYS before the program was executed (a seccomp filter in force kills for setsid)"},
}

// The kernel used to end all processes that share the memory of one that dumps core, the caller among them.
var apartInDeath = linux(5, 16)

// rootInside has the launch made by root in a user namespace.
func rootInside(c *Cmd) {
	c.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
	c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = oneID(0, os.Geteuid()), oneID(0, os.Getegid())
}

// denying has the launch made under a filter.
func denying(call string, errno unix.Errno) func(*Cmd) {
	return func(c *Cmd) {
		answer := uint16(errno)
		c.Attr.NoNewPrivs = true
		c.Attr.Seccomp = &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{call}, Action: SeccompErrno, Errno: &answer}}}
	}
}

func killing(call string) func(*Cmd) {
	return func(c *Cmd) {
		c.Attr.NoNewPrivs = true
		c.Attr.Seccomp = &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{call}, Action: SeccompKillProcess}}}
	}
}

var failingMaps = []failing{
	{asked: "A map of another user's id", make: mapping(oneID(0, 0), nil, false), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write uid_map "0 0 1" (SysProcAttr.UidMappings): operation not permitted (line "0 0 1" maps uid 0 of this process's user namespace, which takes CAP_SETFCAP since Linux 5.12)`},
	{asked: "A user namespace at the end, by an ordinary user", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", Dir: "/", Attr: &Attr{IDMap: &IDMap{Last: true}},
			SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWUTS, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534)}}
	}, by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: clone3 CLONE_NEWUTS (SysProcAttr.Cloneflags): operation not permitted (a new uts namespace takes CAP_SYS_ADMIN, which this process needs for Attr.IDMap.Last)`},
	{asked: "A map of two ids", make: mapping([]syscall.SysProcIDMap{{HostID: 65534, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 1000}}, nil, false),
		by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write uid_map "0 65534 1\n1 100000 1000" (SysProcAttr.UidMappings): operation not permitted (line "1 100000 1000": without CAP_SETUID only one line can be written, for the writer's own id, 65534; Attr.IDMap.Helpers has newuidmap write others)`},
	{asked: "The same, written by the child itself", make: func(*scene) *Cmd {
		c := mapping([]syscall.SysProcIDMap{{HostID: 65534, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 1000}}, nil, false)(nil)
		c.SysProcAttr.Cloneflags, c.SysProcAttr.Unshareflags = 0, unix.CLONE_NEWUSER
		return c
	}, by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write self/uid_map "0 65534 1\n1 100000 1000" (SysProcAttr.UidMappings): operation not permitted (line "1 100000 1000": after unshare a process can write only one line, for its own id, 65534; with Cloneflags the parent writes the map)`},
	{asked: "A group map with setgroups allowed", make: mapping(oneID(0, 65534), oneID(0, 65534), true), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write gid_map "0 65534 1" (SysProcAttr.GidMappings): operation not permitted (without privileges a group map can be written only where setgroups is denied)`},
	{asked: "Ids that /etc/subuid does not delegate", make: func(x *scene) *Cmd {
		x.delegate()
		c := mapping([]syscall.SysProcIDMap{{HostID: 100000, Size: 2000}}, nil, false)(x)
		c.Attr = &Attr{IDMap: &IDMap{Helpers: true, NewUIDMap: "/bin/true"}}
		return c
	}, by: prepared, needs: []*requirement{userNamespaces, nobody, fileExists("/etc/subuid"), fileExists("/etc/subgid")},
		want: "sprog: start /bin/true: 0 100000 2000 (SysProcAttr.UidMappings[0]): maps uids 100000-101999, but /etc/subuid delegates 100000-100999 to nobody"},
	{asked: "All delegated ids, and there are none", make: func(x *scene) *Cmd {
		x.delegate()
		c := mapping(nil, nil, false)(x)
		c.Attr = &Attr{IDMap: &IDMap{Subordinate: SubordinateIDsFill}}
		return c
	}, by: byRoot, needs: []*requirement{userNamespaces, nobody, fileExists("/etc/subuid"), fileExists("/etc/subgid")},
		want: "sprog: start /bin/true: (Attr.IDMap.Subordinate): /etc/subuid delegates nothing to root"},
	{asked: "Delegated ids without newuidmap", make: func(x *scene) *Cmd {
		x.delegate()
		c := mapping([]syscall.SysProcIDMap{{HostID: 100000, Size: 1000}}, nil, false)(x)
		c.Attr = &Attr{IDMap: &IDMap{Helpers: true, NewUIDMap: "/no/such/newuidmap"}}
		return c
	}, by: prepared, needs: []*requirement{userNamespaces, nobody, fileExists("/etc/subuid"), fileExists("/etc/subgid")},
		want: "sprog: start /bin/true: /no/such/newuidmap (Attr.IDMap.NewUIDMap): no such file or directory"},
	{asked: "A map without a new user namespace", make: simple(Cmd{
		SysProcAttr: &syscall.SysProcAttr{UidMappings: oneID(0, 0)}, Attr: &Attr{}}),
		want: "sprog: start /bin/true: (SysProcAttr.UidMappings): needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags"},
}

func mapping(uids, gids []syscall.SysProcIDMap, setgroups bool) func(*scene) *Cmd {
	return sysOf(&syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: uids, GidMappings: gids, GidMappingsEnableSetgroups: setgroups})
}

// delegate has /etc/subuid and /etc/subgid delegate ids to nobody.
func (x *scene) delegate() {
	for _, name := range []string{"subuid", "subgid"} {
		must(unix.Mount(x.write(name, 0o644, "nobody:100000:1000\n"), "/etc/"+name, "", unix.MS_BIND, ""))
	}
}

var failingJoins = []failing{
	{asked: "A namespace of another kind", make: joinOne(Namespace{Path: "/proc/self/ns/net", Kinds: UTSNamespace}), by: byRoot,
		want: "sprog: start /bin/true: setns /proc/self/ns/net (Attr.Join[0]): invalid argument (it is a net namespace, and asked for is a uts namespace)"},
	{asked: "A file that is no namespace", make: joinOne(Namespace{Path: "/etc/passwd", Kinds: NetworkNamespace}), by: byRoot,
		want: "sprog: start /bin/true: setns /etc/passwd (Attr.Join[0]): invalid argument (/etc/passwd is no namespace: those are files such as /proc/PID/ns/net)"},
	{asked: "Namespaces of a process that does not exist", make: joinOne(Namespace{PID: 1 << 22}),
		want: "sprog: start /bin/true: pidfd_open 4194304 (Attr.Join[0]): no such process"},
	{asked: "Namespaces of root's process, by an ordinary user", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{Join: []Namespace{{PID: os.Getppid(), Kinds: NetworkNamespace}}}}
	}, by: prepared,
		want: "sprog: start /bin/true: open /proc/PID/ns/net (Attr.Join[0]): permission denied (the namespaces of a process are open to those who may trace it: ptrace(2))"},
	{asked: "A network without the user namespace that has it", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{Join: []Namespace{{Path: networkInside(), Kinds: NetworkNamespace}}}}
	}, by: ordinary, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: setns /proc/self/fd/200 (Attr.Join[0]): operation not permitted (it belongs to another user namespace, in which the child has no rights: join that too, before it)"},
	{asked: "A network, by an ordinary user", make: func(*scene) *Cmd {
		c := Command("/bin/sleep", "60")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
		must(c.Start())
		f, err := os.Open("/proc/" + strconv.Itoa(c.Process.Pid) + "/ns/net")
		must(err)
		must(c.Process.Kill()) // now: the death signal of a user's is not for a process of root's
		c.Wait()
		return &Cmd{Path: "/bin/true", Attr: &Attr{Join: []Namespace{{File: f, Kinds: NetworkNamespace}}}}
	}, by: prepared,
		want: "sprog: start /bin/true: setns /proc/PID/ns/net (Attr.Join[0]): operation not permitted (it takes CAP_SYS_ADMIN, which this process does not have)"},
	{asked: "A PID namespace whose first process has ended", make: func(*scene) *Cmd {
		c := Command("/bin/sleep", "60")
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
		must(c.Start())
		f, err := os.Open("/proc/" + strconv.Itoa(c.Process.Pid) + "/ns/pid")
		must(err)
		c.Process.Kill()
		c.Wait()
		return &Cmd{Path: "/bin/true", Attr: &Attr{Join: []Namespace{{File: f, Kinds: PIDNamespace}}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: clone3 (Attr.Join): cannot allocate memory (likely the first process of the joined PID namespace has ended: the namespace takes no others then)"},
	{asked: "A host name outside of a new namespace", make: attrOf(&Attr{Hostname: "box"}),
		want: "sprog: start /bin/true: (Attr.Hostname): needs a new or joined uts namespace (CLONE_NEWUTS): it would change the host"},
	{asked: "A kernel parameter that does not exist", make: simple(Cmd{
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}, Attr: &Attr{Sysctls: []Sysctl{{Name: "net.no.such", Value: "1"}}}}), by: byRoot,
		want: "sprog: start /bin/true: openat sys/net/no/such (Attr.Sysctls[0]): no such file or directory (the kernel has no such parameter, or the new namespace does not, or it comes with a module that is not loaded)"},
	{asked: "A kernel parameter with a value that it does not take", make: simple(Cmd{
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}, Attr: &Attr{Sysctls: []Sysctl{{Name: "net.ipv4.ip_forward", Value: "yes"}}}}),
		by: byRoot, needs: []*requirement{fileExists("/proc/sys/net/ipv4/ip_forward")},
		want: `sprog: start /bin/true: write sys/net/ipv4/ip_forward "yes" (Attr.Sysctls[0]): invalid argument (the parameter does not take that value)`},
	{asked: "A kernel parameter of the whole machine", make: attrOf(&Attr{Sysctls: []Sysctl{{Name: "vm.swappiness", Value: "1"}}}),
		want: "sprog: start /bin/true: vm.swappiness (Attr.Sysctls[0]): belongs to no namespace: it would change the host"},
}

func joinOne(n Namespace) func(*scene) *Cmd { return attrOf(&Attr{Join: []Namespace{n}}) }

// networkInside is the network namespace of a process in a user namespace of
// its own.
func networkInside() string {
	c := Command("/bin/sleep", "60")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	must(c.Start())
	f, err := os.Open("/proc/" + strconv.Itoa(c.Process.Pid) + "/ns/net")
	must(err)
	must(unix.Dup2(int(f.Fd()), 200))
	return "/proc/self/fd/200"
}

var failingSessions = []failing{
	{asked: "A session and a process group", make: sysOf(&syscall.SysProcAttr{Setsid: true, Setpgid: true}),
		want: "sprog: start /bin/true: setpgid 0 (SysProcAttr.Setpgid): operation not permitted (SysProcAttr.Setsid has made a group for it already)"},
	{asked: "A process group that does not exist", make: sysOf(&syscall.SysProcAttr{Setpgid: true, Pgid: 1<<22 - 1}),
		want: "sprog: start /bin/true: setpgid 4194303 (SysProcAttr.Setpgid): operation not permitted (there is no process group 4194303)"},
	{asked: "A controlling terminal that is none", make: sysOf(&syscall.SysProcAttr{Setsid: true, Setctty: true}),
		want: "sprog: start /bin/true: ioctl TIOCSCTTY (SysProcAttr.Setctty): inappropriate ioctl for device (descriptor 0 of the child is no terminal)"},
	{asked: "To give up a terminal that is none", make: sysOf(&syscall.SysProcAttr{Noctty: true}),
		want: "sprog: start /bin/true: ioctl TIOCNOTTY (SysProcAttr.Noctty): inappropriate ioctl for device (descriptor 0 of the child is not the terminal that controls its session)"},
	{asked: "The foreground of a terminal that is none", make: func(*scene) *Cmd {
		null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
		must(err)
		must(unix.Dup2(null, 9))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Foreground: true, Ctty: 9}}
	},
		want: "sprog: start /bin/true: ioctl TIOCSPGRP (SysProcAttr.Foreground): inappropriate ioctl for device (descriptor 9 of this process, which SysProcAttr.Ctty names, is not the terminal that controls its session)"},
}

var failingFilters = []failing{
	{asked: "A cgroup in a directory that is none", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{Parent: x.dir}}}
	},
		want: "sprog: start /bin/true: statfs /tmp/x (Attr.Cgroup.Parent): is not in a cgroup2 file system"},
	{asked: "A cgroup below one that is not the user's", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{Parent: cgroup2Mount(), Name: "sprog-x"}}}
	}, by: prepared, needs: []*requirement{cgroup2},
		want: "sprog: start /bin/true: mkdir /sys/fs/cgroup/sprog-x (Attr.Cgroup.Parent): permission denied (/sys/fs/cgroup is not delegated to user 65534)"},
	{asked: "A file that cgroups do not have", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{Parent: cgroup2Mount(), Name: "sprog-x", Set: []CgroupFile{{Name: "cgroup.nosuch", Value: "1"}}}}}
	}, by: byRoot, needs: []*requirement{cgroup2},
		want: "sprog: start /bin/true: open /sys/fs/cgroup/sprog-x/cgroup.nosuch (Attr.Cgroup.Set[0]): no such file or directory (this kernel's cgroups do not have the file)"},
	{asked: "A value that a file of the cgroup does not take", make: func(*scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{Cgroup: &Cgroup{Parent: cgroup2Mount(), Name: "sprog-x", Set: []CgroupFile{{Name: "cgroup.max.depth", Value: "deep"}}}}}
	}, by: byRoot, needs: []*requirement{cgroup2},
		want: `sprog: start /bin/true: write /sys/fs/cgroup/sprog-x/cgroup.max.depth "deep" (Attr.Cgroup.Set[0]): invalid argument (the file does not take that value)`},
	{asked: "A descriptor that is no cgroup", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: at9(x.dir)}}
	},
		want: "sprog: start /bin/true: clone3 CLONE_INTO_CGROUP descriptor 9 (SysProcAttr.CgroupFD): bad file descriptor (it is not open, or not the directory of a cgroup of version 2)"},
	{asked: "A cgroup that has been removed", make: func(*scene) *Cmd {
		dir, err := os.MkdirTemp(cgroup2Mount(), cgroupsOf(os.Getpid()))
		must(err)
		fd := at9(dir)
		must(os.Remove(dir))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}}
	}, by: byRoot, needs: []*requirement{cgroup2},
		want: "sprog: start /bin/true: clone3 CLONE_INTO_CGROUP descriptor 9 (SysProcAttr.CgroupFD): no such file or directory (the cgroup has been removed, or is outside of this process's cgroup namespace)"},
	{asked: "A v1 cpuset that has no CPUs yet", make: func(*scene) *Cmd {
		dir, err := os.MkdirTemp("/sys/fs/cgroup/cpuset", cgroupsOf(os.Getpid()))
		must(err)
		lateRemoval = dir
		return &Cmd{Path: "/bin/true", Attr: &Attr{CgroupV1: []string{dir}}}
	}, by: byRoot, needs: []*requirement{fileExists("/sys/fs/cgroup/cpuset/cpuset.cpus"), {what: "a cpuset without cgroup.clone_children", works: cpusetsEmpty}},
		want: "sprog: start /bin/true: write /sys/fs/cgroup/cpuset/sprog-x/cgroup.procs (Attr.CgroupV1[0]): no space left on device (cpuset.cpus of the cgroup is empty, and has to be set before a process comes in)"},
	{asked: "A filter without no_new_privs, by an ordinary user", make: attrOf(&Attr{Seccomp: &Seccomp{
		Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"ptrace"}, Action: SeccompErrno}}}}), by: ordinary,
		want: "sprog: start /bin/true: (Attr.Seccomp): needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which this process lacks"},
	{asked: "A filter that denies to execute the program", make: attrOf(&Attr{NoNewPrivs: true, Seccomp: &Seccomp{
		Default: SeccompErrno, Rules: []SeccompRule{{Names: []string{"read"}, Action: SeccompAllow}}}}),
		want: "sprog: start /bin/true: (Attr.Seccomp): denies execve, which executes the program"},
	{asked: "A Landlock rule for a path that does not exist", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Landlock: &Landlock{ABI: 1, Files: &LandlockFiles{
			Rules: []LandlockPath{{Path: x.dir + "/no/such", Rights: LandlockRead}}}}}}
	}, needs: []*requirement{landlockABI(1)},
		want: "sprog: start /bin/true: openat /tmp/x/no/such (Attr.Landlock.Files.Rules[0]): no such file or directory (/tmp/x/no does not exist)"},
	{asked: "Landlock rules that leave out the program", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("program", 0o755, "#!/bin/sh\n"), Attr: &Attr{NoNewPrivs: true, Landlock: &Landlock{ABI: 1, Files: &LandlockFiles{
			Rules: []LandlockPath{{Path: "/etc", Rights: LandlockRead}}}}}}
	}, needs: []*requirement{landlockABI(1)},
		want: "sprog: start /tmp/x/program: execve: permission denied (no Landlock rule gives LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE for /tmp/x/program)"},
}

// at9 opens a directory as descriptor 9.
func at9(dir string) int {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(err)
	must(unix.Dup3(fd, 9, unix.O_CLOEXEC))
	return 9
}

var failingRequests = []failing{
	{asked: "An argument with a NUL byte", make: simple(Cmd{Args: []string{"true", "a\x00b"}}),
		want: `sprog: start /bin/true: "a\x00b" (Args[1]): contains a NUL byte`},
	{asked: "No program", make: func(*scene) *Cmd { return &Cmd{} },
		want: "sprog: no command"},
	{asked: "A soft limit above the hard one", make: attrOf(&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 2, Max: 1}}}),
		want: "sprog: start /bin/true: RLIMIT_CORE (Attr.Rlimits[0]): has a soft limit above the hard limit"},
	{asked: "A capability that does not exist", make: attrOf(&Attr{Caps: &Caps{Effective: CapSet{Drop: []string{"CAP_MAGIC"}}}}),
		want: `sprog: start /bin/true: "CAP_MAGIC" (Attr.Caps.Effective.Drop[0]): is no capability`},
	{asked: "A controlling terminal and the foreground at once", make: sysOf(&syscall.SysProcAttr{Setsid: true, Setctty: true, Foreground: true}),
		want: "sprog: start /bin/true: (SysProcAttr.Setctty): cannot be combined with Foreground: both use Ctty"},
	{asked: "Clone flags that are not for processes", make: simple(Cmd{
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_THREAD | unix.CLONE_SIGHAND}, Attr: &Attr{}}),
		want: "sprog: start /bin/true: CLONE_SIGHAND|CLONE_THREAD (SysProcAttr.Cloneflags): is not for a new process"},
	{asked: "An init, traced", make: simple(Cmd{SysProcAttr: &syscall.SysProcAttr{Ptrace: true}, Attr: &Attr{Init: &Init{}}}),
		want: "sprog: start /bin/true: (Attr.Init): cannot be combined with SysProcAttr.Ptrace: its second stage would be traced"},
}

// lateRemoval is a cgroup to remove after the launch.
var lateRemoval string

func cpusetsEmpty() error {
	text, err := os.ReadFile("/sys/fs/cgroup/cpuset/cgroup.clone_children")
	if err == nil && strings.TrimSpace(string(text)) != "0" {
		err = unix.EINVAL
	}
	return err
}

var failingRights = []failing{
	{asked: "Another user, by an ordinary one", make: sysOf(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}), by: ordinary,
		want: "sprog: start /bin/true: setgroups (SysProcAttr.Credential): operation not permitted (to become another user takes root: CAP_SETGID and CAP_SETUID, which this process does not have)"},
	{asked: "The same, with the groups left as they are", make: sysOf(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1000, Gid: 1000, NoSetGroups: true}}), by: ordinary,
		want: "sprog: start /bin/true: setgid 1000 (SysProcAttr.Credential): operation not permitted (to become another group takes CAP_SETGID, which this process does not have)"},
	{asked: "And with the group left, too", make: sysOf(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1000, Gid: 65534, NoSetGroups: true}}), by: ordinary,
		want: "sprog: start /bin/true: setuid 1000 (SysProcAttr.Credential): operation not permitted (to become another user takes CAP_SETUID, which this process does not have)"},
	{asked: "A user that the new user namespace does not have", make: sysOf(&syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534),
		Credential: &syscall.Credential{Uid: 1000, NoSetGroups: true}}), by: ordinary, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: setuid 1000 (SysProcAttr.Credential): invalid argument (user 1000 does not exist in the new user namespace: no line of SysProcAttr.UidMappings has it inside)"},
	{asked: "Groups in a new user namespace", make: sysOf(&syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534),
		Credential: &syscall.Credential{Groups: []uint32{0}}}), by: ordinary, needs: []*requirement{userNamespaces},
		want: "sprog: start /bin/true: setgroups 0 (SysProcAttr.Credential): operation not permitted (setgroups is denied in the new user namespace; SysProcAttr.GidMappingsEnableSetgroups allows it, which takes CAP_SETGID outside, or newgidmap, by Attr.IDMap.Helpers)"},
	{asked: "An ambient capability that the caller does not have", make: sysOf(&syscall.SysProcAttr{
		AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE}}), by: ordinary,
		want: "sprog: start /bin/true: capset (SysProcAttr.AmbientCaps): operation not permitted (CAP_NET_BIND_SERVICE is not permitted to this process, which can hand on only what it has itself)"},
	{asked: "An ambient capability that is not in the bounding set", make: func(*scene) *Cmd {
		runtime.LockOSThread() // it is the thread's, which makes the launch
		must(unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_RAW, 0, 0, 0))
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_NET_RAW}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: capset (SysProcAttr.AmbientCaps): operation not permitted (CAP_NET_RAW is not in this process's bounding set, and so not to be inherited: see CapBnd in /proc/self/status)"},
	{asked: "An effective capability that the caller does not have", make: attrOf(&Attr{
		Caps: &Caps{Effective: CapSet{Add: []string{"CAP_NET_ADMIN"}}}}), by: ordinary,
		want: "sprog: start /bin/true: CAP_NET_ADMIN (Attr.Caps.Effective): is not permitted to this process"},
	{asked: "A bounding set without one, by an ordinary user", make: attrOf(&Attr{
		Caps: &Caps{Bounding: CapSet{Drop: []string{"CAP_NET_ADMIN"}}}}), by: ordinary,
		want: "sprog: start /bin/true: CAP_NET_ADMIN (Attr.Caps.Bounding): cannot be dropped without CAP_SETPCAP"},
	{asked: "A securebit, by an ordinary user", make: attrOf(&Attr{Securebits: &Securebits{Add: []string{"noroot"}}}), by: ordinary,
		want: "sprog: start /bin/true: (Attr.Securebits): cannot be changed without CAP_SETPCAP"},
	{asked: "A limit above the hard limit", make: func(*scene) *Cmd {
		must(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 100, Max: 100}))
		return &Cmd{Path: "/bin/true", Attr: &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 200, Max: 200}}}}
	}, by: ordinary,
		want: "sprog: start /bin/true: prlimit64 RLIMIT_CORE (Attr.Rlimits[0]): operation not permitted (the hard limit is 100, and to raise it to 200 takes CAP_SYS_RESOURCE)"},
	{asked: "One process more than the user may have", make: func(*scene) *Cmd {
		crowd(40)
		return &Cmd{Path: "/bin/true"}
	}, by: byRoot,
		want: "sprog: start /bin/true: clone3: resource temporarily unavailable (user 1000 has as many processes and threads as RLIMIT_NPROC allows, which is 40)"},
	{asked: "An init whose user may have no second process", make: simple(Cmd{
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54322, Gid: 54322}},
		Attr:        &Attr{Init: &Init{}, Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC, Cur: 1, Max: 1}}},
	}), by: byRoot,
		want: "sprog: start /bin/true: clone CLONE_VM|CLONE_CHILD_CLEARTID|CLONE_VFORK (Attr.Init): resource temporarily unavailable (likely RLIMIT_NPROC: it allows user 54322 no more than 1 processes and threads, and the init is one of them)"},
	{asked: "A nice value of -5, by an ordinary user", make: attrOf(&Attr{Nice: new(-5)}), by: ordinary, world: withoutAny(unix.RLIMIT_NICE),
		want: "sprog: start /bin/true: setpriority -5 (Attr.Nice): permission denied (a nice value of -5 takes CAP_SYS_NICE or a RLIMIT_NICE of 25; it is 0)"},
	{asked: "A real-time policy, by an ordinary user", make: attrOf(&Attr{Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 10}}),
		by: ordinary, world: withoutAny(unix.RLIMIT_RTPRIO),
		want: "sprog: start /bin/true: sched_setattr SCHED_FIFO (Attr.Scheduler): operation not permitted (SCHED_FIFO takes CAP_SYS_NICE or a RLIMIT_RTPRIO of 10, which is 0; in a cgroup of the cpu controller also a cpu.rt_runtime_us that is not 0)"},
	{asked: "Real-time I/O, by an ordinary user", make: attrOf(&Attr{IOPriority: &IOPriority{Class: IORealTime}}), by: ordinary,
		want: "sprog: start /bin/true: ioprio_set IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0) (Attr.IOPriority): operation not permitted (IOPRIO_CLASS_RT takes CAP_SYS_NICE or CAP_SYS_ADMIN)"},
	{asked: "To be spared by the OOM killer, by an ordinary user", make: func(*scene) *Cmd {
		must(os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0))
		return &Cmd{Path: "/bin/true", Attr: &Attr{OOMScoreAdj: new(-1000)}}
	}, by: ordinary,
		want: `sprog: start /bin/true: write self/oom_score_adj "-1000" (Attr.OOMScoreAdj): permission denied (a value below the one that is inherited, 500, takes CAP_SYS_RESOURCE)`},
}

// withoutAny has the process that makes the launch run with a limit of 0.
func withoutAny(resource RlimitResource) func(*Cmd) {
	return func(c *Cmd) { c.Attr.Rlimits = append(c.Attr.Rlimits, Rlimit{Resource: resource}) }
}

// crowd becomes a user that nobody else is, and who has as many processes and
// threads as he may.
func crowd(most int) {
	uid := aloneFrom + os.Getpid()
	must(syscall.Setgid(uid))
	must(syscall.Setuid(uid))
	var ready, done sync.WaitGroup
	ready.Add(16)
	done.Add(1)
	for range 16 { // threads for the runtime: it cannot have more later, and would not go on
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			done.Wait()
		}()
	}
	ready.Wait()
	done.Done()
	for threadsOf(uid) < most {
		c := Command("/bin/sleep", "60")
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		must(c.Start())
	}
	must(unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: uint64(most), Max: uint64(most)}))
}

// threadsOf counts the threads of a user.
func threadsOf(uid int) (n int) {
	files, _ := filepath.Glob("/proc/[0-9]*/task/[0-9]*")
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Sys().(*syscall.Stat_t).Uid == uint32(uid) {
			n++
		}
	}
	return n
}

const aloneFrom = 20_000_000

// aView is a command with a view, in a user namespace of its own. It has sub, a directory, and file in
// the scene.
func aView(root *Root, mounts func(x *scene) []Mount, more ...func(x *scene, c *Cmd)) func(*scene) *Cmd {
	return func(x *scene) *Cmd {
		must(os.Mkdir(x.dir+"/sub", 0o755))
		x.write("file", 0o644, "text")
		c := &Cmd{Path: "/bin/true", Dir: "/", Attr: &Attr{Root: root}, SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID, UidMappings: oneID(0, 65534), GidMappings: oneID(0, 65534),
		}}
		if mounts != nil {
			c.Attr.Mounts = mounts(x)
		}
		for _, f := range more {
			f(x, c)
		}
		return c
	}
}

// just are mounts that need nothing of the scene.
func just(list ...Mount) func(*scene) []Mount { return func(*scene) []Mount { return list } }

// executing has the command execute another file.
func executing(path string) func(*scene, *Cmd) { return func(_ *scene, c *Cmd) { c.Path = path } }

// asRootOf has the view made by root, without a user namespace.
func asRootOf(_ *scene, c *Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
}

var failingViews = []failing{
	{asked: "A bind of what does not exist", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/no/such/file"})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /no/such/file (Attr.Mounts[0]): no such file or directory (/no does not exist)`},
	{asked: "A bind through a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir + "/file/below"}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/file/below (Attr.Mounts[0]): not a directory (/tmp/x/file is a regular file, no directory)`},
	{asked: "A bind of what the user may not reach", make: aView(nil, func(x *scene) []Mount {
		must(os.Mkdir(x.dir+"/hidden", 0o755))
		must(os.Chmod(x.dir+"/hidden", 0))
		return []Mount{{Target: "/tmp", Bind: x.dir + "/hidden/file"}}
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/hidden/file (Attr.Mounts[0]): permission denied (user 65534 with the rights of the new user namespace may not search /tmp/x/hidden, which is d--------- of user 0 and group 0)`},
	{asked: "A bind of a link that goes in circles", make: aView(nil, func(x *scene) []Mount {
		must(os.Symlink("loop", x.dir+"/loop"))
		return []Mount{{Target: "/tmp", Bind: x.dir + "/loop"}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/loop (Attr.Mounts[0]): too many levels of symbolic links (symbolic links lead in a circle, by way of /tmp/x/loop)`},
	{asked: "A mount where the host has nothing", make: aView(nil, just(Mount{Target: "/no/such/place", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such/place (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "A mount below a bind that has no such directory", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Bind: x.dir}, {Target: "/tmp/new", Tmpfs: &Tmpfs{}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/new (Attr.Mounts[1]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "A mount below a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file/below", Tmpfs: &Tmpfs{}}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/file/below (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view)`},
	{asked: "A directory on a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file", Tmpfs: &Tmpfs{}}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: move_mount /tmp/x/file (Attr.Mounts[0]): invalid argument (a directory goes on a directory, and a file on what is none)`},
	{asked: "A file on a directory", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/sub", Bind: x.dir + "/file"}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: move_mount /tmp/x/sub (Attr.Mounts[0]): invalid argument (a directory goes on a directory, and a file on what is none)`},
	{asked: "A mount through a link of /proc", make: aView(nil, just(Mount{Target: "/proc/self/root/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /proc/self/root/tmp (Attr.Mounts[0]): too many levels of symbolic links (the path leads through a link of /proc to something that is open, which is not followed, or through too many links)`},
	{asked: "A mount at a link that leads nowhere", make: aView(nil, func(x *scene) []Mount {
		must(os.Symlink("nowhere", x.dir+"/link"))
		return []Mount{{Target: x.dir + "/link", Tmpfs: &Tmpfs{}, Create: true}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/link (Attr.Mounts[0]): no such file or directory (a symbolic link there leads to nothing in the program's view, and nothing is made through links)`},
	{asked: "A mount to be created below what is read-only", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Bind: x.dir, Flags: MountReadOnly}, {Target: "/tmp/new", Tmpfs: &Tmpfs{}, Create: true}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mkdirat /tmp/new (Attr.Mounts[1]): read-only file system (it is missing in the program's view, and cannot be made: what is mounted there is read-only)`},
	{asked: "A mount to be created where the user may not write", make: aView(nil, just(Mount{Target: "/usr/new", Tmpfs: &Tmpfs{}, Create: true})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mkdirat /usr/new (Attr.Mounts[0]): permission denied (it is missing in the program's view, and the child has no right to make it)`},
	{asked: "A mount to be created below a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file/new", Tmpfs: &Tmpfs{}, Create: true}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/file/new (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view)`},
	{asked: "A directory that is a file", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file", Dir: true}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /tmp/x/file/ (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view)`},
	{asked: "A directory that is not there", make: aView(nil, just(Mount{Target: "/no/such/directory", Dir: true})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such/directory/ (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "A link where a file is", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: x.dir + "/file", Symlink: "sub"}} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: symlinkat /tmp/x/file (Attr.Mounts[0]): file exists (something else is there in the program's view)`},
	{asked: "A link where another link is", make: aView(nil, func(x *scene) []Mount {
		must(os.Symlink("file", x.dir+"/link"))
		return []Mount{{Target: x.dir + "/link", Symlink: "sub"}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: symlinkat /tmp/x/link (Attr.Mounts[0]): file exists (something else is there in the program's view)`},
	{asked: "A link in a directory that is not there", make: aView(nil, just(Mount{Target: "/no/such/link", Symlink: "sub"})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`},
	{asked: "Flags of what is not there", make: aView(nil, just(Mount{Target: "/no/such/place", Flags: MountReadOnly})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: openat2 /no/such/place (Attr.Mounts[0]): no such file or directory (the program sees nothing there, of which flags could be set)`},
	{asked: "A clear of what the caller has read-only", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir + "/sub", Clear: MountReadOnly}} }, func(x *scene, c *Cmd) {
		must(unix.Mount(x.dir, x.dir, "", unix.MS_BIND, ""))
		must(unix.Mount("", x.dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mount_setattr /tmp/x/sub (Attr.Mounts[0]): operation not permitted (a flag that a mount has in the caller's namespace cannot be cleared in a new user namespace)`},
	{asked: "Times of access where the caller has another way", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir, Flags: MountNoAtime}} }), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mount_setattr /tmp/x (Attr.Mounts[0]): operation not permitted (what a mount does about times of access in the caller's namespace cannot be changed in a new user namespace)`},
	{asked: "A new /proc where something is mounted over parts of the caller's", make: aView(nil, just(Mount{Target: "/proc", Proc: &Proc{}}), func(*scene, *Cmd) { must(unix.Mount("/dev/null", "/proc/version", "", unix.MS_BIND, "")) }), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsmount proc (Attr.Mounts[0]): operation not permitted (a user namespace gets no more of /proc than the caller has, and these have something mounted over them: /proc/version. Proc.Fallback says what there is to be instead)`},
	{asked: "An overlay of what does not exist", make: aView(nil, just(Mount{Target: "/tmp", Overlay: &Overlay{Lower: []string{"/no/such/a", "/no/such/b"}}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig lowerdir+=/no/such/a (Attr.Mounts[0]): no such file or directory (/no does not exist)`},
	{asked: "An overlay of a file", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Overlay: &Overlay{Lower: []string{x.dir + "/file"}, Private: true}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig lowerdir+=/tmp/x/file (Attr.Mounts[0]): invalid argument (the kernel says: overlay: /tmp/x/file is not a directory)`},
	{asked: "An overlay of a directory that something is mounted below", make: aView(nil, func(x *scene) []Mount {
		must(unix.Mount("none", x.dir+"/sub", "tmpfs", 0, ""))
		return []Mount{{Target: "/tmp", Overlay: &Overlay{Lower: []string{x.dir}, Private: true}}}
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): invalid argument (likely something is mounted below one of the directories, which a user namespace must not uncover, or one is on a file system that overlays cannot be made of)`},
	{asked: "An overlay of another that has no work", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Overlay: &Overlay{Lower: []string{"/usr"}, Upper: x.dir + "/sub", Work: x.dir + "/no-work"}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: fsconfig workdir=/tmp/x/no-work (Attr.Mounts[0]): no such file or directory (/tmp/x/no-work does not exist)`},
	{asked: "A device that the caller has not", make: aView(&Root{Empty: true}, just(Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"no-such-device"}}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /dev/no-such-device (Attr.Mounts[0]): no such file or directory`},
	{asked: "A mask where the caller's /dev/null is a file", make: aView(nil, just(Mount{Target: "/etc/passwd", Mask: true}), func(x *scene, c *Cmd) {
		must(unix.Mount(x.dir+"/file", "/dev/null", "", unix.MS_BIND, ""))
		c.Stdin, c.Stdout, c.Stderr = os.Stderr, os.Stderr, os.Stderr
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: statx /dev/null (Attr.Mounts[0]): no such device (this process's /dev/null is not that device, and would be what hides files)`},
	{asked: "A root that does not exist", make: aView(&Root{Dir: "/no/such/root"}, nil), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /no/such/root (Attr.Root): no such file or directory (/no does not exist)`},
	{asked: "A root that is a file", make: aView(&Root{Dir: "/etc/passwd"}, nil), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: move_mount / (Attr.Root): invalid argument (the root has to be a directory)`},
	{asked: "A program that an empty root has not", make: aView(&Root{Empty: true}, nil), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: execve: no such file or directory (the program's view has no such file; this process sees it, so a mount of it is missing)`},
	{asked: "A script whose interpreter a view has not", make: aView(nil, func(x *scene) []Mount {
		x.write("script", 0o755, "#!/no/such/interpreter\n")
		return []Mount{{Target: "/tmp", Bind: x.dir}}
	}, executing("/tmp/script")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/script: execve: no such file or directory (the interpreter /no/such/interpreter, which the first line of /tmp/script names, does not exist in the program's view)`},
	{asked: "A script whose interpreter is the host's", make: aView(&Root{Empty: true}, func(x *scene) []Mount {
		x.write("script", 0o755, "#!/bin/sh\n")
		return []Mount{{Target: "/app", Bind: x.dir}}
	}, executing("/app/script")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /app/script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /app/script names, does not exist in the program's view; this process sees it, so a mount of it is missing)`},
	{asked: "A script whose interpreter is the host's, with an init", make: aView(&Root{Empty: true}, func(x *scene) []Mount {
		x.write("script", 0o755, "#!/bin/sh\n")
		return []Mount{{Target: "/app", Bind: x.dir}}
	}, executing("/app/script"), func(_ *scene, c *Cmd) { c.Attr.Init = &Init{} }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /app/script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /app/script names, does not exist in the program's view; this process sees it, so a mount of it is missing)`},
	{asked: "A program that is text, in a view", make: aView(nil, func(x *scene) []Mount {
		x.write("text", 0o755, "just words\n")
		return []Mount{{Target: "/tmp", Bind: x.dir}}
	}, executing("/tmp/text")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/text: execve: exec format error (/tmp/text is text without a first line such as #!/bin/sh, which would say what executes it)`},
	{asked: "A program on a mount that is noexec", make: aView(nil, func(x *scene) []Mount {
		x.write("text", 0o755, "#!/bin/sh\n")
		return []Mount{{Target: "/tmp", Bind: x.dir, Flags: MountNoExec}}
	}, executing("/tmp/text")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/text: execve: permission denied (/tmp/text is below /tmp, which Attr.Mounts[0] has mounted noexec)`},
	{asked: "A program that nobody may execute, in a view", make: aView(nil, func(x *scene) []Mount { return []Mount{{Target: "/tmp", Bind: x.dir}} }, executing("/tmp/file")), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /tmp/file: execve: permission denied (/tmp/file, or what executes it, is there and may not be executed: by its mode, or because its file system is mounted noexec)`},
	{asked: "A working directory that a view has not", make: aView(&Root{Empty: true}, func(x *scene) []Mount { return fromHost() }, func(x *scene, c *Cmd) { c.Dir = x.dir }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: chdir /tmp/x (Dir): no such file or directory (the program's view has no such directory; this process sees it, so a mount of it is missing)`},
	{asked: "A working directory that is a file, in a view", make: aView(nil, nil, func(x *scene, c *Cmd) {
		c.Attr.Mounts = []Mount{{Target: "/tmp", Bind: x.dir}}
		c.Dir = "/tmp/file"
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: chdir /tmp/file (Dir): not a directory`},
	{asked: "Mounts by an ordinary user without a user namespace", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}), asRootOf), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: unshare CLONE_NEWNS (SysProcAttr.Unshareflags): operation not permitted (a new mount namespace takes CAP_SYS_ADMIN, which an ordinary user has in a new user namespace: add CLONE_NEWUSER to SysProcAttr.Cloneflags)`},
	{asked: "Mounts in a user namespace without maps", make: aView(&Root{Empty: true}, just(Mount{Target: "/a", Dir: true}), func(_ *scene, c *Cmd) { c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = nil, nil }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: mkdirat /a (Attr.Mounts[0]): value too large for defined data type (the file system has no id for the owner of a new file: the user namespace has to map the caller's user and group by SysProcAttr.UidMappings and GidMappings)`},
	{asked: "Mounts where a filter denies them", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces, mountSetattr}, world: denying("fsopen", unix.EPERM),
		want: `sprog: start /bin/true: fsopen tmpfs (Attr.Mounts[0]): operation not permitted (likely the seccomp filter that is in force for this process denies it, as those of containers do: see Seccomp in /proc/self/status)`},
	{asked: "Mounts by a process in a Landlock domain", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces, landlockABI(1)}, world: inDomain,
		want: `sprog: start /bin/true: move_mount /tmp (Attr.Mounts[0]): operation not permitted (likely this process is in a Landlock domain that restricts files, which may change no mounts)`},
	{asked: "A file whose path leads to another one by now", make: aView(nil, func(x *scene) []Mount {
		f, err := os.Open(x.dir + "/file")
		must(err)
		must(unix.Mount("/dev/null", x.dir+"/file", "", unix.MS_BIND, ""))
		return []Mount{{Target: "/tmp", File: f}}
	}), by: prepared, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: statx /tmp/x/file (Attr.Mounts[0]): stale file handle (the path that the file has leads to another one)`},
	{asked: "A file that was removed", make: aView(nil, func(x *scene) []Mount {
		f, err := os.Open(x.dir + "/file")
		must(err)
		must(os.Remove(x.dir + "/file"))
		return []Mount{{Target: "/etc/passwd", File: f}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: open_tree /tmp/x/file (deleted) (Attr.Mounts[0]): no such file or directory (the file has been removed, so that the child finds it nowhere: it is passed on only without another user namespace, and with CAP_SYS_ADMIN)`},
	{asked: "Content that is longer than files may be", make: aView(nil, just(Mount{Target: "/etc/passwd", Data: []byte("0123456789")}), func(_ *scene, c *Cmd) {
		c.Attr.Rlimits = []Rlimit{{Resource: unix.RLIMIT_FSIZE, Cur: 5, Max: 5}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write /etc/passwd (Attr.Mounts[0]): file too large (the content is longer than RLIMIT_FSIZE allows, which is 5)`},
	{asked: "Mounts where a filter denies move_mount", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces, mountSetattr}, world: denying("move_mount", unix.EPERM),
		want: `sprog: start /bin/true: move_mount /tmp (Attr.Mounts[0]): operation not permitted (either the seccomp filter that is in force for this process denies it, or this process is in a Landlock domain that restricts files, which may change no mounts: nothing tells which)`},
	{asked: "Mounts where a filter denies move_mount to root", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}), asRootOf), by: byRoot, needs: []*requirement{mountSetattr}, world: denying("move_mount", unix.EPERM),
		want: `sprog: start /bin/true: move_mount /tmp (Attr.Mounts[0]): operation not permitted (the seccomp filter that is in force for this process denies it: see Seccomp in /proc/self/status)`},
	{asked: "Another root where a filter denies pivot_root", make: aView(&Root{Empty: true}, nil), by: ordinary, needs: []*requirement{userNamespaces}, world: denying("pivot_root", unix.EPERM),
		want: `sprog: start /bin/true: pivot_root . (Attr.Root): operation not permitted (either the seccomp filter that is in force for this process denies it, or this process is in a Landlock domain that restricts files, which may change no mounts: nothing tells which)`},
	{asked: "Content for a tmpfs that is full", make: aView(nil, just(Mount{Target: "/tmp", Tmpfs: &Tmpfs{Size: 4096}}, Mount{Target: "/tmp/file", Data: make([]byte, 100000), Copy: true})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: write /tmp/file (Attr.Mounts[1]): no space left on device`},
	{asked: "A console that is no terminal", make: aView(nil, func(x *scene) []Mount {
		f, err := os.Open(x.dir + "/file")
		must(err)
		return []Mount{{Target: "/dev", Dev: &Dev{Console: f}}}
	}), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: ioctl TCGETS /tmp/x/file (Attr.Mounts[0].Dev.Console): inappropriate ioctl for device`},
	{asked: "Ids of a mount of /proc", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/proc", Shallow: true, IDMap: ownedBy(1000)}), asRootOf), by: byRoot, needs: []*requirement{linux(5, 12)},
		want: `sprog: start /bin/true: mount_setattr /proc (Attr.Mounts[0].IDMap): invalid argument (this kernel maps no ids of proc there: mount_setattr(2) has the list of file systems)`},
	{asked: "Ids of a mount, by an ordinary user", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/etc", IDMap: ownedBy(1000)})), by: ordinary, needs: []*requirement{userNamespaces, linux(5, 12)},
		want: `sprog: start /bin/true: open_tree /etc (Attr.Mounts[0].IDMap): operation not permitted (it takes CAP_SYS_ADMIN in the user namespace that the file system belongs to)`},
	{asked: "Ids of a mount of what does not exist", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/no/such/file", IDMap: ownedBy(1000)}), asRootOf), by: byRoot, needs: []*requirement{linux(5, 12)},
		want: `sprog: start /bin/true: open_tree /no/such/file (Attr.Mounts[0].IDMap): no such file or directory (/no does not exist)`},
	{asked: "Ids of a mount, by root of a user namespace", make: aView(nil, func(x *scene) []Mount {
		return []Mount{{Target: "/tmp", Bind: x.dir, IDMap: &MountIDMap{UIDs: []IDRange{{0, 0, 1}}, GIDs: []IDRange{{0, 0, 1}}}}}
	}, asRootOf), by: byRoot, needs: []*requirement{mappedMounts}, world: insideOfUser,
		want: `sprog: start /bin/true: mount_setattr /tmp/x (Attr.Mounts[0].IDMap): operation not permitted (it takes CAP_SYS_ADMIN in the user namespace that the file system belongs to)`},
	{asked: "Ids of a mount that are mapped already", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/mnt", Shallow: true, IDMap: ownedBy(1000)}), asRootOf), by: byRoot, needs: []*requirement{mappedMounts}, world: withMappedMount,
		want: `sprog: start /bin/true: mount_setattr /mnt (Attr.Mounts[0].IDMap): operation not permitted (its ids are mapped already, which is possible once)`},
	{asked: "Ids of a mount where a filter hides mount_setattr", make: aView(nil, just(Mount{Target: "/tmp", Bind: "/etc", IDMap: ownedBy(1000)}), asRootOf), by: byRoot, world: denying("mount_setattr", unix.ENOSYS),
		want: `sprog: start /bin/true: /tmp (Attr.Mounts[0].IDMap): ids take mount_setattr, Linux 5.12`},
	{asked: "A root and a change of the root", make: aView(&Root{Empty: true}, nil, func(_ *scene, c *Cmd) { c.SysProcAttr.Chroot = "/tmp" }), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: (Attr.Root): cannot be combined with SysProcAttr.Chroot: both change the root directory`},
	{asked: "A mount at two places", make: aView(nil, just(Mount{Target: "/a", Bind: "/b", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: /a (Attr.Mounts[0]): has both Bind and Tmpfs`},
	{asked: "A target that leads up", make: aView(nil, just(Mount{Target: "/tmp/../etc", Tmpfs: &Tmpfs{}})), by: ordinary, needs: []*requirement{userNamespaces},
		want: `sprog: start /bin/true: /tmp/../etc (Attr.Mounts[0].Target): has ".." in it`},
}

// insideOfUser has the launch made by root of a user namespace that has only its own ids.
func insideOfUser(c *Cmd) {
	c.SysProcAttr.Unshareflags |= unix.CLONE_NEWUSER
	c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = oneID(0, 0), oneID(0, 0)
}

// withMappedMount has it made where /mnt has ids of its own.
func withMappedMount(c *Cmd) {
	c.Attr.Mounts = []Mount{{Target: "/mnt", Bind: os.TempDir(), Shallow: true, IDMap: ownedBy(1000)}}
}

// inDomain has the launch made in a Landlock domain that restricts files.
func inDomain(c *Cmd) {
	c.Attr.NoNewPrivs = true
	c.Attr.Landlock = &Landlock{Files: &LandlockFiles{Handled: LandlockMakeSock}}
}
