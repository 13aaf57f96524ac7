//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A badStart is a command that cannot be started, and what is said about it
// after "sprog: start /bin/true: ".
type badStart struct {
	name    string
	prepare func(*Cmd)
	is      error
	want    string
}

// wantRefused wants each to be refused with its message, with nothing started
// or left behind.
func wantRefused(t *testing.T, list []badStart) {
	for _, test := range list {
		t.Run(test.name, func(t *testing.T) {
			before := snapshot()
			c := &Cmd{Path: "/bin/true", Env: []string{}}
			test.prepare(c)
			err := c.Run()
			if want := "sprog: start /bin/true: " + test.want; err == nil || err.Error() != want {
				t.Errorf("Run() = %v\nwant    %s", err, want)
			}
			var se *StartError
			if !errors.As(err, &se) || !errors.Is(err, test.is) || c.Process != nil {
				t.Errorf("Run() = %#v, process %v; want a StartError that is %v", err, c.Process, test.is)
			}
			if leaks := before.leaks(); len(leaks) > 0 {
				t.Errorf("left behind: %q", leaks)
			}
		})
	}
}

func TestBadStrings(t *testing.T) {
	wantRefused(t, []badStart{
		{"Dir", func(c *Cmd) { c.Dir = "/a\x00b" }, syscall.EINVAL, `"/a\x00b" (Dir): contains a NUL byte`},
		{"Chroot", with(&syscall.SysProcAttr{Chroot: "\x00"}), syscall.EINVAL, `"\x00" (SysProcAttr.Chroot): contains a NUL byte`},
		{"Args", func(c *Cmd) { c.Args = []string{"a", "b\x00"} }, syscall.EINVAL, `"b\x00" (Args[1]): contains a NUL byte`},
		{"huge Args", func(c *Cmd) { c.Args = []string{"a", strings.Repeat("x", 200<<10)} }, syscall.E2BIG,
			fmt.Sprintf("execve: argument list too long (Args[1] has 204800 bytes, and one string can have %d)", 32*os.Getpagesize()-1)},
		{"huge Env", func(c *Cmd) { c.Env = []string{"A=" + strings.Repeat("x", 200<<10)} }, syscall.E2BIG,
			fmt.Sprintf("execve: argument list too long (Env[0] has 204802 bytes, and one string can have %d)", 32*os.Getpagesize()-1)},
		{"many Env", func(c *Cmd) {
			c.Env, c.Attr = manyVars(400000), &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_STACK, Cur: 8 << 20, Max: unix.RLIM_INFINITY}}}
		}, syscall.E2BIG, "execve: argument list too long (the arguments take 18 bytes and the environment 9777780, pointers included;" +
			" together they can take 2097152, a quarter of the soft RLIMIT_STACK, 8388608)"},
		{"long Dir", func(c *Cmd) { c.Dir = "/" + strings.Repeat("x", 300) }, syscall.ENAMETOOLONG,
			"chdir /" + strings.Repeat("x", 300) + " (Dir): file name too long (a name in a path can have 255 bytes, and one of these has 300)"},
		{"Dir is a file", func(c *Cmd) { c.Dir = "/etc/passwd" }, syscall.ENOTDIR, "chdir /etc/passwd (Dir): not a directory (/etc/passwd is a regular file)"},
	})
}

func TestBadPath(t *testing.T) {
	for path, want := range map[string]string{
		"/bin/\x00true": `sprog: start "/bin/\x00true": (Path): contains a NUL byte`,
		"/usr/../none":  "sprog: start /usr/../none: execve: no such file or directory (/none does not exist)",
	} {
		if err := (&Cmd{Path: path}).Run(); err == nil || err.Error() != want {
			t.Errorf("Path %q: %v; want %s", path, err, want)
		}
	}
	if err := (&Cmd{}).Run(); err == nil || err.Error() != "sprog: no command" {
		t.Errorf("no Path: %v; want that there is no command", err)
	}
	_, err := StartProcess("", nil, nil)
	if want := "sprog: start: execve (Path): no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("StartProcess: %v; want %s", err, want)
	}
}

