//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/terms"
)

// command translates the flags into the one Cmd that they describe. Its start ends with
// the context.
func (f *startFlags) command(ctx context.Context, program []string, tty terminal, open opener) (*sprog.Cmd, error) {
	if len(program) == 0 && f.ExecFD != nil {
		program = []string{fmt.Sprintf("/dev/fd/%d", *f.ExecFD)}
	}
	if len(program) == 0 {
		return nil, errors.New("name a program: it follows the flags, as in sprog run -- ls -l")
	}
	if err := f.conflicts(); err != nil {
		return nil, err
	}
	if err := f.Join.check(); err != nil {
		return nil, err
	}
	sys, err := f.sysProcAttr(tty)
	if err != nil {
		return nil, err
	}
	cmd := newCommand(ctx)
	cmd.Dir, cmd.SysProcAttr, cmd.Attr = string(f.Dir), sys, f.attr()
	cmd.Attr.Join = f.Join
	f.setIDMap(cmd)
	if err := f.setInside(cmd.Attr); err != nil {
		return nil, err
	}
	if err := f.setIdentity(cmd.Attr); err != nil {
		return nil, err
	}
	f.setView(cmd.Attr)
	if err := f.setCgroup(cmd.Attr); err != nil {
		return nil, err
	}
	if err := f.setLandlock(cmd.Attr); err != nil {
		return nil, err
	}
	if err := f.Scheduling.setSched(cmd.Attr); err != nil {
		return nil, err
	}
	if err := f.setSeccomp(cmd.Attr); err != nil {
		return nil, err
	}
	cmd.Attr.DenyTIOCSTI = f.guardsTerminal(cmd)
	cmd.Env = f.environment(cmd.Environ())
	if cmd.Path = program[0]; f.ExecFD == nil {
		if cmd.Path, err = f.place().findProgram(program[0], cmd.Env); err != nil {
			return nil, err
		}
	}
	cmd.Args = append([]string{program[0]}, program[1:]...)
	if f.Argv0 != nil {
		cmd.Args[0] = string(*f.Argv0)
	}
	if f.ExecFD == nil {
		cmd.Path, cmd.Args = f.place().withShell(cmd.Path, cmd.Args)
	}
	return cmd, f.setFiles(cmd, open)
}

// place is where the program will look for its files.
func (f *startFlags) place() place {
	p := place{root: f.Join.root() + string(f.Chroot), dir: string(f.Dir), view: f.viewPlace()}
	if p.view != nil && p.view.root != nil && p.view.root.Dir != "" {
		p.root = p.view.root.Dir
	}
	return p
}

// found reports whether the program's file is there.
func (f *startFlags) found(cmd *sprog.Cmd) bool {
	return f.ExecFD != nil || f.place().exists(cmd.Path)
}

// conflicts refuses flags that exclude each other.
func (f *startFlags) conflicts() error {
	for _, c := range []struct {
		a, b   bool
		reason terms.Text
	}{
		{f.Setsid || f.Ctty || f.CttyFD != nil, f.Setpgid || f.Pgid != nil,
			"drop {--setpgid --pgid}: {--setsid --ctty --ctty-fd} leads a new session, which is a process group already"},
		{f.Setsid || f.Ctty || f.CttyFD != nil, f.Foreground,
			"drop {--setsid --ctty --ctty-fd}: --foreground needs sprog's terminal, which a new session does not have"},
		{f.TTY, f.Setsid || f.Ctty || f.CttyFD != nil || f.Setpgid || f.Pgid != nil || f.Foreground || f.Noctty,
			"drop {--setsid --ctty --ctty-fd --setpgid --pgid --foreground --noctty}: --tty leads a new session on a terminal of its own"},
		{f.TTY, f.NoInit,
			"drop --no-init: --tty needs an init"},
		{f.Setpgid, f.Pgid != nil,
			"drop --setpgid, which leads a new process group, or --pgid, which joins one"},
		{f.Ending.KillSignal != 0 || f.Ending.KillAfter != 0, !f.Ending.limited(),
			"add --timeout, --cpu-time or --output-limit, or drop {--kill-signal --kill-after}: it is about the end by such a limit"},
		{f.InitGroups, f.User == "",
			"add --user: --init-groups takes the groups of its account"},
	} {
		if c.a && c.b {
			return mistake(c.reason)
		}
	}
	return nil
}

// sysProcAttr fills in what syscall has a field for.
func (f *startFlags) sysProcAttr(tty terminal) (*syscall.SysProcAttr, error) {
	sys := &syscall.SysProcAttr{
		Chroot:      string(f.Chroot),
		AmbientCaps: f.Ambient,
		Noctty:      f.Noctty,
		Setpgid:     f.Setpgid,
		Foreground:  f.Foreground,
		Pdeathsig:   syscall.Signal(f.Pdeathsig),
	}
	f.setSession(sys)
	if f.Foreground {
		if tty.fd < 0 {
			return nil, fmt.Errorf("--foreground: %w", tty.missing())
		}
		sys.Ctty = tty.fd
	}
	if err := f.setNamespaces(sys); err != nil {
		return nil, err
	}
	if f.Cgroup != "" {
		fd, err := f.openCgroup()
		if err != nil {
			return nil, err
		}
		sys.UseCgroupFD, sys.CgroupFD = true, fd
	}
	var err error
	if sys.Credential, err = f.credential(); err != nil {
		return nil, err
	}
	return sys, f.checkGroups(sys)
}

