//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A startCase is a command that starts, if what it needs is there. Together
// the cases use every field, and every shape that a program takes for it.
type startCase struct {
	name  string
	needs []*requirement
	// prepare completes a command that runs /bin/true.
	prepare func(t *testing.T, c *Cmd)
}

func (s startCase) cmd(t *testing.T) *Cmd {
	c := &Cmd{Path: "/bin/true", Args: []string{"true"}}
	if s.prepare != nil {
		s.prepare(t, c)
	}
	return c
}

// withSys and withAttr are cases that consist of attributes.
func withSys(sys *syscall.SysProcAttr) func(*testing.T, *Cmd) {
	return func(_ *testing.T, c *Cmd) { c.SysProcAttr = sys }
}

func withAttr(attr *Attr) func(*testing.T, *Cmd) {
	return func(_ *testing.T, c *Cmd) { c.Attr = attr }
}

// startCases are all of them. Those of casesOfTerminal need a controlling
// terminal and are listed apart.
func startCases() (all []startCase) {
	for _, list := range [][]startCase{casesOfFiles, casesOfTables, casesOfIDs, casesOfSessions, casesOfPlaces, casesOfJoining, casesOfInside, casesOfForbidding, casesOfAttr, casesOfCredentials, casesOfSignals, casesOfSched, casesOfMuch, casesOfLandlock, casesOfIDMap, casesOfSeccomp, casesOfCgroups, casesOfMemory, casesOfViews} {
		all = append(all, list...)
	}
	return all
}

var casesOfFiles = []startCase{
	{"plain", nil, nil},
	{"pipes", nil, func(_ *testing.T, c *Cmd) {
		c.Stdin, c.Stdout, c.Stderr = strings.NewReader("in"), new(bytes.Buffer), new(bytes.Buffer)
	}},
	{"closed", nil, func(_ *testing.T, c *Cmd) {
		var none *os.File
		c.Stdin, c.Stdout, c.Stderr = none, none, none
	}},
	{"crossed", nil, func(_ *testing.T, c *Cmd) {
		c.Stdin, c.Stdout, c.Stderr = os.Stderr, os.Stdin, os.Stdout
		c.ExtraFiles = []*os.File{os.Stdout, nil, os.Stdin}
	}},
	{"extra", nil, func(t *testing.T, c *Cmd) {
		c.ExtraFiles = []*os.File{tempFile(t), nil, tempFile(t), tempFile(t)}
		c.Stdin = c.ExtraFiles[2]
	}},
	{"more files than slots", nil, func(t *testing.T, c *Cmd) {
		for range 40 {
			c.ExtraFiles = append(c.ExtraFiles, tempFile(t))
		}
	}},
}

// idOf maps one id of this process to an id inside.
func idOf(inside, outside int) []syscall.SysProcIDMap {
	return []syscall.SysProcIDMap{{ContainerID: inside, HostID: outside, Size: 1}}
}

var (
	uidToRoot, gidToRoot = idOf(0, os.Getuid()), idOf(0, os.Getgid())
	rangesOfIDs          = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 10}, {ContainerID: 10, HostID: 20, Size: 1000}}
)

var casesOfIDs = []startCase{
	{"credential", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{7, 8}},
	})},
	{"credential of no groups", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true},
	})},
	{"own credential", nil, withSys(&syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: true},
	})},
	{"ambient", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_TIME},
	})},
	{"user namespace", []*requirement{userNamespaces}, withSys(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot,
	})},
	{"user namespace, root in it", []*requirement{userNamespaces}, withSys(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID, UidMappings: uidToRoot, GidMappings: gidToRoot,
		Credential: &syscall.Credential{},
	})},
	{"user namespace of groups", []*requirement{userNamespaces}, withSys(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, GidMappings: gidToRoot,
	})},
	{"user namespace of many", []*requirement{asRoot, userNamespaces}, withSys(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: rangesOfIDs, GidMappings: rangesOfIDs, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{Uid: 11, Gid: 12, Groups: []uint32{13}},
	})},
	{"user namespace unshared", []*requirement{userNamespaces}, withSys(&syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot,
	})},
}

var casesOfSessions = []startCase{
	{"setsid", nil, withSys(&syscall.SysProcAttr{Setsid: true})},
	{"setpgid", nil, withSys(&syscall.SysProcAttr{Setpgid: true})},
	{"terminal", []*requirement{terminals}, func(t *testing.T, c *Cmd) {
		_, tty := newTerminal(t)
		c.Stdin, c.Stdout = tty, tty
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}},
	{"pdeathsig", nil, withSys(&syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM})},
	{"ptrace", nil, withSys(&syscall.SysProcAttr{Ptrace: true})},
	{"pidfd", nil, func(t *testing.T, c *Cmd) {
		fd := -1
		c.SysProcAttr = &syscall.SysProcAttr{PidFD: &fd}
		t.Cleanup(func() { unix.Close(fd) })
	}},
	{"cgroup", []*requirement{cgroup2}, func(t *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(newCgroup(t).Fd())}
	}},
}

