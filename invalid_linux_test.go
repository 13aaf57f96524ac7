//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
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
