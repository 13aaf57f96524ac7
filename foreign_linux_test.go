//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
)

// Where /proc is that of another PID namespace, or is not there, nobody is killed
// by a number of it, and nothing is said to have been done that was not.
func TestForeignProc(t *testing.T) {
	requires(t, userNamespaces)
	for _, proc := range []string{"old", "none"} {
		for name := range foreignChecks {
			t.Run(proc+"/"+name, func(t *testing.T) {
				t.Parallel()
				// Below this process's own, outside: their numbers are those of strangers inside.
				strangers := Command("/bin/sh", "-c", "sleep 1000 & echo $!; wait")
				out := startReading(t, strangers)
				var child int
				fmt.Fscan(out, &child)
				defer exec.Command("kill", "-9", strconv.Itoa(child)).Run()
				c := helperCommand("elsewhere", proc, name, strconv.Itoa(strangers.Process.Pid), strconv.Itoa(child))
				inNewPIDNamespace(c)
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// startReading starts a command that is killed at the end of the test, and
// returns its output.
func startReading(t *testing.T, c *Cmd) io.Reader {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	return out
}

// inNewPIDNamespace has a command be PID 1 of a new namespace, with the old /proc.
func inNewPIDNamespace(c *Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
}

// elsewhere PROC CHECK PARENT CHILD: be PID 1 and run a check, in which the command has
// the number PARENT and a bystander has the number CHILD.
var _ = helper("elsewhere", func(args []string) int {
	parent, _ := strconv.Atoi(args[2])
	child, _ := strconv.Atoi(args[3])
	if err := runElsewhere(args[0], foreignChecks[args[1]], parent, child); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

func runElsewhere(proc string, check foreignCheck, parent, child int) error {
	last, err := os.OpenFile("/proc/sys/kernel/ns_last_pid", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	missing := ownproc.ErrForeign
	if proc == "none" {
		missing = ownproc.ErrNotMounted
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
			return err
		}
	}
	if err := ownproc.Missing(); err != missing {
		return fmt.Errorf("ownproc.Missing() = %v; want %v", err, missing)
	}
	hold, in, err := os.Pipe()
	if err != nil {
		return err
	}
	bystander, err := startAs(last, child, func() *Cmd {
		c := Command("/bin/cat")
		c.Stdin = hold
		return c
	})
	if err != nil {
		return err
	}
	c, err := startAs(last, parent, check.command)
	if err := check.judge(c, err, missing); err != nil {
		return err
	}
	in.Close()
	if err := bystander.Wait(); err != nil {
		return fmt.Errorf("a bystander: %v", err)
	}
	return aloneHere()
}

// aloneHere waits for all but PID 1 to be gone, which this process is.
func aloneHere() error {
	for range 1000 {
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 && err != unix.EINTR {
				break
			}
		}
		if unix.Kill(-1, 0) == unix.ESRCH {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("other processes are left")
}

// startAs starts a command with a number. Threads of this process take numbers, too.
func startAs(last *os.File, number int, command func() *Cmd) (*Cmd, error) {
	for range 50 {
		if _, err := last.WriteAt([]byte(strconv.Itoa(number-1)), 0); err != nil {
			return nil, err
		}
		c := command()
		if err := c.Start(); err != nil {
			return c, err
		}
		if c.Process.Pid == number || c.Attr != nil && c.Attr.Join != nil {
			return c, nil
		}
		c.Process.Kill()
		c.Wait()
	}
	return nil, fmt.Errorf("no process came to have the number %d", number)
}

// A foreignCheck is a command, and what has to be so of it where there is no /proc of
// its own.
type foreignCheck struct {
	command func() *Cmd
	judge   func(c *Cmd, startErr, missing error) error
}

var foreignChecks = map[string]foreignCheck{
	"KillTree":           {func() *Cmd { return Command("/bin/sleep", "1000") }, killedAlone},
	"KillTree, init":     {func() *Cmd { return withInit(Command("/bin/sleep", "1000")) }, killedAlone},
	"timeout":            {func() *Cmd { return endingBy(Command("/bin/sleep", "1000"), Ending{Timeout: soon}) }, timedOutAlone},
	"timeout, grace":     {func() *Cmd { return endingBy(Command("/bin/sleep", "1000"), Ending{Timeout: soon, Grace: never}) }, timedOutAlone},
	"timeout, init":      {func() *Cmd { return endingBy(withInit(Command("/bin/sleep", "1000")), Ending{Timeout: soon}) }, timedOutAlone},
	"timeout, told init": {func() *Cmd { return endingBy(withInit(leaving("sleep 1000")), Ending{Timeout: soon, Grace: never}) }, timedOutWithAll},
	"init":               {func() *Cmd { return withInit(leaving("exit 7")) }, leftNothing},
	"id map":             {func() *Cmd { return withOneID(Command("/bin/true")) }, refusedToMap},
	"join":               {joinsInner, joinedInner},
	"CPU time":           {func() *Cmd { return endingBy(Command("/bin/true"), Ending{CPUTime: never}) }, refusedForProc},
}

// failures are what Ending.Failed is called with.
var failures = make(chan error, 1)

func endingBy(c *Cmd, e Ending) *Cmd {
	e.Failed = func(err error) { failures <- err }
	c.Ending = &e
	return c
}

// leaving is a shell that leaves daemons behind.
func leaving(end string) *Cmd {
	return Command("/bin/sh", "-c", "for i in 1 2 3; do (setsid sh -c 'sleep 1000 & sleep 1000' &); done; "+end)
}

func killedAlone(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	reach, err := c.KillTree()
	c.Wait()
	if reach != ReachProcess || !errors.Is(err, missing) || c.Result().Reach != ReachProcess {
		return fmt.Errorf("KillTree() = %v, %v (in the result: %v); want %v, %v", reach, err, c.Result().Reach, ReachProcess, missing)
	}
	return nil
}

func timedOutAlone(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	err = c.Wait()
	failed := <-failures
	if r := c.Result(); !errors.Is(err, ErrTimeout) || r.Reach != ReachProcess || !errors.Is(failed, missing) {
		return fmt.Errorf("Wait() = %v, reach %v, told %v; want %v, %v, %v", err, r.Reach, failed, ErrTimeout, ReachProcess, missing)
	}
	return nil
}

// The init itself finds what is left.
func timedOutWithAll(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	err = c.Wait()
	if r := c.Result(); !errors.Is(err, ErrTimeout) || r.Reach != ReachDescendants {
		return fmt.Errorf("Wait() = %v, reach %v; want %v, %v", err, r.Reach, ErrTimeout, ReachDescendants)
	}
	return nil
}

func leftNothing(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	c.Wait()
	if r := c.Result(); r.ExitCode != 7 || r.Left != 0 {
		return fmt.Errorf("exit code %d, left %d; want 7, 0", r.ExitCode, r.Left)
	}
	return nil
}

func withOneID(c *Cmd) *Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
	return c
}

func refusedToMap(c *Cmd, err, missing error) error {
	if !errors.Is(err, missing) {
		return fmt.Errorf("Start() = %v; want %v", err, missing)
	}
	return nil
}

// inner is a process with a host name of its own, and what a command says that joins it.
var inner struct {
	box *Cmd
	out *os.File
}

func joinsInner() *Cmd {
	if inner.box == nil {
		inner.box = Command("/bin/sleep", "1000")
		inner.box.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS}
		inner.box.Attr = &Attr{Hostname: "inner"}
		if err := inner.box.Start(); err != nil {
			fmt.Println(err)
		}
	}
	c := Command("/bin/uname", "-n")
	c.Attr = &Attr{Join: []Namespace{{PID: inner.box.Process.Pid, Kinds: UTSNamespace}}}
	out, in, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
	}
	c.Stdout, inner.out = in, out
	return c
}

// joinedInner: a number of the caller's means that process, whatever /proc calls it.
func joinedInner(c *Cmd, err, missing error) error {
	defer inner.box.Wait()
	defer inner.box.Process.Kill()
	if missing == ownproc.ErrNotMounted {
		if err == nil {
			return errors.New("a namespace was joined without /proc")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.Wait(); err != nil {
		return err
	}
	name := make([]byte, 64)
	n, _ := inner.out.Read(name)
	if string(name[:n]) != "inner\n" {
		return fmt.Errorf("the host's name is %q; want inner", name[:n])
	}
	return nil
}

func refusedForProc(c *Cmd, err, missing error) error {
	if err == nil || !strings.Contains(err.Error(), "(Ending.CPUTime): cannot be kept without Attr.Cgroup: "+missing.Error()) {
		return fmt.Errorf("Start() = %v; want that the limit cannot be kept", err)
	}
	return nil
}

// The numbers are foreign even if this process happens to have the same number in both namespaces.
func TestForeignProcOfTheSameNumber(t *testing.T) {
	requires(t, userNamespaces)
	c := helperCommand("coincide")
	inNewPIDNamespace(c)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// coincide: have children, until one has the number here that it has outside.
var _ = helper("coincide", func([]string) int {
	last, err := os.OpenFile("/proc/sys/kernel/ns_last_pid", os.O_WRONLY, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	next, before := 1000, 0
	for range 2000 {
		last.WriteAt([]byte(strconv.Itoa(next-1)), 0)
		out, err := helperCommand("say-proc").Output()
		var own, there int
		var said string
		if _, scanErr := fmt.Sscanf(string(out), "%d %d %q", &own, &there, &said); err != nil || scanErr != nil {
			fmt.Println(string(out), err, scanErr)
			return 1
		}
		if said != ownproc.ErrForeign.Error() {
			fmt.Println(string(out))
			return 1
		}
		if own == there {
			return 0
		}
		next, before = there+(there-before), there // threads take numbers as well, about as many as before
	}
	fmt.Println("no process came to have the same number twice")
	return 1
})

// say-proc: print the own number, that in /proc, and what is missing there.
var _ = helper("say-proc", func([]string) int {
	there, _ := os.Readlink("/proc/self")
	fmt.Printf("%d %s %q\n", os.Getpid(), there, fmt.Sprint(ownproc.Missing()))
	return 0
})
