//go:build linux && (amd64 || arm64)

package sprog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// Every exported field and method of os/exec's Cmd must be there, with the
// same type.
func TestCmdHasTheShapeOfExecCmd(t *testing.T) {
	theirs, ours := reflect.TypeFor[exec.Cmd](), reflect.TypeFor[Cmd]()
	for f := range fields(theirs) {
		g, ok := ours.FieldByName(f.Name)
		if !ok || g.Type != f.Type {
			t.Errorf("field %s = %v; want %v", f.Name, g.Type, f.Type)
		}
	}
	for i := range reflect.PointerTo(theirs).NumMethod() {
		m := reflect.PointerTo(theirs).Method(i)
		n, ok := reflect.PointerTo(ours).MethodByName(m.Name)
		if !ok {
			t.Errorf("method %s is missing", m.Name)
		} else if got, want := signature(n), signature(m); got != want {
			t.Errorf("method %s = %s; want %s", m.Name, got, want)
		}
	}
}

func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() && !yield(f) {
				return
			}
		}
	}
}

// signature is a method's type without its receiver.
func signature(m reflect.Method) string {
	var s []string
	for i := 1; i < m.Type.NumIn(); i++ {
		s = append(s, m.Type.In(i).String())
	}
	for i := range m.Type.NumOut() {
		s = append(s, "-> "+m.Type.Out(i).String())
	}
	return strings.Join(s, " ")
}

func TestCommandLooksUpPlainNames(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, path string }{
		{"sh", sh},
		{"./sh", "./sh"},
		{"/bin/../bin/sh", "/bin/../bin/sh"},
		{"bin/sh", "bin/sh"},
	} {
		c := Command(test.name, "-c", "x")
		if c.Path != test.path || c.Err != nil {
			t.Errorf("Command(%q).Path, Err = %q, %v; want %q, nil", test.name, c.Path, c.Err, test.path)
		}
		if want := []string{test.name, "-c", "x"}; !reflect.DeepEqual(c.Args, want) {
			t.Errorf("Command(%q).Args = %q; want %q", test.name, c.Args, want)
		}
	}
}

func TestCommandDoesNotKeepTheArguments(t *testing.T) {
	args := []string{"a", "b"}
	c := Command("/x", args...)
	args[0] = "changed"
	if got := c.Args[1]; got != "a" {
		t.Errorf("Args[1] = %q; want %q", got, "a")
	}
}

func TestCommandNotFound(t *testing.T) {
	c := Command("no-such-program-anywhere", "arg")
	var e *Error
	if !errors.Is(c.Err, ErrNotFound) || !errors.As(c.Err, &e) || e.Name != "no-such-program-anywhere" {
		t.Errorf("Err = %v; want an *Error for the name, wrapping ErrNotFound", c.Err)
	}
	if err := c.Run(); err != c.Err {
		t.Errorf("Run() = %v; want c.Err", err)
	}
	if got, want := c.String(), "no-such-program-anywhere arg"; got != want {
		t.Errorf("String() = %q; want %q", got, want)
	}
}

func TestErrDotCanBeAccepted(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/bin/true", filepath.Join(dir, "here")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("PATH", ".")
	c := Command("here")
	if !errors.Is(c.Err, ErrDot) {
		t.Fatalf("Err = %v; want ErrDot", c.Err)
	}
	if err := c.Run(); !errors.Is(err, ErrDot) {
		t.Errorf("Run() = %v; want ErrDot", err)
	}
	c = Command("here")
	c.Err = nil
	if err := c.Run(); err != nil {
		t.Errorf("Run() with Err set to nil = %v; want nil", err)
	}
}

func TestString(t *testing.T) {
	for _, test := range []struct {
		cmd  *Cmd
		want string
	}{
		{&Cmd{}, ""},
		{&Cmd{Path: "/bin/a"}, "/bin/a"},
		{&Cmd{Path: "/bin/a", Args: []string{"b"}}, "/bin/a"},
		{&Cmd{Path: "/bin/a", Args: []string{"b", "c d", ""}}, "/bin/a c d "},
		{&Cmd{Path: "/bin/a", Args: []string{"b", "c"}, Err: ErrDot}, "b c"},
		{&Cmd{Path: "/bin/a", Err: ErrDot}, "/bin/a"},
	} {
		if got := test.cmd.String(); got != test.want {
			t.Errorf("%+v.String() = %q; want %q", *test.cmd, got, test.want)
		}
	}
}

