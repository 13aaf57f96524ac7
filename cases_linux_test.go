//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/spec"
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
	for _, list := range [][]startCase{casesOfFiles, casesOfTables, casesOfIDs, casesOfSessions, casesOfPlaces, casesOfJoining, casesOfInside, casesOfSockets, casesOfForbidding, casesOfAttr, casesOfCredentials, casesOfSignals, casesOfSched, casesOfMuch, casesOfLandlock, casesOfIDMap, casesOfSeccomp, casesOfCgroups, casesOfMemory, casesOfViews} {
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

var casesOfTables = []startCase{
	{"table", nil, func(t *testing.T, c *Cmd) {
		a, b := tempFile(t), tempFile(t)
		c.Attr = &Attr{Files: []File{
			{FD: 7, File: a}, {FD: 5, Data: []byte("text")}, {FD: 30, Path: "/dev/null", Flags: os.O_RDWR},
			{FD: 4, Path: a.Name()}, {FD: 2, Dup: new(5)}, {FD: 6, Dup: new(30)}, {FD: 0, Closed: true}, {FD: 9, File: b},
		}}
	}},
	{"table of a cycle", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Files: []File{{FD: 0, File: os.Stdout}, {FD: 1, File: os.Stderr}, {FD: 2, File: os.Stdin}}}
	}},
	{"table and pipes", nil, func(t *testing.T, c *Cmd) {
		c.Stdout = new(bytes.Buffer)
		c.Attr = &Attr{Files: []File{{FD: 2, Dup: new(1)}, {FD: 25, Dup: new(1)}}}
	}},
	{"inherited", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Inherit: []int{2, int(tempFile(t).Fd()), int(tempFile(t).Fd())}}
	}},
	{"program by descriptor", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Program: openProgram(t, "/bin/true")}
	}},
	{"program by descriptor, with an init", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Program: openProgram(t, "/bin/true"), Init: &Init{}, Files: []File{{FD: 20, File: os.Stdin}}}
	}},
	{"program by a descriptor of its own", nil, func(t *testing.T, c *Cmd) {
		program := openProgram(t, "/bin/true")
		c.ExtraFiles, c.Attr = []*os.File{program}, &Attr{Program: program}
	}},
	{"directory by descriptor", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{DirFile: openProgram(t, t.TempDir())}
	}},
	{"table of another user", []*requirement{asRoot}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{
			Files:   []File{{FD: 0, Data: []byte("text")}, {FD: 5, Path: "/proc/self/fd/0"}, {FD: 4, Path: "/etc/passwd"}},
			DirFile: openProgram(t, "/"), Init: &Init{},
		}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}},
	{"init with few files at many numbers", nil, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Init: &Init{}}
		f := tempFile(t)
		for range 30 {
			c.ExtraFiles = append(c.ExtraFiles, f, nil)
		}
	}},
}

// openProgram opens a program or a directory by its path only.
func openProgram(t *testing.T, path string) *os.File {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), path)
	t.Cleanup(func() { f.Close() })
	return f
}

var facetsOfFiles = []facet{
	{name: "files",
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			for i, n := range r.Perm(100)[:1+r.IntN(20)] {
				f := File{FD: 100 + n}
				switch i % 3 {
				case 0:
					f.Data = fmt.Appendf(nil, "file %d", f.FD)
				case 1:
					f.Path = "/etc/passwd"
				case 2:
					f.Dup = new(attr(c).Files[r.IntN(i)].FD)
				}
				attr(c).Files = append(attr(c).Files, f)
			}
		},
		expect: func(c *Cmd) map[string]string {
			want := map[string]string{"reads:200": "bad file descriptor"}
			for _, f := range c.Attr.Files { // a duplicate comes after what it is one of
				text := string(f.Data)
				switch {
				case f.Path != "":
					text = contentsOf(f.Path)
				case f.Dup != nil:
					text = want[fmt.Sprintf("reads:%d", *f.Dup)]
				}
				want[fmt.Sprintf("reads:%d", f.FD)] = text[:min(len(text), 100)]
			}
			return want
		}},
	{name: "program by descriptor",
		draw: func(_ *rand.Rand, t *testing.T, c *Cmd) {
			attr(c).Program = openProgram(t, c.Path)
			c.Path = "a name"
		},
		expect: func(*Cmd) map[string]string { return nil }},
	{name: "dir by descriptor", without: []string{"dir", "chroot", "namespaces unshared"},
		draw:   func(_ *rand.Rand, t *testing.T, c *Cmd) { attr(c).DirFile = openProgram(t, "/usr/bin") },
		expect: func(*Cmd) map[string]string { return map[string]string{"cwd:": "/usr/bin"} }},
}

