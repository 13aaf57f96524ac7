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

func TestPlainStartKeepsSessionAndGroup(t *testing.T) {
	got, me := selfStat(t, nil), statOf(os.Getpid())
	if got.session != me.session || got.pgrp != me.pgrp || got.ppid != me.pid {
		t.Errorf("stat = %+v; want session, group and parent of %+v", got, me)
	}
}

func TestSetsid(t *testing.T) {
	got := selfStat(t, &syscall.SysProcAttr{Setsid: true})
	if got.session != got.pid || got.pgrp != got.pid || got.terminal != 0 {
		t.Errorf("stat = %+v; want a session leader without a terminal", got)
	}
}

func TestSetpgid(t *testing.T) {
	got := selfStat(t, &syscall.SysProcAttr{Setpgid: true})
	if got.pgrp != got.pid || got.session != statOf(os.Getpid()).session {
		t.Errorf("stat = %+v; want a group leader in the same session", got)
	}
}

func TestPgid(t *testing.T) {
	leader := startHang(t, t.Context(), "", func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} })
	got := selfStat(t, &syscall.SysProcAttr{Setpgid: true, Pgid: leader.Process.Pid})
	if got.pgrp != leader.Process.Pid {
		t.Errorf("group = %d; want %d", got.pgrp, leader.Process.Pid)
	}
	leader.Process.Kill()
	leader.Wait()
	err := (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pgid: leader.Process.Pid}}).Run()
	if !errors.Is(err, syscall.EPERM) {
		t.Errorf("a group that is gone: %v; want EPERM", err)
	}
}

func TestSetctty(t *testing.T) {
	requires(t, terminals)
	for _, test := range []struct {
		name string
		ctty int
		give func(c *Cmd, tty *os.File)
	}{
		{"Stdin", 0, func(c *Cmd, tty *os.File) { c.Stdin = tty }},
		{"ExtraFiles", 4, func(c *Cmd, tty *os.File) { c.ExtraFiles = []*os.File{nil, tty} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, tty := newTerminal(t)
			c := Command("/bin/cat", "/proc/self/stat")
			test.give(c, tty)
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: test.ctty}
			got := parseStat(outputOf(t, c))
			if want := deviceOf(t, tty); got.terminal != want || got.tpgid != got.pid {
				t.Errorf("stat = %+v; want terminal %#x, and the foreground", got, want)
			}
		})
	}
}

// deviceOf is a terminal's device number as proc_pid_stat(5) encodes it.
func deviceOf(t *testing.T, tty *os.File) int {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Fstat(int(tty.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	major, minor := unix.Major(st.Rdev), unix.Minor(st.Rdev)
	return int(minor&0xff | major<<8 | minor&^0xff<<12)
}

// terminalChecks run in a process that leads a session on a terminal, which
// is its standard input.
var terminalChecks = map[string]func() error{
	"foreground":        checkForeground,
	"foreground-joined": checkForegroundJoined,
	"foreground-fails":  checkForegroundFails,
	"noctty":            checkNoctty,
}

var _ = helper("on-terminal", func(args []string) int {
	if err := terminalChecks[args[0]](); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
})

func TestOnTerminal(t *testing.T) {
	requires(t, terminals)
	for name := range terminalChecks {
		t.Run(name, func(t *testing.T) {
			_, tty := newTerminal(t)
			c := helperCommand("on-terminal", name)
			c.Stdin = tty
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func foregroundGroup() int {
	group, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	if err != nil {
		panic(err)
	}
	return group
}

func checkForeground() error {
	c := Command("/bin/cat", "/proc/self/stat")
	c.SysProcAttr = &syscall.SysProcAttr{Foreground: true}
	out, err := c.Output()
	if err != nil {
		return err
	}
	if got := parseStat(string(out)); got.pgrp != got.pid || got.tpgid != got.pid {
		return fmt.Errorf("stat = %+v; want a group of its own in the foreground", got)
	}
	return nil
}

// The child joins a group that another process leads.
func checkForegroundJoined() error {
	leader := helperCommand("cat")
	in, err := leader.StdinPipe()
	if err != nil {
		return err
	}
	leader.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := leader.Start(); err != nil {
		return err
	}
	defer leader.Wait()
	defer in.Close()
	c := Command("/bin/cat", "/proc/self/stat")
	c.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Pgid: leader.Process.Pid}
	out, err := c.Output()
	if err != nil {
		return err
	}
	if got := parseStat(string(out)); got.pgrp != leader.Process.Pid || got.tpgid != got.pgrp {
		return fmt.Errorf("stat = %+v; want group %d, in the foreground", got, leader.Process.Pid)
	}
	return nil
}

// A start that does not succeed gives the terminal back.
func checkForegroundFails() error {
	before := foregroundGroup()
	for _, prepare := range []func(*Cmd){
		func(c *Cmd) { c.Path = "/no/such/program" },
		func(c *Cmd) { c.Dir = "/no/such/dir" },
		func(c *Cmd) { c.SysProcAttr.Chroot = "/no/such/root" },
	} {
		c := &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Foreground: true}}
		prepare(c)
		if err := c.Run(); err == nil || !strings.Contains(err.Error(), "/no/such") {
			return fmt.Errorf("Run() = %v; want an error about /no/such", err)
		}
		if after := foregroundGroup(); after != before {
			return fmt.Errorf("foreground group = %d; want %d", after, before)
		}
	}
	return nil
}

func checkNoctty() error {
	c := Command("/bin/cat", "/proc/self/stat")
	c.Stdin = os.Stdin
	c.SysProcAttr = &syscall.SysProcAttr{Noctty: true}
	out, err := c.Output()
	if err != nil {
		return err
	}
	me := statOf(os.Getpid())
	if got := parseStat(string(out)); got.terminal != 0 || got.session != me.session || me.terminal == 0 {
		return fmt.Errorf("stat = %+v; want no terminal, in the session of %+v", got, me)
	}
	return nil
}
