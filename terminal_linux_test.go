//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

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

// readAll reads a terminal's output to its end.
func readAll(t *testing.T, master *os.File) string {
	t.Helper()
	b, err := io.ReadAll(master)
	if !errors.Is(err, syscall.EIO) {
		t.Errorf("reading the master: %v; want EIO at the end", err)
	}
	return strings.ReplaceAll(string(b), "\r\n", "\n")
}

func TestStartPTY(t *testing.T) {
	requires(t, terminals)
	c := Command("/bin/sh", "-c", "stty size; cut -d\" \" -f5,6,8 /proc/$$/stat; tty; read line; echo \"<$line>\"; exit 3")
	master, err := c.StartPTY(WindowSize{Rows: 33, Cols: 77})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if c.Stdin != nil || c.Stdout != nil || c.Stderr != nil || c.SysProcAttr != nil {
		t.Error("StartPTY has changed the command's fields")
	}
	if size, err := PTYSize(master); err != nil || size.Rows != 33 || size.Cols != 77 {
		t.Errorf("PTYSize() = %v, %v; want 33 by 77", size, err)
	}
	io.WriteString(master, "typed\n")
	out := readAll(t, master)
	pid := c.Process.Pid
	var exit *ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("Wait() = %v; want exit status 3", err)
	}
	if !strings.Contains(out, "33 77\n") || !strings.Contains(out, "<typed>\n") || !strings.Contains(out, "/dev/pts/") {
		t.Errorf("the program said %q", out)
	}
	if n := strings.Count(out, fmt.Sprint(pid)); n != 3 {
		t.Errorf("the program said %q; want its group, the terminal's and its session to be %d", out, pid)
	}
}

// A resized window and typed control characters reach the program as they do
// on any terminal.
func TestPTYSignals(t *testing.T) {
	requires(t, terminals)
	// The kernel drops what is being written when an interrupt is typed, and that may
	// be what the trap has written; unless with noflsh.
	c := Command("/bin/sh", "-c", "stty noflsh; trap 'stty size' WINCH; trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.05; done")
	master, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	await := func(text string) {
		t.Helper()
		var got strings.Builder
		for buf := make([]byte, 256); !strings.Contains(got.String(), text); {
			n, err := master.Read(buf)
			if got.Write(buf[:n]); err != nil {
				t.Fatalf("read %q, then %v; want %q", got.String(), err, text)
			}
		}
	}
	await("ready")
	if err := SetPTYSize(master, WindowSize{Rows: 5, Cols: 6}); err != nil {
		t.Fatal(err)
	}
	await("5 6")
	io.WriteString(master, "\x03")
	await("interrupted")
	if err := c.Wait(); err != nil {
		t.Errorf("Wait() = %v", err)
	}
}

// The terminal belongs to the user, so that he can open it by its name; what he
// is not given he keeps.
func TestPTYOfAnotherUser(t *testing.T) {
	requires(t, terminals, asRoot)
	c := Command("/bin/sh", "-c", "echo by name >$(tty); stat -c %u $(tty)")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	master, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if out := readAll(t, master); out != "by name\n65534\n" {
		t.Errorf("the program said %q; want a terminal of its own", out)
	}
	c.Wait()
}

// With an init that knows job control, Ctrl-Z stops a program, and its caller
// learns of it; in a PID namespace too.
func TestPTYJobControl(t *testing.T) {
	requires(t, terminals)
	t.Run("plain", func(t *testing.T) { jobControl(t, 0) })
	t.Run("PID namespace", func(t *testing.T) {
		requires(t, asRoot)
		jobControl(t, syscall.CLONE_NEWPID)
	})
}

// wantReport reads what an init tells next of its program.
func wantReport(t *testing.T, c *Cmd, want syscall.Signal) {
	t.Helper()
	buf := make([]byte, 1)
	c.Birth.Stops.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Birth.Stops.Read(buf); err != nil || syscall.Signal(buf[0]) != want {
		t.Fatalf("Stops.Read() gives %d, %v; want %d", buf[0], err, want)
	}
}