func id(n uint32) *uint32 { return &n }

func persona(p Personality) *Personality { return &p }

// casesOfCredentials are about who the program is and what it may.
var casesOfCredentials = []startCase{
	{"ids", []*requirement{asRoot, differingIDs}, withAttr(&Attr{
		IDs: &IDs{id(1), id(2), id(3), id(4)}, Groups: &Groups{List: []string{"5", "1"}},
	})},
	{"capabilities", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: []uintptr{unix.CAP_CHOWN},
		}
		c.Attr = &Attr{
			Caps: &Caps{
				Bounding: CapSet{Drop: []string{"sys_boot", "net_raw"}}, Ambient: CapSet{Add: []string{"kill"}},
				Inheritable: CapSet{Add: []string{"fowner"}},
			},
			Securebits: &Securebits{Add: []string{"noroot"}},
		}
	}},
	{"capabilities of root", []*requirement{asRoot}, withAttr(&Attr{
		Caps:       &Caps{Permitted: CapSet{Drop: []string{"sys_time"}}, Ambient: CapSet{Drop: []string{"all"}}, Keep: true},
		Securebits: &Securebits{Drop: []string{"all"}},
	})},
	{"capabilities of an init", []*requirement{asRoot}, withAttr(&Attr{
		Caps: &Caps{Permitted: CapSet{Drop: []string{"all"}, Add: []string{"chown"}}, Ambient: CapSet{Drop: []string{"kill"}}}, Init: &Init{},
	})},
	{"capabilities in a user namespace", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, unix.Getuid()), GidMappings: idOf(1000, unix.Getgid()),
		}
		c.Attr = &Attr{Caps: &Caps{Keep: true}}
	}},
	{"init of nobody in a user namespace", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, unix.Getuid()), GidMappings: idOf(1000, unix.Getgid()),
			Unshareflags: syscall.CLONE_NEWNS,
		}
		c.Attr = &Attr{Init: &Init{}}
	}},
	{"session keyring", []*requirement{keyrings}, withAttr(&Attr{SessionKeyring: &SessionKeyring{}})},
	{"named session keyring", []*requirement{keyrings}, withAttr(&Attr{SessionKeyring: &SessionKeyring{Name: "sprog-test"}, Init: &Init{}})},
	{"personality", nil, withAttr(&Attr{Personality: persona(AddrNoRandomize)})},
}

