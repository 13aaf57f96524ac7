//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var (
	toRoot     = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
	severalIDs = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 65536}}
)

// plansOfFiles are about descriptors; a is the parent's 100, b its 101.
func plansOfFiles(a, b *os.File) []planCase {
	return []planCase{
		{"nothing", nil},
		{"stdin", func(c *Cmd) { c.Stdin = a }},
		{"stdio-closed", func(c *Cmd) {
			var none *os.File
			c.Stdin, c.Stdout, c.Stderr = none, none, none
		}},
		{"stdio-inherited", func(c *Cmd) { c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr }},
		{"stdio-one-file", func(c *Cmd) { c.Stdout, c.Stderr = a, a }},
		{"stdio-crossed", func(c *Cmd) { c.Stdin, c.Stdout, c.Stderr = os.Stderr, os.Stdin, os.Stdout }},
		{"pipes", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer)
		}},
		{"pipe-for-both", func(c *Cmd) {
			c.Stdout = new(bytes.Buffer)
			c.Stderr = c.Stdout
		}},
		{"extra-files", func(c *Cmd) { c.ExtraFiles = []*os.File{a, nil, b} }},
		{"extra-files-swapped", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = os.Stdout, os.Stdin, os.Stderr
			c.ExtraFiles = []*os.File{os.Stderr, os.Stdin, a}
		}},
		{"many-arguments", func(c *Cmd) { c.Args = strings.Fields(strings.Repeat("word ", 1000)) }},
		{"odd-strings", func(c *Cmd) {
			c.Path, c.Args, c.Dir = "/bin/a b\"c\n", []string{"", "\x01é\xff"}, "dir with spaces"
		}},
		{"environment-empty", func(c *Cmd) { c.Env = []string{} }},
	}
}

var plansOfIDs = []planCase{
	{"credential", with(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 100}})},
	{"credential-groups", with(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 100, Groups: []uint32{4, 24, 4294967294}}})},
	{"credential-nosetgroups", with(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4294967294, NoSetGroups: true}})},
	{"ambient-caps", with(&syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_CHECKPOINT_RESTORE}})},
	{"ambient-caps-credential", with(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1000}, AmbientCaps: []uintptr{unix.CAP_SYS_TIME},
	})},
	{"userns-born", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"userns-born-no-maps", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER})},
	{"userns-born-setgroups", with(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: severalIDs, GidMappings: severalIDs, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 5, Gid: 5, Groups: []uint32{6}},
	})},
	{"userns-born-credential", with(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot, Credential: &syscall.Credential{},
	})},
	{"userns-unshared", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"userns-unshared-setgroups", with(&syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWUSER, UidMappings: severalIDs, GidMappings: severalIDs, GidMappingsEnableSetgroups: true,
	})},
	{"userns-gid-only", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, GidMappings: toRoot})},
}

// plansOfSessions are about sessions, groups and terminals; tty is the
// parent's 102.
func plansOfSessions(tty *os.File) []planCase {
	return []planCase{
		{"setsid", with(&syscall.SysProcAttr{Setsid: true})},
		{"setpgid", with(&syscall.SysProcAttr{Setpgid: true})},
		{"setpgid-joined", with(&syscall.SysProcAttr{Setpgid: true, Pgid: 1234})},
		{"foreground", with(&syscall.SysProcAttr{Foreground: true, Ctty: 102})},
		{"foreground-joined", with(&syscall.SysProcAttr{Foreground: true, Ctty: 102, Pgid: 1234})},
		{"setctty", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}},
		{"setctty-extra", func(c *Cmd) {
			c.ExtraFiles = []*os.File{tty}
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
		}},
		{"noctty", func(c *Cmd) {
			c.Stdin = tty
			c.SysProcAttr = &syscall.SysProcAttr{Noctty: true}
		}},
		{"pdeathsig", with(&syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM})},
		{"pdeathsig-new-pid", with(&syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWPID})},
		{"pdeathsig-realtime", with(&syscall.SysProcAttr{Pdeathsig: 34})},
		{"ptrace", with(&syscall.SysProcAttr{Ptrace: true})},
		{"pidfd", with(&syscall.SysProcAttr{PidFD: new(int)})},
		{"cgroup", with(&syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: 100})},
	}
}

const allNamespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUSER |
	syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWCGROUP | syscall.CLONE_NEWTIME