func TestBadFiles(t *testing.T) {
	gone, file := tempFile(t), tempFile(t)
	gone.Close()
	wantRefused(t, []badStart{
		{"closed Stdin", func(c *Cmd) { c.Stdin = gone }, os.ErrClosed, gone.Name() + " (Stdin): file already closed"},
		{"closed ExtraFiles", func(c *Cmd) { c.ExtraFiles = []*os.File{nil, gone} }, os.ErrClosed,
			gone.Name() + " (ExtraFiles[1]): file already closed"},
		{"bad Ctty for Foreground", with(&syscall.SysProcAttr{Foreground: true, Ctty: 1 << 20}), syscall.EBADF,
			"descriptor 1048576 (SysProcAttr.Ctty): bad file descriptor"},
		{"negative Ctty for Foreground", with(&syscall.SysProcAttr{Foreground: true, Ctty: -1}), syscall.EBADF,
			"descriptor -1 (SysProcAttr.Ctty): bad file descriptor"},
		{"no terminal for Foreground", with(&syscall.SysProcAttr{Foreground: true, Ctty: int(file.Fd())}), syscall.ENOTTY, fmt.Sprintf("ioctl TIOCSPGRP (SysProcAttr.Foreground): inappropriate ioctl for device"+
			" (descriptor %d of this process, which SysProcAttr.Ctty names, is not the terminal that controls its session)", file.Fd())},
		{"no terminal for Setctty", with(&syscall.SysProcAttr{Setsid: true, Setctty: true}), syscall.ENOTTY,
			"ioctl TIOCSCTTY (SysProcAttr.Setctty): inappropriate ioctl for device (descriptor 0 of the child is no terminal)"},
		{"no terminal for Noctty", with(&syscall.SysProcAttr{Noctty: true}), syscall.ENOTTY,
			"ioctl TIOCNOTTY (SysProcAttr.Noctty): inappropriate ioctl for device (descriptor 0 of the child is not the terminal that controls its session)"},
		{"Ctty beyond the files", with(&syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}), syscall.EINVAL,
			"3 (SysProcAttr.Ctty): is not a descriptor of the child"},
		{"negative Ctty", with(&syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: -1}), syscall.EINVAL,
			"-1 (SysProcAttr.Ctty): is not a descriptor of the child"},
		{"closed Ctty", func(c *Cmd) {
			c.ExtraFiles = []*os.File{nil}
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
		}, syscall.EINVAL, "3 (SysProcAttr.Ctty): is not a descriptor of the child"},
		{"cgroup", with(&syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: -5}), syscall.EBADF,
			"descriptor -5 (SysProcAttr.CgroupFD): bad file descriptor"},
	})
}

// ForkExec takes numbers, which may be of no file.
func TestForkExecBadFiles(t *testing.T) {
	for fd, want := range map[uintptr]string{
		1 << 20:     "sprog: start /bin/true: descriptor 1048576 (Files[1]): bad file descriptor",
		^uintptr(1): "sprog: start /bin/true: descriptor -2 (Files[1]): bad file descriptor",
		1 << 40:     "sprog: start /bin/true: descriptor 1099511627776 (Files[1]): bad file descriptor",
	} {
		_, err := ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, fd}})
		if err == nil || err.Error() != want || !errors.Is(err, syscall.EBADF) {
			t.Errorf("descriptor %d: %v; want %s", fd, err, want)
		}
	}
}

// contradictory fields, and values that no kernel knows.
func TestBadAttributes(t *testing.T) {
	wantRefused(t, []badStart{
		{"Setctty and Foreground", with(&syscall.SysProcAttr{Setctty: true, Foreground: true}), syscall.EINVAL,
			"(SysProcAttr.Setctty): cannot be combined with Foreground: both use Ctty"},
		{"Setsid and Setpgid", with(&syscall.SysProcAttr{Setsid: true, Setpgid: true}), syscall.EPERM,
			"setpgid 0 (SysProcAttr.Setpgid): operation not permitted (SysProcAttr.Setsid has made a group for it already)"},
		{"negative Pgid", with(&syscall.SysProcAttr{Setpgid: true, Pgid: -3}), syscall.EINVAL,
			"setpgid -3 (SysProcAttr.Setpgid): invalid argument"},
		{"Pdeathsig", with(&syscall.SysProcAttr{Pdeathsig: 65}), syscall.EINVAL, "65 (SysProcAttr.Pdeathsig): is no signal"},
		{"negative Pdeathsig", with(&syscall.SysProcAttr{Pdeathsig: -1}), syscall.EINVAL, "-1 (SysProcAttr.Pdeathsig): is no signal"},
		{"CLONE_THREAD", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_THREAD | syscall.CLONE_NEWUTS}), syscall.EINVAL,
			"CLONE_THREAD (SysProcAttr.Cloneflags): is not for a new process"},
		{"CLONE_PARENT and more", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_PARENT | syscall.CLONE_SIGHAND}), syscall.EINVAL,
			"CLONE_SIGHAND|CLONE_PARENT (SysProcAttr.Cloneflags): is not for a new process"},
		{"unknown Unshareflags", with(&syscall.SysProcAttr{Unshareflags: 1}), syscall.EINVAL,
			"unshare 0x1 (SysProcAttr.Unshareflags): invalid argument"},
		{"capability", with(&syscall.SysProcAttr{AmbientCaps: []uintptr{1, 64}}), syscall.EINVAL,
			"64 (SysProcAttr.AmbientCaps[1]): is no capability"},
		{"Umask", by(&Attr{Umask: mask(0o1777)}), syscall.EINVAL, "01777 (Attr.Umask): has more than permission bits"},
		{"Rlimits, resource", by(&Attr{Rlimits: []Rlimit{{Resource: 16}}}), syscall.EINVAL, "16 (Attr.Rlimits[0]): is no resource limit"},
		{"Rlimits, order", by(&Attr{Rlimits: []Rlimit{{unix.RLIMIT_CPU, 2, 1}}}), syscall.EINVAL,
			"RLIMIT_CPU (Attr.Rlimits[0]): has a soft limit above the hard limit"},
		{"Init and Ptrace", func(c *Cmd) {
			c.Attr, c.SysProcAttr = &Attr{Init: &Init{}}, &syscall.SysProcAttr{Ptrace: true}
		}, syscall.EINVAL, "(Attr.Init): cannot be combined with SysProcAttr.Ptrace: its second stage would be traced"},
	})
}

