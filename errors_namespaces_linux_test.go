//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

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
	{asked: "A session where a filter kills for it", make: sysOf(&syscall.SysProcAttr{Setsid: true}), world: killing("setsid"),
		want: "sprog: start /bin/true: setsid (SysProcAttr.Setsid): killed by SIGSYS before the program was executed (a seccomp filter in force kills for setsid)"},
}

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
