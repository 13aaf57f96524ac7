//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func withInit(c *Cmd) *Cmd {
	c.Attr = &Attr{Init: &Init{}}
	return c
}

// inPidNamespace puts a command into a PID namespace of its own.
func inPidNamespace(t *testing.T, c *Cmd) *Cmd {
	t.Helper()
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: privileged(t, syscall.CLONE_NEWPID)}
	return c
}

func TestInitEndsAsTheProgramDoes(t *testing.T) {
	for _, test := range []struct {
		script    string
		want, one string // one is what PID 1 of a namespace ends with
	}{
		{"exit 0", "exit status 0", "exit status 0"},
		{"exit 7", "exit status 7", "exit status 7"},
		{"exit 255", "exit status 255", "exit status 255"},
		{"kill -TERM $$", "signal: terminated", "exit status 143"},
		{"kill -KILL $$", "signal: killed", "exit status 137"},
		{"kill -USR1 $$", "signal: user defined signal 1", "exit status 138"},
		{"ulimit -c 0; kill -SEGV $$", "signal: segmentation fault", "exit status 139"},
		{"kill -64 $$", "signal: signal 64", "exit status 192"},
	} {
		c := withInit(Command("/bin/sh", "-c", test.script))
		c.Run()
		if got := fmt.Sprint(c.ProcessState); got != test.want {
			t.Errorf("%s: %s; want %s", test.script, got, test.want)
		}
		c = inPidNamespace(t, withInit(Command("/bin/sh", "-c", test.script)))
		c.Run()
		if got := fmt.Sprint(c.ProcessState); got != test.one {
			t.Errorf("%s as PID 1: %s; want %s", test.script, got, test.one)
		}
	}
}

func TestInitIsTheParent(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "echo $PPID; cat /proc/$PPID/comm"))
	out := outputOf(t, c)
	if want := fmt.Sprintf("%d\nsprog-init\n", c.Process.Pid); out != want {
		t.Errorf("parent = %q; want %q", out, want)
	}
	c = inPidNamespace(t, withInit(Command("/bin/sh", "-c", "echo $$ $PPID")))
	if got := outputOf(t, c); got != "2 1\n" {
		t.Errorf("pid and parent in a namespace = %q; want 2 1", got)
	}
}

// An orphan becomes the init's child, and none stays a zombie.
func TestInitReapsOrphans(t *testing.T) {
	const script = `
		(sh -c 'sleep 0.1; exec cut -d" " -f4 /proc/self/stat' &)
		for i in 1 2 3 4 5 6 7 8; do (true &); done
		i=0
		while [ "$(cat /proc/$PPID/task/$PPID/children)" != "$$ " ]; do
			i=$((i+1)); [ $i -lt 500 ] || exit 1; sleep 0.01
		done`
	c := withInit(Command("/bin/sh", "-c", script))
	out := outputOf(t, c)
	if want := strconv.Itoa(c.Process.Pid) + "\n"; out != want {
		t.Errorf("the orphan's parent = %q; want %q", out, want)
	}
}

func TestInitForwardsSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGWINCH, 34, 64} {
		// Whoever has no trap for it does not see a signal that is ignored by
		// default.
		script := fmt.Sprintf("trap 'exit 7' %d; echo ready; while :; do sleep 0.01; done", sig)
		c := withInit(Command("/bin/sh", "-c", script))
		startReady(t, c)
		if err := c.Process.Signal(sig); err != nil {
			t.Error(err)
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != 7 {
			t.Errorf("%v: %v; want exit status 7", sig, c.ProcessState)
		}
	}
}

// startReady starts a command and waits for its first line.
func startReady(t *testing.T, c *Cmd) *bufio.Reader {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	return lines
}

// What the terminal sends goes to the whole group, the program included: it
// must not get it twice.
func TestInitLeavesTheTerminalsSignals(t *testing.T) {
	requires(t, terminals)
	master, tty := newTerminal(t)
	c := withInit(Command("/bin/sh", "-c", "n=0; trap 'n=$((n+1))' INT; echo ready; while ! read x; do :; done; echo $n"))
	c.Stdin = tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out := startReady(t, c)
	io.WriteString(master, "\x03")
	time.Sleep(100 * time.Millisecond) // for a second one that ought not to come
	io.WriteString(master, "\n")
	line, _ := out.ReadString('\n')
	if err := c.Wait(); err != nil || line != "1\n" {
		t.Errorf("the program got SIGINT %q times, %v; want once", line, err)
	}
}