func TestBadMaps(t *testing.T) {
	ids := func(lines ...syscall.SysProcIDMap) func(*Cmd) {
		return with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: lines})
	}
	gids := func(lines ...syscall.SysProcIDMap) func(*Cmd) {
		return with(&syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, GidMappings: lines})
	}
	wantRefused(t, []badStart{
		{"no namespace", with(&syscall.SysProcAttr{GidMappings: toRoot}), syscall.EINVAL,
			"(SysProcAttr.GidMappings): needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags"},
		{"negative inside", ids(syscall.SysProcIDMap{ContainerID: -1, Size: 1}), syscall.EINVAL,
			"-1 0 1 (SysProcAttr.UidMappings[0]): has a negative id"},
		{"negative outside", gids(syscall.SysProcIDMap{HostID: -1, Size: 1}), syscall.EINVAL,
			"0 -1 1 (SysProcAttr.GidMappings[0]): has a negative id"},
		{"no size", gids(toRoot[0], syscall.SysProcIDMap{ContainerID: 7, HostID: 7}), syscall.EINVAL,
			"7 7 0 (SysProcAttr.GidMappings[1]): maps nothing: its size is not positive"},
		{"too large", ids(syscall.SysProcIDMap{HostID: 1, Size: 1<<32 - 1}), syscall.EINVAL,
			"0 1 4294967295 (SysProcAttr.UidMappings[0]): goes beyond the largest id"},
		{"overflow", ids(syscall.SysProcIDMap{HostID: 1<<63 - 1, Size: 1<<63 - 1}), syscall.EINVAL,
			"0 9223372036854775807 9223372036854775807 (SysProcAttr.UidMappings[0]): goes beyond the largest id"},
		{"overlap inside", ids(syscall.SysProcIDMap{Size: 10}, syscall.SysProcIDMap{ContainerID: 9, HostID: 100, Size: 1}), syscall.EINVAL,
			"9 100 1 (SysProcAttr.UidMappings[1]): overlaps SysProcAttr.UidMappings[0]"},
		{"overlap outside", ids(syscall.SysProcIDMap{Size: 10}, syscall.SysProcIDMap{ContainerID: 10, HostID: 9, Size: 1}), syscall.EINVAL,
			"10 9 1 (SysProcAttr.UidMappings[1]): overlaps SysProcAttr.UidMappings[0]"},
		{"too many", ids(idsApart(341)...), syscall.EINVAL, "341 lines (SysProcAttr.UidMappings): is more than the kernel takes, 340"},
	})
}

func idsApart(n int) (list []syscall.SysProcIDMap) {
	for i := range n {
		list = append(list, syscall.SysProcIDMap{ContainerID: 2 * i, HostID: 2 * i, Size: 1})
	}
	return list
}

func TestMostLinesOfAMap(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	sys := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idsApart(340), GidMappings: idsApart(340)}
	if got := len(mapsOf(t, sys)); got != 681 {
		t.Errorf("%d lines; want 340, 340 and 1", got)
	}
}

func TestManyArguments(t *testing.T) {
	c := Command("/bin/sh", "-c", `echo $# "${100000}"`, "sh")
	for i := range 100000 {
		c.Args = append(c.Args, fmt.Sprint(i))
	}
	if got := outputOf(t, c); got != "100000 99999\n" {
		t.Errorf("arguments = %q; want 100000 99999", got)
	}
}

