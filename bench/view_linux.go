package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
)

const sevenNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS |
	unix.CLONE_NEWNET | unix.CLONE_NEWCGROUP

// A viewCase is what a program is to see, as the package is told and as bubblewrap is.
type viewCase struct {
	name    string
	apply   func(c *sprog.Cmd)
	options []string
	// most are the aims: how many times bubblewrap's time the package and the command may take.
	inProcess, command float64
}

// measureView compares a view that the package makes with one that bubblewrap makes, and with
// the namespaces alone.
func measureView(b *bench, s *section) error {
	if _, err := exec.LookPath("bwrap"); err != nil {
		return errSkip("there is no bubblewrap to compare with")
	}
	command, err := b.buildCommand()
	if err != nil {
		return err
	}
	dirs, err := bindDirs(b.dir, 300)
	if err != nil {
		return err
	}
	s.Table.Head = []string{"", "p50", "p99", "p50 / bwrap", "starts"}
	for _, c := range viewCases(dirs) {
		if err := b.compareViews(s, c, command); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	s.Notes = append(s.Notes, "The view: the host read-only, new /proc and /dev, an empty /var/tmp, in seven namespaces, the user namespace among them. "+
		"bwrap is started by syscall.ForkExec. The floor is the namespaces without mounts, from this process.")
	return b.viewOnCrowdedHost(s, command)
}

func viewCases(dirs []string) []viewCase {
	list := []viewCase{{"the view", theView, nil, 0.4, 0.75}, {"the view and 300 binds", nil, nil, 0.1, 0}}
	list[0].options = []string{"--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/var/tmp"}
	list[1].options = append(list[1].options, list[0].options...)
	for _, dir := range dirs {
		list[1].options = append(list[1].options, "--ro-bind", dir, "/var/tmp"+dir)
	}
	list[1].apply = func(c *sprog.Cmd) {
		theView(c)
		for _, dir := range dirs {
			c.Attr.Mounts = append(c.Attr.Mounts, sprog.Mount{Bind: dir, Target: "/var/tmp" + dir, Flags: sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev})
		}
	}
	return list
}

func theView(c *sprog.Cmd) {
	c.Attr.Root = &sprog.Root{Dir: "/", Flags: sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev}
	c.Attr.Mounts = []sprog.Mount{{Target: "/proc", Proc: &sprog.Proc{}}, {Target: "/dev", Dev: &sprog.Dev{}}, {Target: "/var/tmp", Tmpfs: &sprog.Tmpfs{}}}
}

// bindDirs makes directories to bind.
func bindDirs(dir string, n int) (list []string, err error) {
	for i := range n {
		path := filepath.Join(dir, "binds", strconv.Itoa(i))
		if err := os.MkdirAll(path, 0o755); err != nil {
			return nil, err
		}
		list = append(list, path)
	}
	return list, nil
}

// inNamespaces is a start of the program in seven namespaces.
func (b *bench) inNamespaces(apply func(*sprog.Cmd)) *sprog.Cmd {
	c := &sprog.Cmd{Path: b.progs.Exit, Env: []string{}, Attr: &sprog.Attr{}, SysProcAttr: &syscall.SysProcAttr{
		Cloneflags:  sevenNamespaces,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
	}}
	apply(c)
	return c
}

func (b *bench) compareViews(s *section, c viewCase, command string) error {
	by := func(words ...string) func() (time.Duration, error) {
		return timing(append(append(append(words, "--unshare-all"), c.options...), b.progs.Exit))
	}
	inProcess := func(apply func(*sprog.Cmd)) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			cmd, begin := b.inNamespaces(apply), time.Now()
			err := cmd.Run()
			return time.Since(begin), err
		}
	}
	lines := []timed{
		{&sample{Contender: "bwrap, " + c.name, X: 1}, by("bwrap"), 0},
		{&sample{Contender: "sprog, " + c.name, X: 1}, inProcess(c.apply), c.inProcess},
		{&sample{Contender: "sprog bwrap, " + c.name, X: 1}, by(command, "bwrap"), c.command},
		{&sample{Contender: "the floor: namespaces alone", X: 1}, inProcess(func(*sprog.Cmd) {}), 0},
	}
	lines = slices.DeleteFunc(lines, func(l timed) bool {
		_, err := l.once()
		if err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("%s: not measured here: %v.", l.Contender, err))
		}
		return err != nil
	})
	if len(lines) == 0 || lines[0].most != 0 {
		return nil
	}
	return b.inTurns(s, lines, 60, 3, "bwrap")
}

// viewOnCrowdedHost measures where the host has 200 more mounts. They are in a mount namespace of
// the thread that starts everything then.
func (b *bench) viewOnCrowdedHost(s *section, command string) error {
	if os.Getuid() != 0 {
		s.Notes = append(s.Notes, "A host with more mounts: not measured here: mounts take root.")
		return nil
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		failed <- func() error {
			if err := crowd(filepath.Join(b.dir, "crowd"), 200); err != nil {
				return err
			}
			c := viewCases(nil)[0]
			c.name, c.inProcess, c.command = "the view of a host with 200 more mounts", 0.5, 0
			return b.compareViews(s, c, command)
		}()
	}()
	return <-failed
}

// crowd gives the thread a mount namespace of its own with more mounts.
func crowd(dir string, n int) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	for i := range n {
		path := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("none", path, "tmpfs", 0, "size=4k"); err != nil {
			return os.NewSyscallError("mount", err)
		}
	}
	return nil
}