// plansOfCredentials name no groups but by number, and no capabilities that
// depend on the kernel or on who asks.
var plansOfCredentials = []planCase{
	{"ids", by(&Attr{IDs: &IDs{id(1000), id(0), id(100), nil}, Groups: &Groups{List: []string{"7", "8"}}})},
	{"ids-effective", by(&Attr{IDs: &IDs{EffectiveUser: id(1000)}})},
	{"groups-none", by(&Attr{Groups: &Groups{}})},
	{"groups-of-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 100}}
		c.Attr = &Attr{Groups: &Groups{List: []string{"7"}}}
	}},
	{"caps-relative", by(&Attr{Caps: &Caps{
		Bounding: CapSet{Drop: []string{"CAP_SYS_BOOT"}}, Permitted: CapSet{Drop: []string{"cap_sys_boot"}},
		Effective: CapSet{Drop: []string{"sys_time"}, Add: []string{"kill"}}, Inheritable: CapSet{Add: []string{"chown"}},
		Ambient: CapSet{Add: []string{"net_raw"}, Drop: []string{"syslog"}},
	}})},
	{"caps-exact", by(&Attr{Caps: &Caps{
		Permitted:   CapSet{Drop: []string{"all"}, Add: []string{"chown", "checkpoint_restore"}},
		Effective:   CapSet{Drop: []string{"all"}},
		Inheritable: CapSet{Drop: []string{"all"}},
		Ambient:     CapSet{Drop: []string{"all"}},
	}})},
	{"caps-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}, AmbientCaps: []uintptr{unix.CAP_SYS_TIME}}
		c.Attr = &Attr{Caps: &Caps{Bounding: CapSet{Drop: []string{"sys_boot"}}, Ambient: CapSet{Add: []string{"net_raw"}}}}
	}},
	{"caps-bounding-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}}
		c.Attr = &Attr{Caps: &Caps{Bounding: CapSet{Drop: []string{"sys_boot"}}}}
	}},
	{"caps-init", by(&Attr{Caps: &Caps{Permitted: CapSet{Drop: []string{"all"}}}, Init: &Init{}})},
	{"securebits", by(&Attr{Securebits: &Securebits{Add: []string{"noroot", "noroot-locked"}, Drop: []string{"keep-caps"}}})},
	{"securebits-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}}
		c.Attr = &Attr{Securebits: &Securebits{Drop: []string{"all"}, Add: []string{"no-cap-ambient-raise"}},
			Caps: &Caps{Ambient: CapSet{Add: []string{"net_raw"}}}}
	}},
	{"init-of-nobody", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, 1000)}
		c.Attr = &Attr{Init: &Init{}}
	}},
	{"keyring", by(&Attr{SessionKeyring: &SessionKeyring{}})},
	{"keyring-named", by(&Attr{SessionKeyring: &SessionKeyring{Name: "ring"}})},
	{"exec-label", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}, Chroot: "/srv"}
		c.Attr = &Attr{ExecLabel: &ExecLabel{SELinux: "system_u:system_r:httpd_t:s0", AppArmor: "web"}}
	}},
	{"exec-label-init", by(&Attr{ExecLabel: &ExecLabel{AppArmor: "web"}, Init: &Init{}})},
	{"personality", by(&Attr{Personality: persona(AddrNoRandomize | Linux32)})},
}