// Contradictions among credentials, and names that nothing has.
func TestBadCredentials(t *testing.T) {
	caps := func(c Caps) func(*Cmd) { return by(&Attr{Caps: &c}) }
	set := func(names ...string) CapSet { return CapSet{Add: names} }
	wantRefused(t, []badStart{
		{"unknown capability", caps(Caps{Ambient: set("net_raw", "cap_nonsense")}), syscall.EINVAL,
			`"cap_nonsense" (Attr.Caps.Ambient.Add[1]): is no capability`},
		{"unknown capability dropped", caps(Caps{Bounding: CapSet{Drop: []string{""}}}), syscall.EINVAL,
			`"" (Attr.Caps.Bounding.Drop[0]): is no capability`},
		{"capability of no kernel", caps(Caps{Effective: set("63")}), syscall.EINVAL,
			"63 (Attr.Caps.Effective.Add): is no capability of the running kernel"},
		{"added and dropped", caps(Caps{Permitted: CapSet{Add: []string{"chown"}, Drop: []string{"CAP_CHOWN"}}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Permitted): is both added and dropped"},
		{"ambient, not permitted", caps(Caps{Ambient: set("chown"), Permitted: CapSet{Drop: all()}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Ambient): is dropped from Permitted, which has to have it"},
		{"ambient, not inheritable", caps(Caps{Ambient: set("chown"), Inheritable: CapSet{Drop: []string{"all"}}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Ambient): is dropped from Inheritable, which has to have it"},
		{"effective, not permitted", caps(Caps{Effective: set("chown", "kill"), Permitted: CapSet{Drop: []string{"kill"}}}), syscall.EINVAL,
			"CAP_KILL (Attr.Caps.Effective): is dropped from Permitted, which has to have it"},
		{"inheritable, not in bounding", caps(Caps{Inheritable: set("chown"), Bounding: CapSet{Drop: []string{"chown"}}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Inheritable): is dropped from Bounding, which has to have it"},
		{"AmbientCaps dropped", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_KILL}}
			c.Attr = &Attr{Caps: &Caps{Inheritable: CapSet{Drop: []string{"kill"}}}}
		}, syscall.EINVAL, "CAP_KILL (Attr.Caps.Ambient): is dropped from Inheritable, which has to have it"},
		{"securebit", by(&Attr{Securebits: &Securebits{Add: []string{"noroot", "root"}}}), syscall.EINVAL,
			`"root" (Attr.Securebits.Add[1]): is no secure-bits flag`},
		{"securebit twice", by(&Attr{Securebits: &Securebits{Add: []string{"noroot"}, Drop: []string{"SECBIT_NOROOT"}}}), syscall.EINVAL,
			"SECBIT_NOROOT (Attr.Securebits): is both added and dropped"},
		{"IDs and Credential", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{}}, &Attr{IDs: &IDs{}}
		}, syscall.EINVAL, "(Attr.IDs): cannot be combined with SysProcAttr.Credential: both set the user and the group"},
		{"no id", by(&Attr{IDs: &IDs{EffectiveGroup: id(spec.NoID)}}), syscall.EINVAL,
			"4294967295 (Attr.IDs.EffectiveGroup): is no id: to the kernel it means to leave the id"},
		{"IDs and Pdeathsig", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Pdeathsig: 9}, &Attr{IDs: &IDs{RealUser: id(1), EffectiveUser: id(2)}}
		}, syscall.EINVAL, "(Attr.IDs): cannot make real and effective ids differ with SysProcAttr.Pdeathsig: execve clears the signal then"},
		{"IDs and Init", by(&Attr{IDs: &IDs{RealUser: id(1), EffectiveUser: id(2)}, Init: &Init{}}), syscall.EINVAL,
			"(Attr.IDs): cannot make real and effective ids differ with Attr.Init outside of a new PID namespace: " +
				"execve clears the parent-death signal that ends the program with its init"},
		{"unknown user", by(&Attr{Groups: &Groups{Of: "no-such-user"}}), syscall.ENOENT,
			`"no-such-user" (Attr.Groups.Of): is no user in /etc/passwd`},
		{"unknown group", by(&Attr{Groups: &Groups{List: []string{"1", "no-such-group"}}}), syscall.ENOENT,
			`"no-such-group" (Attr.Groups.List[1]): is no group in /etc/group`},
		{"Groups twice", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{1}}}, &Attr{Groups: &Groups{}}
		}, syscall.EINVAL, "(Attr.Groups): cannot be combined with SysProcAttr.Credential.Groups"},
		{"Groups and NoSetGroups", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{NoSetGroups: true}}, &Attr{Groups: &Groups{}}
		}, syscall.EINVAL, "(Attr.Groups): contradicts SysProcAttr.Credential.NoSetGroups"},
		{"Groups where they are denied", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, GidMappings: toRoot}
			c.Attr = &Attr{Groups: &Groups{}}
		}, syscall.EINVAL, "(Attr.Groups): needs GidMappingsEnableSetgroups in a new user namespace"},
		{"keyring of the kernel's", by(&Attr{SessionKeyring: &SessionKeyring{Name: ".dot"}}), syscall.EINVAL,
			`".dot" (Attr.SessionKeyring): is a name of the kernel's: it begins with a dot`},
		{"keyring, NUL", by(&Attr{SessionKeyring: &SessionKeyring{Name: "a\x00"}}), syscall.EINVAL,
			`"a\x00" (Attr.SessionKeyring): contains a NUL byte`},
		{"label, NUL", by(&Attr{ExecLabel: &ExecLabel{AppArmor: "a\x00"}}), syscall.EINVAL,
			`"a\x00" (Attr.ExecLabel.AppArmor): contains a NUL byte`},
		{"personality", by(&Attr{Personality: persona(1<<32 - 1)}), syscall.EINVAL,
			"0xffffffff (Attr.Personality): asks for the personality instead of setting it"},
	})
}