func jobControl(t *testing.T, flags uintptr) {
	c := Command("/bin/sleep", "100")
	c.Attr, c.SysProcAttr = &Attr{Init: &Init{JobControl: true}}, &syscall.SysProcAttr{Cloneflags: flags}
	master, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer c.Birth.Stops.Close()
	group, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPGRP)
	if err != nil || group == c.Process.Pid {
		t.Fatalf("the foreground group is %d, %v; want the program's own, not that of the init", group, err)
	}
	for range 3 {
		io.WriteString(master, "\x1a")
		wantReport(t, c, syscall.SIGTSTP)
		if got := statOf(group).state; got != "T" {
			t.Errorf("after Ctrl-Z the program's state is %s; want T", got)
		}
		if err := unix.Kill(-group, unix.SIGCONT); err != nil {
			t.Fatal(err)
		}
		wantReport(t, c, syscall.SIGCONT)
	}
	io.WriteString(master, "\x03")
	err = c.Wait()
	status := c.ProcessState.Sys().(syscall.WaitStatus)
	if want := 128 + int(syscall.SIGINT); flags != 0 && status.ExitStatus() != want || flags == 0 && status.Signal() != syscall.SIGINT {
		t.Errorf("after Ctrl-C Wait() = %v; want the end by SIGINT", err)
	}
	if n, err := c.Birth.Stops.Read(make([]byte, 9)); err != io.EOF {
		t.Errorf("Stops.Read() = %d, %v; want the end", n, err)
	}
}

// Streams that are set stay what they are.
func TestPTYWithStreams(t *testing.T) {
	requires(t, terminals)
	var out strings.Builder
	c := Command("/bin/sh", "-c", "tty <&2; cat")
	c.Stdin, c.Stdout = strings.NewReader("input"), &out
	master, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	if err := c.Wait(); err != nil || !strings.HasPrefix(out.String(), "/dev/pts/") || !strings.HasSuffix(out.String(), "input") {
		t.Errorf("the program said %q, %v; want the terminal's name and the input", out.String(), err)
	}
}

// A stream that Attr.Files says something about is not the terminal.
func TestPTYWithFiles(t *testing.T) {
	requires(t, terminals)
	c := Command("/bin/sh", "-c", "cat; tty <&1; echo error >&2")
	c.Attr = &Attr{Files: []File{{FD: 0, Data: []byte("data\n")}, {FD: 2, Dup: new(1)}}}
	master, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	out := readAll(t, master)
	if err := c.Wait(); err != nil || !strings.HasPrefix(out, "data\n/dev/pts/") || !strings.HasSuffix(out, "error\n") {
		t.Errorf("output = %q, %v; want data, the terminal, error", out, err)
	}
}

func TestPTYRefused(t *testing.T) {
	requires(t, terminals)
	file := tempFile(t)
	for name, c := range map[string]*Cmd{
		"Setpgid":    {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Setpgid: true}},
		"Foreground": {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Foreground: true}},
		"Noctty":     {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Noctty: true}},
		"Stderr":     {Path: "/bin/true", Stdin: file, Stdout: file, Stderr: file},
		"":           {Path: "/nonexistent"},
	} {
		before := heldNow(t)
		master, err := c.StartPTY(WindowSize{})
		var e *StartError
		if !errors.As(err, &e) || !strings.HasSuffix(e.Field, name) || master != nil {
			t.Errorf("StartPTY with %q = %v, %v; want a StartError about it", name, master, err)
		}
		before.compare(t, "a start with "+name)
	}
}

// A program cannot push input into the terminal of whoever started it: it has
// neither a descriptor of it nor its session (TIOCSTI, CVE-2017-5226).
func TestPTYKeepsTheCallersTerminalAway(t *testing.T) {
	requires(t, terminals)
	c := helperCommand("push-input")
	master, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	out := readAll(t, master)
	c.Wait()
	if !strings.Contains(out, "own terminal only") {
		t.Errorf("the program said %q", out)
	}
}

// push-input: see whether any terminal can be reached but that of descriptor 0.
var _ = helper("push-input", func([]string) int {
	var own, st unix.Stat_t
	unix.Fstat(0, &own)
	for fd := range 100 {
		if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev != own.Rdev {
			if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
				fmt.Println("descriptor", fd, "is another terminal")
				return 1
			}
		}
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	sid, _ := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGSID)
	if self, _ := unix.Getsid(0); sid != self {
		fmt.Println("the terminal is that of session", sid)
		return 1
	}
	fmt.Println("own terminal only")
	return 0
})