// casesOfTerminal need to run in a session with a controlling terminal, which
// is descriptor 0.
var casesOfTerminal = []startCase{
	{"foreground", nil, withSys(&syscall.SysProcAttr{Foreground: true})},
	{"foreground, group by name", nil, withSys(&syscall.SysProcAttr{Foreground: true, Setpgid: true})},
	{"noctty", nil, func(_ *testing.T, c *Cmd) {
		c.Stdin = os.Stdin
		c.SysProcAttr = &syscall.SysProcAttr{Noctty: true}
	}},
}

var casesOfPlaces = []startCase{
	{"dir", nil, func(t *testing.T, c *Cmd) { c.Dir = t.TempDir() }},
	{"chroot", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{Chroot: "/"})},
	{"chroot and dir", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.Dir, c.SysProcAttr = "/bin", &syscall.SysProcAttr{Chroot: "/"}
	}},
	{"mount namespace", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})},
	{"namespaces unshared", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID,
	})},
	{"namespaces", []*requirement{asRoot}, withSys(&syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	})},
}

var casesOfAttr = []startCase{
	{"rlimits", nil, withAttr(&Attr{Rlimits: []Rlimit{
		{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}, {Resource: unix.RLIMIT_NOFILE, Cur: 32, Max: 64},
	}})},
	{"no input for the terminal", nil, withAttr(&Attr{DenyTIOCSTI: true, NoNewPrivs: true})},
	{"no input for the terminal from another user", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{DenyTIOCSTI: true}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}},
	{"umask", nil, withAttr(&Attr{Umask: new(uint32(0o27))})},
	{"no new privileges", nil, withAttr(&Attr{NoNewPrivs: true})},
	{"init", nil, withAttr(&Attr{Init: &Init{}})},
	{"init that lingers and holds a lock", nil, func(t *testing.T, c *Cmd) {
		f := tempFile(t)
		c.Attr = &Attr{Init: &Init{Linger: true, Visible: true, Keep: []*os.File{f}, Locks: []string{f.Name()}}}
	}},
	{"no more user namespaces than there are", []*requirement{userNamespaces}, func(t *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid())}
		c.Attr = &Attr{ForbidUserNamespaces: true, RefuseUserNamespaces: true}
	}},
	{"start that waits", nil, func(t *testing.T, c *Cmd) {
		c.Attr, c.Born = &Attr{WaitFor: tempFile(t)}, func(int) error { return nil }
	}},
	{"init that reports stops", nil, withAttr(&Attr{Init: &Init{ReportStops: true}})},
	{"init of a session", nil, func(_ *testing.T, c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{}}, &syscall.SysProcAttr{Setsid: true}
	}},
	{"init with files far apart", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Init: &Init{}}
		c.ExtraFiles = append(make([]*os.File, 30), tempFile(t))
	}},
	{"init of a namespace", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{Init: &Init{}}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	}},
	{"init with job control", []*requirement{terminals}, func(t *testing.T, c *Cmd) {
		_, tty := newTerminal(t)
		c.Stdin, c.Attr = tty, &Attr{Init: &Init{JobControl: true}}
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}},
	{"init with a copied table", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Init: &Init{}}
		for range 40 {
			c.ExtraFiles = append(c.ExtraFiles, tempFile(t))
		}
	}},
}

var casesOfMuch = []startCase{
	{"everything", []*requirement{asRoot, userNamespaces, terminals, cgroup2}, func(t *testing.T, c *Cmd) {
		_, tty := newTerminal(t)
		fd := -1
		t.Cleanup(func() { unix.Close(fd) })
		c.Dir, c.Stdout, c.ExtraFiles = "/bin", new(bytes.Buffer), []*os.File{tempFile(t), nil, tty}
		c.SysProcAttr = &syscall.SysProcAttr{
			Chroot: "/", Credential: &syscall.Credential{Uid: 1, Gid: 2, Groups: []uint32{3}},
			Setsid: true, Setctty: true, Ctty: 5, Pdeathsig: syscall.SIGHUP,
			Cloneflags:   syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
			Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS,
			UidMappings:  rangesOfIDs, GidMappings: rangesOfIDs, GidMappingsEnableSetgroups: true,
			AmbientCaps: []uintptr{unix.CAP_KILL},
			UseCgroupFD: true, CgroupFD: int(newCgroup(t).Fd()), PidFD: &fd,
		}
		c.Attr = &Attr{
			Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}, {Resource: unix.RLIMIT_NOFILE, Cur: 30, Max: 60}},
			Umask:   new(uint32(0o77)), NoNewPrivs: true, Init: &Init{},
		}
	}},
}