// What this process has no right to give is refused before anything runs.
func TestCapsNotHeld(t *testing.T) {
	requires(t, asRoot, setpriv)
	if !ownProcess(t, func(c *exec.Cmd) {
		setpriv, _ := exec.LookPath("setpriv")
		c.Path, c.Args = setpriv, append([]string{setpriv, "--bounding-set=-chown,-kill,-setpcap,-sys_time"}, c.Args...)
	}) {
		return
	}
	set := func(names ...string) CapSet { return CapSet{Add: names} }
	caps := func(c Caps) func(*Cmd) { return by(&Attr{Caps: &c}) }
	wantRefused(t, []badStart{
		{"permitted", caps(Caps{Permitted: set("sys_time")}), syscall.EPERM, "CAP_SYS_TIME (Attr.Caps.Permitted): is not permitted to this process"},
		{"effective", caps(Caps{Effective: set("sys_time")}), syscall.EPERM, "CAP_SYS_TIME (Attr.Caps.Effective): is not permitted to this process"},
		{"ambient", caps(Caps{Ambient: set("sys_time")}), syscall.EPERM, "CAP_SYS_TIME (Attr.Caps.Ambient): is not permitted to this process"},
		{"inheritable", caps(Caps{Inheritable: set("chown")}), syscall.EPERM,
			"CAP_CHOWN (Attr.Caps.Inheritable): is not in this process's bounding set, or permitted to it"},
		{"bounding kept", caps(Caps{Bounding: CapSet{Drop: all(), Add: []string{"kill"}}}), syscall.EPERM,
			"CAP_KILL (Attr.Caps.Bounding): is not in this process's bounding set, which can only shrink"},
		{"bounding dropped", caps(Caps{Bounding: CapSet{Drop: []string{"fowner"}}}), syscall.EPERM,
			"CAP_FOWNER (Attr.Caps.Bounding): cannot be dropped without CAP_SETPCAP"},
		{"securebits", by(&Attr{Securebits: &Securebits{Add: []string{"noroot"}}}), syscall.EPERM,
			"(Attr.Securebits): cannot be changed without CAP_SETPCAP"},
	})
}