// setSession fills in the session, its terminal and the process group.
func (f *startFlags) setSession(sys *syscall.SysProcAttr) {
	sys.Setctty = f.Ctty || f.CttyFD != nil || f.TTY
	sys.Setsid = f.Setsid || sys.Setctty
	if f.CttyFD != nil {
		sys.Ctty = int(*f.CttyFD)
	}
	if f.Pgid != nil {
		sys.Setpgid, sys.Pgid = true, int(*f.Pgid)
	}
}

// attr fills in the rest.
func (f *startFlags) attr() *sprog.Attr {
	attr := &sprog.Attr{NoNewPrivs: f.NoNewPrivs}
	for _, limit := range f.Rlimit {
		attr.Rlimits = append(attr.Rlimits, sprog.Rlimit(limit))
	}
	if f.Umask != nil {
		mask := uint32(*f.Umask)
		attr.Umask = &mask
	}
	if f.InfoFD != nil || f.Ending.records() {
		attr.ReportNamespaces = toldNamespaces
	}
	if f.hasInit() {
		attr.Init = &sprog.Init{JobControl: f.TTY, ReportStops: true}
	}
	return attr
}

// hasInit reports whether an init is to stand above the program: where there is
// a new PID namespace, or a limit on time, which is to reach everything below the program, unless
// the flags say otherwise. Its image could be traced by who is in a user namespace that is joined.
func (f *startFlags) hasInit() bool {
	wanted := f.namespaces()&unix.CLONE_NEWPID != 0 || f.Ending.limited()
	return f.Init || f.TTY || wanted && !f.NoInit && !f.Join.joinsUser()
}

// leads reports whether the program will lead a process group.
func leads(sys *syscall.SysProcAttr) bool {
	return sys.Setsid || (sys.Setpgid || sys.Foreground) && sys.Pgid == 0
}

// setCgroup fills in the attributes.
func (f *startFlags) setCgroup(attr *sprog.Attr) error {
	g := &f.NewCgroup
	for _, dir := range g.V1 {
		attr.CgroupV1 = append(attr.CgroupV1, string(dir))
	}
	if !g.asked() {
		return nil
	}
	if f.Cgroup != "" {
		return errors.New("--cgroup puts the program into a cgroup that is there: limits and a new one below it take --cgroup-parent")
	}
	attr.Cgroup = g.cgroup()
	return nil
}

// environment returns the program's environment, made from base. It is never
// nil, which would stand for the caller's.
func (f *startFlags) environment(base []string) []string {
	if f.ClearEnv {
		base = nil
	}
	env := f.sandbox.environment(append([]string{}, base...))
	for _, name := range f.UnsetEnv {
		env = unsetEnv(env, name)
	}
	for _, s := range f.Env {
		name, _, isSet := strings.Cut(s, "=")
		if !isSet {
			value, ok := os.LookupEnv(name)
			if !ok {
				continue
			}
			s = name + "=" + value
		}
		env = append(unsetEnv(env, name), s)
	}
	return env
}

// setLandlock fills in what the flags ask for, and what an ordinary user needs
// for that.
func (f *startFlags) setLandlock(attr *sprog.Attr) (err error) {
	attr.Landlock, err = f.Landlock.attr()
	attr.NoNewPrivs = attr.NoNewPrivs || attr.Landlock != nil
	return err
}

// ending is what they say of the end.
func (f *startFlags) ending() *sprog.Ending {
	if !f.Ending.limited() {
		return nil
	}
	newline := "\n"
	if f.TTY && term.IsTerminal(int(os.Stderr.Fd())) {
		newline = "\r\n" // it is raw
	}
	return &sprog.Ending{
		Timeout: time.Duration(f.Ending.Timeout),
		CPUTime: time.Duration(f.Ending.CPUTime),
		Output:  f.Ending.outputLimit(),
		Signal:  syscall.Signal(f.Ending.KillSignal),
		Grace:   time.Duration(cmp.Or(f.Ending.KillAfter, span(10*time.Second))),
		Failed:  func(err error) { fmt.Fprint(os.Stderr, err, newline) },
	}
}

// captureOutput has what the program writes kept for the record, or counted, as far as no other
// flag says where it goes.
func (f *startFlags) captureOutput(cmd *sprog.Cmd) error {
	size := f.Ending.Capture
	switch {
	case size == nil && f.Ending.Tee:
		return errors.New("add --capture: --tee passes on what it keeps")
	case size == nil && f.Ending.OutputLimit == nil:
		return nil
	case f.TTY:
		return mistake("drop --tty or {--capture --output-limit}: what is written to a terminal goes straight there")
	}
	kept := func(to *os.File) io.Writer {
		switch {
		case size == nil:
			return throughSprog{to}
		case f.Ending.Tee:
			return &sprog.Capture{Head: int(*size), Tail: int(*size), Tee: to}
		}
		return &sprog.Capture{Head: int(*size), Tail: int(*size)}
	}
	if cmd.Stdout == os.Stdout {
		cmd.Stdout = kept(os.Stdout)
	}
	if cmd.Stderr == os.Stderr && !f.ToStdout {
		cmd.Stderr = kept(os.Stderr)
	}
	return nil
}

// personalityOf is the execution domain that the program begins with.
func personalityOf(attr *sprog.Attr) uint64 {
	if attr.Personality != nil {
		return uint64(*attr.Personality)
	}
	own, _, _ := unix.Syscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0)
	return uint64(uint32(own))
}

// setSeccomp fills in what the flags ask for, and what an ordinary user needs
// for that.
func (f *startFlags) setSeccomp(attr *sprog.Attr) (err error) {
	attr.Seccomp, err = f.Seccomp.attr(personalityOf(attr))
	attr.Seccomp = f.sandbox.filter(attr.Seccomp)
	attr.NoNewPrivs = attr.NoNewPrivs || attr.Seccomp != nil
	return err
}