// The program must not get at the init, as which it may run as the same user.
func TestInitCannotBeTraced(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "readlink /proc/$$/exe >/dev/null && ! readlink /proc/$PPID/exe && ! cat /proc/$PPID/environ"))
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if got := outputOf(t, c); got != "" {
		t.Errorf("the program reads %q of the init", got)
	}
}

// stateFile is where an init tells the program's end.
const stateFile = "/memfd:sprog-state (deleted)"

// A pipe ends when the program closes it.
func TestInitHoldsNoFiles(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "echo ready; exec >&- 2>&-; read x; exit 5"))
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := startReady(t, c)
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 { // it would not return
		t.Errorf("output = %q, %v; want its end", rest, err)
	}
	if os.Geteuid() == 0 { // the init is not dumpable
		wantFiles(t, c, "children")
	}
	in.Close()
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 5 {
		t.Errorf("%v; want exit status 5", c.ProcessState)
	}
}

// wantFiles looks whether an init holds, once it waits, the file of its state
// and this one of its own, and no others.
func wantFiles(t *testing.T, c *Cmd, name string) {
	t.Helper()
	want := []string{stateFile, fmt.Sprintf("/proc/%d/task/%[1]d/%s", c.Process.Pid, name)}
	eventually(t, fmt.Sprintf("the init holds %q", want), func() bool {
		return slices.Equal(slices.Sorted(maps.Values(links(fmt.Sprintf("/proc/%d/fd/", c.Process.Pid)))), want)
	})
}

// The program's descriptors are its own alone, and none of the init's.
func TestInitGivesExactlyTheFiles(t *testing.T) {
	givesExactlyTheFiles(t, withInit)
}

// givesExactlyTheFiles looks at the descriptors of a program that is started in
// a way.
func givesExactlyTheFiles(t *testing.T, by func(*Cmd) *Cmd) {
	t.Helper()
	c := by(helperCommand("fds"))
	c.ExtraFiles = []*os.File{nil, devNullFile(t)}
	var numbers []string
	for line := range strings.Lines(outputOf(t, c)) {
		number, _, _ := strings.Cut(line, " ")
		numbers = append(numbers, number)
	}
	if got := strings.Join(numbers, " "); got != "0 1 2 4" {
		t.Errorf("descriptors = %s; want 0 1 2 4", got)
	}
}

// What goes wrong in either stage is told like any other error.
func TestInitErrors(t *testing.T) {
	dir := brokenPrograms(t)
	for _, m := range missingThings(dir) {
		before := snapshot()
		err := withInit(m.cmd()).Run()
		if want := strings.ReplaceAll(m.want, "DIR", dir); err == nil || err.Error() != want {
			t.Errorf("missing %s: %v; want %s", m.what, err, want)
		}
		if leaks := before.leaks(); len(leaks) > 0 {
			t.Errorf("missing %s: left behind: %q", m.what, leaks)
		}
	}
}

// ignoring-children PROGRAM...: in a process that ignores SIGCHLD, whose
// children vanish without a status, start a program with an init, and one that
// does not exist.
var _ = helper("ignoring-children", func(args []string) int {
	signal.Ignore(syscall.SIGCHLD)
	c := withInit(Command(args[0], args[1:]...))
	c.Stdout = os.Stdout
	if err := c.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	for unix.Kill(c.Process.Pid, 0) == nil {
		time.Sleep(time.Millisecond)
	}
	for _, prepare := range []func(*Cmd) *Cmd{withInit, func(c *Cmd) *Cmd { return c }} {
		if err := prepare(&Cmd{Path: "/no/such/program"}).Run(); !errors.Is(err, syscall.ENOENT) {
			fmt.Println(err)
			return 1
		}
	}
	return 0
})

// The init needs the status of its children, the program inherits what the
// caller had.
func TestInitWhereChildrenAreIgnored(t *testing.T) {
	text := outputOf(t, helperCommand("ignoring-children", "/bin/cat", "/proc/self/status"))
	if got := fieldOf(text, "SigIgn"); got != "0000000000010000" {
		t.Errorf("SigIgn = %s; want SIGCHLD", got)
	}
	if got := outputOf(t, helperCommand("ignoring-children", "/bin/sh", "-c", "(true &); sh -c 'exit 7'; echo $?")); got != "7\n" {
		t.Errorf("output = %q; want 7", got)
	}
}