// What no view can be is refused before anything is made.
func TestBadViews(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	one := func(m Mount) func(*Cmd) { return viewed(nil, m) }
	of := func(r Root) func(*Cmd) { return viewed(&r) }
	also := func(prepare func(*Cmd), more func(*Cmd)) func(*Cmd) {
		return func(c *Cmd) { prepare(c); more(c) }
	}
	tmpfs, proc := Mount{Target: "/t", Tmpfs: &Tmpfs{}}, Mount{Target: "/p", Proc: &Proc{}}
	mode := uint32(0o10000)
	wantRefused(t, []badStart{
		{"no namespace", by(&Attr{Mounts: []Mount{tmpfs}}), syscall.EINVAL, "(Attr.Mounts): needs a new mount namespace: CLONE_NEWNS in Cloneflags or Unshareflags"},
		{"root without namespace", by(&Attr{Root: &Root{Empty: true}}), syscall.EINVAL, "(Attr.Root): needs a new mount namespace: CLONE_NEWNS in Cloneflags or Unshareflags"},
		{"Chroot", also(of(Root{Empty: true}), func(c *Cmd) { c.SysProcAttr.Chroot = "/" }), syscall.EINVAL,
			"(Attr.Root): cannot be combined with SysProcAttr.Chroot: both change the root directory"},
		{"Chroot and Mounts", also(one(tmpfs), func(c *Cmd) { c.SysProcAttr.Chroot = "/" }), syscall.EINVAL,
			"(Attr.Mounts): cannot be combined with SysProcAttr.Chroot: make the directory the root by Root.Dir"},
		{"DirFile", also(one(tmpfs), func(c *Cmd) { c.Dir, c.Attr.DirFile = "", null }), syscall.EINVAL,
			"(Attr.DirFile): cannot be combined with a new mount namespace: the program would be in another one"},
		{"two roots", of(Root{Empty: true, Host: true}), syscall.EINVAL, "(Attr.Root): needs one of Host, Empty, Dir, File and Overlay"},
		{"no root", of(Root{}), syscall.EINVAL, "(Attr.Root): needs one of Host, Empty, Dir, File and Overlay"},
		{"root's NUL", of(Root{Dir: "a\x00"}), syscall.EINVAL, `"a\x00" (Attr.Root.Dir): contains a NUL byte`},
		{"root's flags", of(Root{Empty: true, Flags: 1 << 20}), syscall.EINVAL, "0x100000 (Attr.Root.Flags): is no flag of a mount"},
		{"root's propagation", of(Root{Empty: true, Propagation: PropagationShared}), syscall.EINVAL, "3 (Attr.Root.Propagation): is neither private nor slave"},
		{"root's overlay", of(Root{Overlay: &Overlay{}}), syscall.EINVAL, "(Attr.Root.Overlay.Lower): needs at least one directory"},

		{"no target", one(Mount{Tmpfs: &Tmpfs{}}), syscall.EINVAL, "(Attr.Mounts[0]): needs a Target"},
		{"relative target", one(Mount{Target: "a", Dir: true}), syscall.EINVAL, "a (Attr.Mounts[0].Target): is no absolute path"},
		{"relative bind", one(Mount{Bind: "a"}), syscall.EINVAL, "a (Attr.Mounts[0]): needs a Target: Bind is no absolute path"},
		{"dots", one(Mount{Target: "/a/../b", Dir: true}), syscall.EINVAL, `/a/../b (Attr.Mounts[0].Target): has ".." in it`},
		{"target's NUL", one(Mount{Target: "/\x00", Dir: true}), syscall.EINVAL, `"/\x00" (Attr.Mounts[0]): contains a NUL byte`},
		{"bind's NUL", one(Mount{Target: "/a", Bind: "\x00"}), syscall.EINVAL, `"\x00" (Attr.Mounts[0].Bind): contains a NUL byte`},
		{"link's NUL", one(Mount{Target: "/a", Symlink: "\x00"}), syscall.EINVAL, `"\x00" (Attr.Mounts[0].Symlink): contains a NUL byte`},
		{"two sources", one(Mount{Target: "/a", Bind: "/b", Dir: true}), syscall.EINVAL, "/a (Attr.Mounts[0]): has both Bind and Dir"},
		{"nothing to do", one(Mount{Target: "/a"}), syscall.EINVAL, "/a (Attr.Mounts[0]): does nothing: it has neither a source nor Flags, Clear, Propagation or Mode"},
		{"unknown flag", one(Mount{Target: "/a", Flags: 1 << 9}), syscall.EINVAL, "0x200 (Attr.Mounts[0]): is no flag of a mount"},
		{"set and cleared", one(Mount{Target: "/a", Flags: 3, Clear: 1}), syscall.EINVAL, "/a (Attr.Mounts[0]): has the same flag in Flags and Clear"},
		{"flags of a directory", one(Mount{Target: "/a", Dir: true, Flags: 1}), syscall.EINVAL, "/a (Attr.Mounts[0]): Dir is no mount, which flags could be set on"},
		{"propagation of a link", one(Mount{Target: "/a", Symlink: "b", Propagation: 1}), syscall.EINVAL, "/a (Attr.Mounts[0]): Symlink is no mount, which propagation could be set on"},
		{"propagation", one(Mount{Target: "/a", Propagation: 9}), syscall.EINVAL, "9 (Attr.Mounts[0].Propagation): is no kind of propagation"},
		{"mode of a bind", one(Mount{Bind: "/a", Mode: &mode}), syscall.EINVAL, "/a (Attr.Mounts[0].Mode): is for Data, Dir and what is there"},
		{"mode and flags", one(Mount{Target: "/a", Mode: new(uint32(0o700)), Flags: MountReadOnly}), syscall.EINVAL, "/a (Attr.Mounts[0].Mode): cannot be changed together with flags: it is the file's, and they are the mount's"},
		{"copy of a tmpfs", one(Mount{Target: "/a", Tmpfs: &Tmpfs{}, Copy: true}), syscall.EINVAL, "/a (Attr.Mounts[0].Copy): is for Data"},
		{"copy with flags", one(Mount{Target: "/a", Data: []byte{}, Copy: true, Flags: MountReadOnly}), syscall.EINVAL, "/a (Attr.Mounts[0].Copy): makes no mount, which flags or propagation could be set on"},
		{"mode", one(Mount{Target: "/a", Dir: true, Mode: &mode}), syscall.EINVAL, "010000 (Attr.Mounts[0].Mode): has more than permission bits"},
		{"optional tmpfs", one(Mount{Target: "/t", Tmpfs: &Tmpfs{}, Optional: true}), syscall.EINVAL, "/t (Attr.Mounts[0].Optional): is for a source that may not exist: Tmpfs always does"},
		{"created mask", one(Mount{Target: "/t", Mask: true, Create: true}), syscall.EINVAL, "/t (Attr.Mounts[0].Create): is for a source to be put there"},
		{"shallow tmpfs", one(Mount{Target: "/t", Tmpfs: &Tmpfs{}, Shallow: true}), syscall.EINVAL, "/t (Attr.Mounts[0].Shallow): is for Bind, File and flags"},
		{"shallow bind", one(Mount{Bind: "/t", Shallow: true}), syscall.EINVAL,
			"/t (Attr.Mounts[0].Shallow): cannot be combined with a new user namespace: the kernel does not uncover there what a mount hides"},
		{"ids of a tmpfs", one(Mount{Target: "/t", Tmpfs: &Tmpfs{}, IDMap: &MountIDMap{}}), syscall.EINVAL, "/t (Attr.Mounts[0].IDMap): is for Bind and File"},
		{"no ids", one(Mount{Bind: "/t", IDMap: &MountIDMap{}}), syscall.EINVAL, "(Attr.Mounts[0].IDMap): needs UIDs and GIDs"},
		{"bad ids", one(Mount{Bind: "/t", IDMap: &MountIDMap{UIDs: []IDRange{{}}, GIDs: []IDRange{{}}}}), syscall.EINVAL,
			"0 0 0 (Attr.Mounts[0].IDMap.UIDs[0]): maps nothing: its size is not positive"},
		{"ids of a path in a joined namespace", func(c *Cmd) {
			one(Mount{Bind: "/t", IDMap: &MountIDMap{UIDs: []IDRange{{Size: 1}}, GIDs: []IDRange{{Size: 1}}}})(c)
			c.Attr.Join = []Namespace{{Kinds: MountNamespace, PID: 1}}
		}, syscall.EINVAL,
			"/t (Attr.Mounts[0].IDMap): is not for a path in a joined mount namespace, where this process cannot look it up: open it, and use File"},
		{"propagation of the root", one(Mount{Target: "/", Propagation: PropagationSlave}), syscall.EINVAL,
			"/ (Attr.Mounts[0].Propagation): of the root directory is Root.Propagation"},

		{"size", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Size: -1}}), syscall.EINVAL, "-1 (Attr.Mounts[0].Tmpfs.Size): is negative"},
		{"inodes", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Inodes: -1}}), syscall.EINVAL, "-1 (Attr.Mounts[0].Tmpfs.Inodes): is negative"},
		{"tmpfs's mode", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Mode: &mode}}), syscall.EINVAL, "010000 (Attr.Mounts[0].Tmpfs.Mode): has more than permission bits"},
		{"huge", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Huge: "yes"}}), syscall.EINVAL, `"yes" (Attr.Mounts[0].Tmpfs.Huge): is none of never, always, within_size and advise`},
		{"hide", one(Mount{Target: "/p", Proc: &Proc{Hide: 9}}), syscall.EINVAL, "9 (Attr.Mounts[0].Proc.Hide): is no value of hidepid"},
		{"fallback", one(Mount{Target: "/p", Proc: &Proc{Fallback: 9}}), syscall.EINVAL, "9 (Attr.Mounts[0].Proc.Fallback): is no fallback"},
		{"caller's proc", viewedByRoot(nil, Mount{Target: "/p", Proc: &Proc{Fallback: ProcOfCaller}}), syscall.EINVAL,
			"(Attr.Mounts[0].Proc.Fallback): of the caller's /proc needs a new user namespace: /proc/PID/root of a process outside would lead out of the view"},
		{"proc of others", also(one(proc), func(c *Cmd) { c.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWPID }), syscall.EINVAL,
			"/p (Attr.Mounts[0].Proc): needs a new PID namespace in a new user namespace: the caller's belongs to another one"},
		{"sysfs of others", one(Mount{Target: "/s", Kernel: KernelSysfs}), syscall.EINVAL,
			"/s (Attr.Mounts[0].Kernel): needs a new network namespace in a new user namespace: the caller's belongs to another one"},
		{"cgroups of others", one(Mount{Target: "/c", Kernel: KernelCgroup2}), syscall.EINVAL,
			"/c (Attr.Mounts[0].Kernel): needs a new cgroup namespace in a new user namespace: the caller's belongs to another one"},
		{"queues of others", also(one(Mount{Target: "/q", Kernel: KernelMqueue}), func(c *Cmd) { c.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWIPC }), syscall.EINVAL,
			"/q (Attr.Mounts[0].Kernel): needs a new IPC namespace in a new user namespace: the caller's belongs to another one"},
		{"unknown file system", one(Mount{Target: "/k", Kernel: 99}), syscall.EINVAL, "99 (Attr.Mounts[0].Kernel): is no file system"},
		{"device's name", one(Mount{Target: "/d", Dev: &Dev{Nodes: []string{"null", "../sda"}}}), syscall.EINVAL, `"../sda" (Attr.Mounts[0].Dev.Nodes[1]): is no name in /dev`},
		{"device twice", one(Mount{Target: "/d", Dev: &Dev{Nodes: []string{"null", "null"}}}), syscall.EINVAL, "null (Attr.Mounts[0].Dev.Nodes[1]): is there already"},
		{"own name", one(Mount{Target: "/d", Dev: &Dev{Nodes: []string{"shm"}}}), syscall.EINVAL, "shm (Attr.Mounts[0].Dev.Nodes[0]): is there already"},
		{"console twice", one(Mount{Target: "/d", Dev: &Dev{Console: null, Nodes: []string{"console"}}}), syscall.EINVAL, "console (Attr.Mounts[0].Dev.Nodes[0]): is there already"},
		{"relative layer", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"a", "/b"}}}), syscall.EINVAL, "a (Attr.Mounts[0].Overlay): is no absolute path"},
		{"layer's NUL", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/\x00"}}}), syscall.EINVAL, `"/\x00" (Attr.Mounts[0].Overlay): contains a NUL byte`},
		{"no work", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a"}, Upper: "/u"}}), syscall.EINVAL, "(Attr.Mounts[0].Overlay): needs both Upper and Work, or neither"},
		{"private upper", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a"}, Upper: "/u", Work: "/w", Private: true}}), syscall.EINVAL,
			"/u (Attr.Mounts[0].Overlay): has an Upper, and changes are to be Private"},
		{"one layer", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a"}}}), syscall.EINVAL,
			"(Attr.Mounts[0].Overlay.Lower): needs two directories where nothing can be written to"},

		{"Dirs and Dir", func(c *Cmd) { c.Dir, c.Attr = "/", &Attr{Dirs: []string{"/"}} }, syscall.EINVAL, "(Attr.Dirs): cannot be combined with Dir"},
		{"Dirs and DirFile", by(&Attr{Dirs: []string{"/"}, DirFile: null}), syscall.EINVAL, "(Attr.Dirs): cannot be combined with DirFile"},
		{"Dirs' NUL", by(&Attr{Dirs: []string{"/\x00"}}), syscall.EINVAL, `"/\x00" (Attr.Dirs[0]): contains a NUL byte`},
		{"relative Dirs", by(&Attr{Dirs: []string{"/", "a"}}), syscall.EINVAL, "a (Attr.Dirs[1]): is no absolute path"},
		{"LookPath and Program", by(&Attr{LookPath: true, Program: null}), syscall.EINVAL, "(Attr.LookPath): cannot be combined with Program: that is found already"},
		{"late root", viewed(nil, tmpfs, Mount{Bind: "/"}), syscall.EINVAL, "/ (Attr.Mounts[1]): must be the first mount: it would hide those before it"},
		{"proc as root", one(Mount{Target: "/", Proc: &Proc{}}), syscall.EINVAL, "/ (Attr.Mounts[0]): Proc is no root directory"},
		{"optional root", one(Mount{Bind: "/", Optional: true}), syscall.EINVAL, "/ (Attr.Mounts[0].Optional): is not for the root directory"},
		{"root twice", viewed(&Root{Dir: "/srv"}, Mount{Bind: "/"}), syscall.EINVAL, "/ (Attr.Mounts[0]): is a root directory, as Attr.Root is"},
	})
}