var plansOfPlaces = []planCase{
	{"dir", func(c *Cmd) { c.Dir = "/srv" }},
	{"chroot", with(&syscall.SysProcAttr{Chroot: "/srv/root"})},
	{"chroot-dir", func(c *Cmd) { c.Dir, c.SysProcAttr = "/home", &syscall.SysProcAttr{Chroot: "/srv/root"} }},
	{"chroot-relative-dir", func(c *Cmd) { c.Dir, c.SysProcAttr = "home", &syscall.SysProcAttr{Chroot: "root"} }},
	{"namespaces-born", with(&syscall.SysProcAttr{Cloneflags: allNamespaces})},
	{"namespaces-unshared", with(&syscall.SysProcAttr{Unshareflags: allNamespaces})},
	{"mount-unshared", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})},
	{"clone-harmless", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_VFORK | syscall.CLONE_IO | uintptr(syscall.SIGCHLD)})},
	{"unshare-others", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_FS | syscall.CLONE_SYSVSEM})},
}

func mask(bits uint32) *uint32 { return &bits }

var plansOfAttr = []planCase{
	{"umask", by(&Attr{Umask: mask(0o27)})},
	{"deny-tiocsti", by(&Attr{DenyTIOCSTI: true, NoNewPrivs: true})},
	{"umask-zero", by(&Attr{Umask: mask(0)})},
	{"no-new-privs", by(&Attr{NoNewPrivs: true})},
	{"rlimits", by(&Attr{Rlimits: []Rlimit{
		{Resource: unix.RLIMIT_CPU, Cur: 1, Max: 2},
		{Resource: unix.RLIMIT_CORE, Cur: 0, Max: RlimitInfinity},
		{Resource: unix.RLIMIT_RTTIME, Cur: RlimitInfinity, Max: RlimitInfinity},
	}})},
	{"rlimits-nofile", by(&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 128}}})},
	{"rlimits-nofile-raised", by(&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 8192}}})},
	{"user-namespaces-at-the-end", by(&Attr{UserNamespace: os.Stdin, RefuseUserNamespaces: true})},
	{"wait-for", by(&Attr{WaitFor: os.Stdin})},
	{"init-that-lingers", by(&Attr{Init: &Init{Linger: true, Visible: true, Keep: []*os.File{os.Stdin}, Locks: []string{"/lock"}}})},
	{"init", by(&Attr{Init: &Init{}})},
	{"init-session", func(c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{ReportStops: true}}, &syscall.SysProcAttr{Setsid: true}
	}},
	{"init-job-control", func(c *Cmd) {
		c.Stdin, c.Attr = os.Stdin, &Attr{Init: &Init{JobControl: true}}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}},
	{"init-pid-namespace", func(c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{}}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	}},
	{"zero-values", func(c *Cmd) { c.Attr, c.SysProcAttr = &Attr{}, &syscall.SysProcAttr{} }},
}

// plansOfMuch combine fields.
func plansOfMuch(a, tty *os.File) []planCase {
	return []planCase{
		{"foreground-setpgid-credential", func(c *Cmd) {
			c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
			c.SysProcAttr = &syscall.SysProcAttr{
				Setpgid: true, Foreground: true, Ctty: 102, Credential: &syscall.Credential{Uid: 1},
			}
		}},
		{"everything", func(c *Cmd) {
			c.Dir, c.Stdin, c.Stdout, c.ExtraFiles = "work", tty, new(bytes.Buffer), []*os.File{a, tty}
			c.SysProcAttr = everything()
			c.Attr = everyAttr()
		}},
	}
}

// everything has every field that goes with the others.
func everything() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Chroot: "/srv/root", Credential: &syscall.Credential{Uid: 1, Gid: 2, Groups: []uint32{3}},
		Setsid: true, Setctty: true, Ctty: 4, Noctty: true, Pdeathsig: syscall.SIGHUP,
		Cloneflags: allNamespaces, Unshareflags: syscall.CLONE_NEWNS,
		UidMappings: severalIDs, GidMappings: severalIDs, GidMappingsEnableSetgroups: true,
		AmbientCaps: []uintptr{unix.CAP_KILL}, UseCgroupFD: true, CgroupFD: 100, PidFD: new(int),
	}
}

func everyAttr() *Attr {
	return &Attr{
		Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC, Cur: 10, Max: 20}, {Resource: unix.RLIMIT_NOFILE, Cur: 30, Max: 5000}},
		Umask:   mask(0o77), NoNewPrivs: true, Init: &Init{},
	}
}