var facetsOfCredentials = []facet{
	{name: "ids", needs: []*requirement{asRoot, differingIDs}, without: []string{"credential", "parent-death signal", "init"},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).IDs = &IDs{id(r.Uint32N(9)), id(r.Uint32N(9)), id(r.Uint32N(9)), id(r.Uint32N(9))}
		},
		expect: func(c *Cmd) map[string]string {
			i := c.Attr.IDs
			return map[string]string{"ids:": fmt.Sprint(*i.RealUser, *i.EffectiveUser, *i.EffectiveUser, *i.RealGroup, *i.EffectiveGroup, *i.EffectiveGroup)}
		}},
	{name: "groups", needs: []*requirement{asRoot}, without: []string{"credential"},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Groups = &Groups{List: []string{fmt.Sprint(r.IntN(9))}}
		},
		expect: func(c *Cmd) map[string]string { return map[string]string{"groups:": fmt.Sprint(c.Attr.Groups.List)} }},
	{name: "capabilities", needs: []*requirement{asRoot},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			amb := []string{"net_raw", "chown", "kill", "setpcap"}[r.IntN(4):]
			attr(c).Caps = &Caps{Bounding: CapSet{Drop: []string{"sys_boot", "syslog"}}, Ambient: CapSet{Drop: all(), Add: amb},
				Inheritable: CapSet{Drop: all(), Add: amb}}
		},
		expect: func(c *Cmd) map[string]string {
			set := uint64(0)
			for _, name := range c.Attr.Caps.Ambient.Add {
				n, _ := listing.CapNumber(name)
				set |= 1 << n
			}
			return map[string]string{"status:CapAmb": capText(set), "status:CapInh": capText(set)}
		}},
	{name: "securebits", needs: []*requirement{asRoot},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Securebits = &Securebits{Drop: all(), Add: []string{"noroot", "no-setuid-fixup", "noroot-locked"}[r.IntN(3):]}
		},
		expect: func(c *Cmd) map[string]string {
			set, _, _ := spec.SecureBits("", c.Attr.Securebits.Add)
			return map[string]string{fmt.Sprintf("prctl:%d", unix.PR_GET_SECUREBITS): fmt.Sprint(set)}
		}},
	{name: "session keyring", needs: []*requirement{keyrings},
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).SessionKeyring = &SessionKeyring{} },
		expect: func(*Cmd) map[string]string { return nil }},
	{name: "personality",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).Personality = persona(AddrNoRandomize) },
		expect: func(*Cmd) map[string]string {
			return map[string]string{"personality:": "00040000"}
		}},
}

// starting requires that a start with these attributes succeeds. Whether it
// should is looked up in another way.
func starting(what string, attr *Attr, expected func() bool) *requirement {
	return &requirement{what: what, expected: expected, works: sync.OnceValue(func() error {
		return (&Cmd{Path: "/bin/true", Attr: attr}).Run()
	})}
}

// succeeds is how a requirement asks a program of the system.
func succeeds(name string, args ...string) func() bool {
	return sync.OnceValue(func() bool { return exec.Command(name, args...).Run() == nil })
}

// kernelHas is how it asks for a part of the kernel.
func kernelHas(file string) func() bool { return func() bool { return exists(file) } }

var (
	realTime = starting("real-time policies", &Attr{Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 1}}, succeeds("chrt", "-f", "1", "true"))
	deadline = starting("the deadline policy", &Attr{Scheduler: someDeadline},
		succeeds("chrt", "-d", "--sched-runtime", "1000000", "--sched-period", "10000000", "0", "true"))
	utilClamps   = starting("utilisation clamps", &Attr{Scheduler: &Scheduler{UtilMin: new(0)}}, succeeds("uclampset", "-m", "0", "true"))
	extensible   = starting("SCHED_EXT", &Attr{Scheduler: &Scheduler{Policy: SchedExt}}, kernelHas("/sys/kernel/sched_ext"))
	lowerNice    = starting("lower nice values", &Attr{Nice: new(-1)}, succeeds("sh", "-c", "[ $(nice -n -1 nice) = -1 ]"))
	numaNodes    = starting("NUMA", &Attr{NUMA: &NUMA{Mode: NUMALocal}}, nil)
	coreGroups   = starting("core scheduling", &Attr{CoreSched: &CoreSched{}}, nil)
	deniedExec   = starting("PR_SET_MDWE", &Attr{MDWE: true}, func() bool { _, err := unix.PrctlRetInt(unix.PR_GET_MDWE, 0, 0, 0, 0); return err == nil })
	mergedPages  = starting("PR_SET_MEMORY_MERGE", &Attr{MemoryMerge: true}, func() bool { _, err := unix.PrctlRetInt(unix.PR_GET_MEMORY_MERGE, 0, 0, 0, 0); return err == nil })
	advisedPages = starting("PR_THP_DISABLE_EXCEPT_ADVISED", &Attr{THPDisable: THPDisableExceptAdvised}, nil)
)

var someDeadline = &Scheduler{Policy: SchedDeadline, Runtime: 5 * time.Millisecond, Deadline: 8 * time.Millisecond, Period: 10 * time.Millisecond}