func TestRunReportsHowTheProgramEnded(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"exit", "0"}, 0, "exit status 0"},
		{[]string{"exit", "1"}, 1, "exit status 1"},
		{[]string{"exit", "255"}, 255, "exit status 255"},
		{[]string{"die", "9"}, -1, "signal: killed"},
		{[]string{"die", "15"}, -1, "signal: terminated"},
	} {
		c := helperCommand(test.args[0], test.args[1:]...)
		err := c.Run()
		if got := c.ProcessState.String(); got != test.text {
			t.Errorf("%q: ProcessState = %s; want %s", test.args, got, test.text)
		}
		var e *ExitError
		if failed := errors.As(err, &e); failed != (test.code != 0) {
			t.Errorf("%q: Run() = %v", test.args, err)
		} else if failed && (e.ExitCode() != test.code || e.Error() != test.text) {
			t.Errorf("%q: ExitCode() = %d, %v; want %d, %s", test.args, e.ExitCode(), e, test.code, test.text)
		}
		if got := c.ProcessState.Pid(); got != c.Process.Pid {
			t.Errorf("%q: ProcessState.Pid() = %d; want %d", test.args, got, c.Process.Pid)
		}
	}
}

func TestArgs(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"name", "argv", "a b", "", "é\n"}, `["name" "argv" "a b" "" "é\n"]`},
		{[]string{"", "argv"}, `["" "argv"]`},
	} {
		c := &Cmd{Path: testBinary(), Args: test.args}
		out, err := c.Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != test.want {
			t.Errorf("Args %q: %s, %v; want %s", test.args, got, err, test.want)
		}
	}
}

func TestNoArgsMeansPath(t *testing.T) {
	c := &Cmd{Path: "/bin/sh", Stdin: strings.NewReader("echo $0")}
	out, err := c.Output()
	if got := string(out); err != nil || got != "/bin/sh\n" {
		t.Errorf("$0 = %q, %v; want /bin/sh", got, err)
	}
}

func TestPathIsRelativeToDir(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(testBinary(), filepath.Join(dir, "tool")); err != nil {
		t.Fatal(err)
	}
	c := Command("./tool", "echo", "hi")
	c.Dir = dir
	if out, err := c.Output(); err != nil || string(out) != "hi\n" {
		t.Errorf("Output() = %q, %v; want hi", out, err)
	}
}

// What is wrong before anything is started.
func TestStartRefuses(t *testing.T) {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	closedFile, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	closedFile.Close()
	var noContext context.Context
	path := testBinary()
	for _, test := range []struct {
		name string
		cmd  *Cmd
		is   error
		text string
	}{
		{"zero Cmd", &Cmd{}, nil, "sprog: no command"},
		{"Err", &Cmd{Path: path, Err: fs.ErrInvalid}, fs.ErrInvalid, "invalid argument"},
		{"done context", CommandContext(canceled, path), context.Canceled, "context canceled"},
		{"nil context", CommandContext(noContext, path), nil, "sprog: nil Context"},
		{"Cancel without context", &Cmd{Path: path, Cancel: func() error { return nil }}, nil, "CommandContext"},
		{"closed Stdin", &Cmd{Path: path, Stdin: closedFile}, os.ErrClosed, "/dev/null (Stdin): file already closed"},
		{"closed Stderr", &Cmd{Path: path, Stderr: closedFile}, os.ErrClosed, "/dev/null (Stderr)"},
		{"closed ExtraFiles", &Cmd{Path: path, ExtraFiles: []*os.File{nil, closedFile}}, os.ErrClosed, path + ": /dev/null (ExtraFiles[1])"},
		{"NUL in Env", &Cmd{Path: path, Env: []string{"A=1", "B=x\x00C=y"}}, nil, "B (Env): contains a NUL byte"},
		{"NUL in Args", &Cmd{Path: path, Args: []string{"a", "b\x00"}}, nil, "NUL"},
		{"NUL in Path", &Cmd{Path: path + "\x00"}, nil, "NUL"},
		{"NUL in Dir", &Cmd{Path: path, Dir: "/\x00"}, nil, ""},
		{"missing program", &Cmd{Path: "/no/such/program"}, fs.ErrNotExist, "/no/such/program"},
		{"missing Dir", &Cmd{Path: path, Dir: "/no/such/dir"}, fs.ErrNotExist, ""},
		{"directory", &Cmd{Path: "/"}, fs.ErrPermission, "permission denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.cmd.Start()
			if err == nil {
				test.cmd.Wait()
				t.Fatal("Start() = nil; want an error")
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("Start() = %v; want it to wrap %v", err, test.is)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("Start() = %v; want it to say %q", err, test.text)
			}
			if test.cmd.Process != nil {
				t.Errorf("Process = %v; want nil", test.cmd.Process)
			}
			if err := test.cmd.Wait(); err == nil || err.Error() != "sprog: not started" {
				t.Errorf("Wait() = %v; want that it was not started", err)
			}
		})
	}
}

