//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// withSecond has a command run by a second stage that executes the program
// itself.
func withSecond(c *Cmd) *Cmd {
	c.Attr = &Attr{THPDisable: THPDisableCompletely}
	return c
}

// What goes wrong in the second stage is told like any other error.
func TestSecondStageErrors(t *testing.T) {
	dir := brokenPrograms(t)
	for _, m := range missingThings(dir) {
		before := snapshot()
		err := withSecond(m.cmd()).Run()
		if want := strings.ReplaceAll(m.want, "DIR", dir); err == nil || err.Error() != want {
			t.Errorf("missing %s: %v; want %s", m.what, err, want)
		}
		if leaks := before.leaks(); len(leaks) > 0 {
			t.Errorf("missing %s: left behind: %q", m.what, leaks)
		}
	}
}

// Programs that end at once, in every way, have been started.
func TestSecondStageOfShortLives(t *testing.T) {
	script := filepath.Join(t.TempDir(), "sprog-second") // what a second stage was once called
	writeProgram(t, script, []byte("#!/bin/sh\nulimit -c 0\n$1\n"))
	for action, want := range map[string]string{
		"exit 0": "exit status 0", "exit 125": "exit status 125", "kill -KILL $$": "signal: killed", "kill -SEGV $$": "signal: segmentation fault",
	} {
		for range 20 {
			c := withSecond(Command("/bin/sh", "-c", "ulimit -c 0; "+action))
			if err := c.Start(); err != nil {
				t.Fatalf("%s: %v", action, err)
			}
			c.Wait()
			if got := fmt.Sprint(c.ProcessState); got != want {
				t.Errorf("%s: %s; want %s", action, got, want)
			}
		}
		c := withSecond(Command(script, action))
		if err := c.Start(); err != nil {
			t.Fatalf("a program called sprog-second: %v", err)
		}
		c.Wait()
	}
	// The helper calls itself what a second stage does, and lives on.
	c := withSecond(helperCommand("second-stage's-name"))
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	startReady(t, c)
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

var _ = helper("second-stage's-name", func([]string) int {
	name := append([]byte("sprog/second"), 0)
	unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
	fmt.Println("ready")
	os.Stdin.Read(make([]byte, 1))
	return 0
})

// The identity of a process that a second stage has started is its own.
func TestSecondStageIsTheProgram(t *testing.T) {
	c := withSecond(Command("/bin/sh", "-c", "echo $$ $PPID; cat /proc/$$/comm; tr '\\0' ' ' </proc/$$/cmdline"))
	out := outputOf(t, c)
	want := fmt.Sprintf("%d %d\nsh\n/bin/sh -c", c.Process.Pid, os.Getpid())
	if !strings.HasPrefix(out, want) {
		t.Errorf("output = %q; want it to begin with %q", out, want)
	}
	givesExactlyTheFiles(t, withSecond)
}

// A program that is being written is not executed, and that is the error.
func TestSecondStageOfBusyProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = withSecond(&Cmd{Path: path}).Run()
	if want := "sprog: start " + path + ": execve: text file busy (the file is open for writing, in this process)"; !errors.Is(err, syscall.ETXTBSY) || err.Error() != want {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

// Where /proc is hidden, a second stage works all the same.
func TestSecondStageWithoutProc(t *testing.T) {
	requires(t, asRoot)
	c := helperCommand("second-without-proc", tinyFile(t, crash))
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	const want = `exit status 3
sprog: start /bin/true: prctl PR_SET_THP_DISABLE (Attr.THPDisable): killed by SIGSEGV before the program was executed
signal: illegal instruction
sprog: start /bin/true: open /proc (Attr.OOMScoreAdj): no such file or directory (no proc file system is mounted at /proc)
`
	if got := outputOf(t, c); got != want {
		t.Errorf("output = %s; want %s", got, want)
	}
}

// second-without-proc: where /proc is empty, start programs that end, one that
// is killed on its way, one that dies at once, and one that needs a file of /proc.
var _ = helper("second-without-proc", func(args []string) int {
	if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
		fmt.Println(err)
		return 1
	}
	say := func(c *Cmd) {
		if err := c.Run(); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("no error")
		}
	}
	say(withSecond(Command("/bin/sh", "-c", "exit 3")))
	c := withSecond(&Cmd{Path: "/bin/true"})
	c.inspect = func(_, second *program.Program) {
		for i := range second.Steps {
			if second.Steps[i].Call == program.Prctl { // the last of them
				second.Fault = &program.Fault{Step: i, Die: true}
			}
		}
	}
	say(c)
	say(withSecond(&Cmd{Path: args[0]}))
	say(&Cmd{Path: "/bin/true", Attr: &Attr{OOMScoreAdj: new(1000)}})
	return 0
})