// ownCPUs are those that this process may use.
func ownCPUs() []int {
	list, err := ParseCPUList(procField("/proc/self/status", "Cpus_allowed_list"))
	if err != nil {
		panic(err)
	}
	return list
}

var casesOfSched = []startCase{
	{"nice", nil, withAttr(&Attr{Nice: new(19)})},
	{"policy", nil, withAttr(&Attr{Scheduler: &Scheduler{Policy: SchedBatch, ResetOnFork: true}})},
	{"idle policy", nil, withAttr(&Attr{Scheduler: &Scheduler{Policy: SchedIdle}})},
	{"real-time policy", []*requirement{realTime}, withAttr(&Attr{Scheduler: &Scheduler{Policy: SchedRR, Priority: 3}})},
	{"deadline policy", []*requirement{deadline}, withAttr(&Attr{Scheduler: someDeadline})},
	{"clamps", []*requirement{utilClamps}, withAttr(&Attr{Scheduler: &Scheduler{UtilMin: new(1), UtilMax: new(2)}})},
	{"affinity", nil, func(_ *testing.T, c *Cmd) { c.Attr = &Attr{CPUs: ownCPUs()[:1]} }},
	{"memory policy", []*requirement{numaNodes}, withAttr(&Attr{NUMA: &NUMA{Mode: NUMABind, Nodes: []int{0}}})},
	{"I/O priority", nil, withAttr(&Attr{IOPriority: &IOPriority{Class: IOIdle}})},
	{"timer slack", nil, withAttr(&Attr{TimerSlack: time.Millisecond})},
	{"core scheduling", []*requirement{coreGroups}, withAttr(&Attr{CoreSched: &CoreSched{}})},
	{"oom_score_adj", nil, withAttr(&Attr{OOMScoreAdj: new(1000)})},
	{"coredump filter", nil, withAttr(&Attr{CoredumpFilter: new(DumpAnonymousPrivate)})},
	{"merged pages", []*requirement{mergedPages}, withAttr(&Attr{MemoryMerge: true})},
	{"huge pages", nil, withAttr(&Attr{THPDisable: THPDisableCompletely})},
	{"memory flags with more files than slots", []*requirement{deniedExec}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{MDWE: true, THPDisable: THPDisableCompletely, OOMScoreAdj: new(1000)}
		for range 40 {
			c.ExtraFiles = append(c.ExtraFiles, tempFile(t))
		}
	}},
	{"second stage in a session of its own", nil, func(_ *testing.T, c *Cmd) {
		c.Attr, c.SysProcAttr = &Attr{OOMScoreAdj: new(1000)}, &syscall.SysProcAttr{Setsid: true}
	}},
	{"second stage as another user, elsewhere", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{OOMScoreAdj: new(1000), Nice: new(19)}
		c.SysProcAttr = &syscall.SysProcAttr{
			Chroot: "/", Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Pdeathsig: syscall.SIGKILL,
			Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS,
		}
	}},
	{"scheduling with an init", nil, withAttr(&Attr{
		Init: &Init{}, Nice: new(19), OOMScoreAdj: new(1000), THPDisable: THPDisableCompletely, TimerSlack: time.Microsecond,
		Scheduler: &Scheduler{Policy: SchedBatch}, IOPriority: &IOPriority{Class: IOBestEffort, Level: 6},
	})},
}

