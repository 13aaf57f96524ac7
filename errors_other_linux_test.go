//go:build amd64 || arm64

package sprog

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

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
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		must(c.Start())
		f, err := os.Open("/proc/" + strconv.Itoa(c.Process.Pid) + "/ns/net")
		must(err)
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