// What errors.As finds as an *fs.PathError is what os/exec returns, but for
// the words of what is refused.
func TestStartErrorIsThePathErrorOfOsExec(t *testing.T) {
	for _, test := range []struct {
		name, path, dir string
		sys             *syscall.SysProcAttr
	}{
		{name: "missing program", path: "/no/such/program"},
		{name: "directory", path: "/"},
		{name: "missing Dir", path: "/bin/true", dir: "/no/such/dir"},
		{name: "missing root", path: "/bin/true", sys: &syscall.SysProcAttr{Chroot: "/no/such/dir"}},
		{name: "no process group", path: "/bin/true", sys: &syscall.SysProcAttr{Setpgid: true, Pgid: 1<<31 - 1}},
		{name: "Ctty", path: "/bin/true", sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 77}},
		{name: "two meanings of Ctty", path: "/bin/true", sys: &syscall.SysProcAttr{Setctty: true, Foreground: true}},
	} {
		ours := (&Cmd{Path: test.path, Dir: test.dir, SysProcAttr: test.sys}).Run()
		theirs := (&exec.Cmd{Path: test.path, Dir: test.dir, SysProcAttr: test.sys}).Run()
		var got, want *fs.PathError
		if !errors.As(ours, &got) || !errors.As(theirs, &want) {
			t.Errorf("%s: Run() = %#v; os/exec: %#v; want two with an *fs.PathError", test.name, ours, theirs)
			continue
		}
		_, kernel := want.Err.(syscall.Errno)
		if got.Op != want.Op || got.Path != want.Path || kernel && got.Err != want.Err {
			t.Errorf("%s: the *fs.PathError is %#v; want %#v", test.name, got, want)
		}
		var se *StartError
		if !errors.As(ours, &se) || se.Path != test.path {
			t.Errorf("%s: Run() = %#v; want a *StartError", test.name, ours)
		}
	}
}

func TestCmdIsGoodForOneStart(t *testing.T) {
	for _, c := range []*Cmd{helperCommand("true"), Command("/no/such/program")} {
		first := c.Run()
		if err := c.Start(); err == nil || err.Error() != "sprog: already started" {
			t.Errorf("%v: second Start() = %v; want that it was already started", first, err)
		}
	}
}

// A second Start must leave the first one's pipes alone.
func TestSecondStartLeavesPipesOpen(t *testing.T) {
	c := helperCommand("cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	c.Stdout = &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err == nil {
		t.Error("second Start() = nil; want an error")
	}
	if _, err := fmt.Fprint(in, "still here"); err != nil {
		t.Error(err)
	}
	in.Close()
	if err := c.Wait(); err != nil || out.String() != "still here" {
		t.Errorf("Wait() = %v, output %q; want nil, %q", err, out.String(), "still here")
	}
}

func TestWaitOnlyOnce(t *testing.T) {
	c := helperCommand("true")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err == nil || err.Error() != "sprog: Wait was already called" {
		t.Errorf("second Wait() = %v; want an error", err)
	}
}

// Somebody else waits for the process first, or at the same time.
func TestWaitForAReapedProcess(t *testing.T) {
	c := helperCommand("true")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Process.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("Wait() after Process.Wait() = %v; want ECHILD", err)
	}

	c = helperCommand("hang", "")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	other := make(chan error)
	go func() {
		_, err := c.Process.Wait()
		other <- err
	}()
	c.Process.Kill()
	err := c.Wait()
	if otherErr := <-other; (otherErr == nil) == (c.ProcessState != nil) {
		t.Errorf("Wait() = %v, Process.Wait() = %v; want one of them to reap", err, otherErr)
	}
}

func TestWaitForAReleasedProcess(t *testing.T) {
	c := helperCommand("true")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	c.Process.Release()
	if err := c.Wait(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("Wait() after Release() = %v; want EINVAL", err)
	}
	if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
		t.Error(err)
	}
}

// A command may be copied as long as it is not started.
func TestCopiesRunOnTheirOwn(t *testing.T) {
	c := helperCommand("true")
	for range 3 {
		copied := *c
		if err := copied.Run(); err != nil {
			t.Error(err)
		}
	}
}

func TestTracedChildStopsForItsTracer(t *testing.T) {
	onOwnThread(t, func() error {
		c := Command("/bin/true") // no Go program: it gets signals from its runtime
		c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		if err := c.Start(); err != nil {
			return err
		}
		err := c.Wait()
		if err == nil || !strings.Contains(err.Error(), "stop signal: trace") {
			t.Errorf("Wait() = %v; want the stop at execve", err)
		}
		pid := c.Process.Pid
		if err := syscall.PtraceCont(pid, 0); err != nil {
			return err
		}
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || !ws.Exited() {
			return fmt.Errorf("after PTRACE_CONT: %v, %#x", err, ws)
		}
		return nil
	})
}