var plansOfSched = []planCase{
	{"nice", by(&Attr{Nice: new(-5)})},
	{"sched-batch", by(&Attr{Scheduler: &Scheduler{Policy: SchedBatch}, Nice: new(5)})},
	{"sched-fifo", by(&Attr{Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 50, ResetOnFork: true}})},
	{"sched-deadline", by(&Attr{Scheduler: &Scheduler{Policy: SchedDeadline, Runtime: time.Millisecond, Deadline: 8 * time.Millisecond, Reclaim: true, Overrun: true}})},
	{"sched-clamps", by(&Attr{Scheduler: &Scheduler{UtilMin: new(SchedUtilReset), UtilMax: new(512)}})},
	{"sched-nothing", by(&Attr{Scheduler: &Scheduler{}})},
	{"cpus", by(&Attr{CPUs: []int{8, 0, 1, 2, 3, 130}})},
	{"numa-bind", by(&Attr{NUMA: &NUMA{Mode: NUMABind, Nodes: []int{0, 2}, StaticNodes: true}})},
	{"numa-local", by(&Attr{NUMA: &NUMA{Mode: NUMALocal}})},
	{"io-priority", by(&Attr{IOPriority: &IOPriority{Class: IORealTime, Level: 4}})},
	{"timer-slack", by(&Attr{TimerSlack: time.Millisecond})},
	{"core-sched", by(&Attr{CoreSched: &CoreSched{}})},
	{"core-sched-share", by(&Attr{CoreSched: &CoreSched{ShareFrom: 1234}})},
	{"oom-score-adj", by(&Attr{OOMScoreAdj: new(-17)})},
	{"coredump-filter", by(&Attr{CoredumpFilter: new(DumpAnonymousPrivate | DumpELFHeaders)})},
	{"memory-merge", by(&Attr{MemoryMerge: true})},
	{"memory-flags", by(&Attr{THPDisable: THPDisableExceptAdvised, MDWE: true})},
	{"second-stage-credential", func(c *Cmd) {
		c.Dir, c.Attr = "/srv", &Attr{OOMScoreAdj: new(300)}
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: "/srv/root", Credential: &syscall.Credential{Uid: 1, Gid: 2}}
	}},
}

// guardedUser is a caller that some of its user's processes must not trace, and who
// cannot write to files of root's.
var guardedUser = compile.Standing{Capable: true, Guarded: true}

// as makes a case that of a caller of that standing.
func as(s compile.Standing, prepare func(*Cmd)) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		standingAs(t, s)
		prepare(c)
	}
}

// intoUserNamespace has the child born into a new user namespace and others.
func intoUserNamespace(others uintptr, attr *Attr) func(*Cmd) {
	return func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | others, UidMappings: uidToRoot, GidMappings: gidToRoot}
		c.Attr = attr
	}
}

var casesOfMemory = []startCase{
	{"guarded, user namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, nil))},
	{"guarded, PID namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(unix.CLONE_NEWPID|unix.CLONE_NEWUTS, nil))},
	{"guarded, init", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, &Attr{Init: &Init{ReportStops: true}}))},
	{"guarded, init of a namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{ReportStops: true}}))},
	{"guarded, no maps", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	})},
	{"guarded, unshared", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot, Credential: &syscall.Credential{NoSetGroups: true}}
	})},
	{"guarded, listener", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}))},
	{"guarded, listener, no maps", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}
	})},
	{"own credential, listener", nil, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: true}}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}
	}},
	{"init, no maps", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | unix.CLONE_NEWPID}
		c.Attr = &Attr{Init: &Init{}}
	}},
}

// plansOfGuarded are those of a caller that must not be traced, who does not own the
// files of root's and whose children might leave core files.
var plansOfGuarded = []planCase{
	{"guarded", func(c *Cmd) {
		c.Attr = &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}}}
	}},
	{"guarded-userns", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"guarded-userns-pid", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID, UidMappings: toRoot, GidMappings: toRoot})},
	{"guarded-userns-unshared", with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
	{"guarded-userns-no-maps", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER})},
}

func TestPlansOfGuarded(t *testing.T) {
	startedPlainly(t)
	standingAs(t, guardedUser)
	coresAre(t, unix.Rlimit{Cur: 0, Max: 1 << 20}, true)
	for _, test := range plansOfGuarded {
		p, err := planned(test.prepare).Plan()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "plans/"+test.name+".golden", p.String())
	}
}
