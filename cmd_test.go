//go:build linux && (amd64 || arm64)

package sprog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/spec"
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

func TestStartProcess(t *testing.T) {
	f := tempFile(t)
	p, err := StartProcess("/bin/sh", []string{"name", "-c", "echo $0 $A $(pwd) >&3; exit 7"}, &os.ProcAttr{
		Dir:   "/usr",
		Env:   []string{"A=1", "A=2"}, // not made unique here; the shell takes the last
		Files: []*os.File{nil, os.Stdout, nil, f},
	})
	if err != nil {
		t.Fatal(err)
	}
	state, err := p.Wait()
	if err != nil || state.ExitCode() != 7 {
		t.Errorf("Wait() = %v, %v; want exit status 7", state, err)
	}
	if got := contents(t, f); got != "name 2 /usr\n" && got != "name 1 /usr\n" {
		t.Errorf("output = %q", got)
	}
}

func TestStartProcessInheritsTheEnvironment(t *testing.T) {
	for _, attr := range []*os.ProcAttr{nil, {}} {
		p, err := StartProcess(testBinary(), []string{"x", "exit", "5"}, attr)
		if err != nil {
			t.Fatal(err)
		}
		// That it plays the helper program shows that it has the variable.
		if state, err := p.Wait(); err != nil || state.ExitCode() != 5 {
			t.Errorf("Wait() = %v, %v; want exit status 5", state, err)
		}
	}
}

func TestStartProcessErrors(t *testing.T) {
	gone := tempFile(t)
	gone.Close()
	for _, test := range []struct {
		name string
		attr *os.ProcAttr
		is   error
		text string
	}{
		{"/no/such/program", nil, fs.ErrNotExist, "/no/such/program"},
		{"", nil, fs.ErrNotExist, ""},
		{"/bin/sh", &os.ProcAttr{Files: []*os.File{nil, gone}}, os.ErrClosed, "/bin/sh: " + gone.Name() + " (Files[1])"},
		{"/bin/sh", &os.ProcAttr{Dir: "/no/such/dir"}, fs.ErrNotExist, ""},
		{"/bin/sh\x00", nil, nil, "NUL"},
	} {
		p, err := StartProcess(test.name, []string{"x"}, test.attr)
		if p != nil || err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("StartProcess(%q) = %v, %v; want an error that says %q", test.name, p, err, test.text)
		}
		if test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("StartProcess(%q) = %v; want %v", test.name, err, test.is)
		}
		if pe := (*fs.PathError)(nil); !errors.As(err, &pe) {
			t.Errorf("StartProcess(%q) = %#v; want an *fs.PathError in it", test.name, err)
		}
	}
}

func TestForkExec(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	before := snapshot()
	pid, err := ForkExec("/bin/sh", []string{"sh", "-c", "echo $A; [ -e /proc/self/fd/0 ] || echo closed; exit 3"}, &syscall.ProcAttr{
		Env:   []string{"A=1"},
		Files: []uintptr{^uintptr(0), w.Fd(), w.Fd()},
	})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	out, _ := io.ReadAll(r)
	var ws syscall.WaitStatus
	if got, err := syscall.Wait4(pid, &ws, 0, nil); got != pid || err != nil || ws.ExitStatus() != 3 {
		t.Errorf("Wait4(%d) = %d, %v, status %d; want exit status 3", pid, got, err, ws.ExitStatus())
	}
	if string(out) != "1\nclosed\n" {
		t.Errorf("output = %q; want 1, closed", out)
	}
	if leaks := before.leaks(); len(leaks) > 0 {
		t.Errorf("left behind: %q", leaks)
	}
}

func TestForkExecErrors(t *testing.T) {
	for _, test := range []struct {
		argv0 string
		attr  *syscall.ProcAttr
		is    error
	}{
		{"/no/such/program", nil, syscall.ENOENT},
		{"/bin/sh", &syscall.ProcAttr{Dir: "/no/such/dir"}, syscall.ENOENT},
		{"/bin/sh", &syscall.ProcAttr{Files: []uintptr{54321}}, syscall.EBADF},
	} {
		if pid, err := ForkExec(test.argv0, []string{"x"}, test.attr); pid != 0 || !errors.Is(err, test.is) {
			t.Errorf("ForkExec(%q, %+v) = %d, %v; want %v", test.argv0, test.attr, pid, err, test.is)
		}
	}
}

// exec PROGRAM ARG...: become another program, with an environment of one.
var _ = helper("exec", func(args []string) int {
	err := Exec(args[0], args, []string{"A=1"})
	os.Stdout.WriteString(err.Error())
	return 1
})

func TestExec(t *testing.T) {
	out, err := helperCommand("exec", "/bin/sh", "-c", "echo $0 $A; ulimit -Sn").Output()
	want := "/bin/sh 1\n"
	if got := string(out); err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("Exec: %q, %v; want %q", got, err, want)
	}
	out, _ = helperCommand("exec", "/no/such/program").Output()
	if got, want := string(out), "sprog: start /no/such/program: execve: no such file or directory"; got != want {
		t.Errorf("Exec: %s; want %s", got, want)
	}
}

// An Exec that does not succeed leaves the process as it was.
func TestExecErrorLeavesTheLimits(t *testing.T) {
	var before, after syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before)
	Exec("/no/such/program", []string{"x"}, nil)
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &after)
	if before != after {
		t.Errorf("RLIMIT_NOFILE = %v after Exec; want %v", after, before)
	}
}

func TestExecRefuses(t *testing.T) {
	for _, test := range []struct {
		argv0      string
		argv, envv []string
		want       string
	}{
		{"/bin/true\x00", []string{"x"}, nil, "(argv0): contains a NUL byte"},
		{"/bin/true", nil, nil, "(argv): is empty"},
		{"/bin/true", []string{"x", "y\x00"}, nil, "(argv[1]): contains a NUL byte"},
		{"/bin/true", []string{"x"}, []string{"A=\x00"}, "(envv[0]): contains a NUL byte"},
		{"/no/such/program", []string{"x"}, nil, "execve: no such file or directory"},
		{"", []string{"x"}, nil, "execve: no such file or directory"},
	} {
		err := Exec(test.argv0, test.argv, test.envv)
		if se := (*StartError)(nil); !errors.As(err, &se) || se.Path != test.argv0 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Exec(%q, %q, %q) = %v; want that it says %q", test.argv0, test.argv, test.envv, err, test.want)
		}
	}
}

// The functions of packages os and syscall can be replaced by their namesakes.
var (
	_ = []func(string, []string, *os.ProcAttr) (*os.Process, error){os.StartProcess, StartProcess}
	_ = []func(string, []string, *syscall.ProcAttr) (int, error){syscall.ForkExec, ForkExec}
	_ = []func(string, []string, []string) error{syscall.Exec, Exec}
)

// Whatever a caller asks for, in each field that there is, crosses to package spec as it
// is: nothing is forgotten in the translation, and no field is taken for another.
func TestEveryFieldCrosses(t *testing.T) {
	a := new(Attr)
	n := int64(0)
	fill(reflect.ValueOf(a).Elem(), &n)
	sameValue(t, "Attr", reflect.ValueOf(*a), reflect.ValueOf(*a.spec()))
	if n < 100 {
		t.Errorf("only %d values were set", n)
	}
}

// fill sets every value below one to another, if it can hold so many.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(string(rune('a' + *n)))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n) % 250)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if v.Type() != reflect.TypeFor[*os.File]() {
			fill(v.Elem(), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { panic("called") }))
	default:
		panic("no value for " + v.Type().String())
	}
}

// sameValue compares values of types that are alike.
func sameValue(t *testing.T, name string, a, b reflect.Value) {
	t.Helper()
	if a.Kind() != b.Kind() {
		t.Errorf("%s is a %v, and was a %v", name, b.Kind(), a.Kind())
		return
	}
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() {
			t.Errorf("%s has %d entries, and had %d", name, b.Len(), a.Len())
			return
		}
		for i := range a.Len() {
			sameValue(t, spec.Index(name, i), a.Index(i), b.Index(i))
		}
	case reflect.Pointer:
		switch {
		case a.IsNil() || b.IsNil():
			t.Errorf("%s is lost", name)
		case a.Type() == reflect.TypeFor[*os.File]():
			if a.Pointer() != b.Pointer() {
				t.Errorf("%s is another file", name)
			}
		default:
			sameValue(t, name, a.Elem(), b.Elem())
		}
	case reflect.Func: // which is called by another
		if a.IsNil() != b.IsNil() {
			t.Errorf("%s is lost", name)
		}
	case reflect.Struct:
		if a.NumField() != b.NumField() {
			t.Errorf("%s has %d fields, and had %d", name, b.NumField(), a.NumField())
			return
		}
		for i := range a.NumField() {
			field := a.Type().Field(i).Name
			sameValue(t, name+"."+field, a.Field(i), b.FieldByName(field))
		}
	default:
		if !a.Equal(b.Convert(a.Type())) {
			t.Errorf("%s is %v, and was %v", name, b, a)
		}
	}
}

// A program is looked up by its own PATH, in its own root, and not in this process's.
func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	must(os.Mkdir(dir+"/bin", 0o755))
	must(os.WriteFile(dir+"/bin/tool", []byte("#!/bin/sh\necho this one, $0\n"), 0o755))
	must(os.WriteFile(dir+"/tool", []byte("#!/bin/sh\necho not executable\n"), 0o644))
	for _, init := range []*Init{nil, {}} {
		c := &Cmd{Path: "tool", Args: []string{"tool"}, Env: []string{"PATH=/no/such:" + dir + ":.:" + dir + "/bin:/bin"}, Attr: &Attr{LookPath: true, Init: init}}
		wantText(t, "in PATH", outputOf(t, c), "this one, "+dir+"/bin/tool\n")
	}
	c := &Cmd{Path: "no-such-tool", Env: []string{"PATH=/no/such:/bin"}, Attr: &Attr{LookPath: true}}
	if err := c.Run(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "no directory of the PATH") {
		t.Errorf("Run() = %v; want ENOENT", err)
	}
	c = &Cmd{Path: "sh", Args: []string{"sh", "-c", "echo $PATH"}, Env: []string{}, Attr: &Attr{LookPath: true}}
	if got := outputOf(t, c); got == "" {
		t.Error("without a PATH no shell is found")
	}
	c = scriptIn(t, withHost(Mount{Target: "/only/here", Bind: dir + "/bin"}), "")
	requires(t, freshProc)
	c.Path, c.Args, c.Env, c.Attr.LookPath = "tool", []string{"tool"}, []string{"PATH=/only/here"}, true
	wantText(t, "in the view", outputOf(t, c), "this one, /only/here/tool\n")
}

// The first directory that can be entered is the working directory, and PWD names it.
func TestDirs(t *testing.T) {
	dir := t.TempDir()
	must(os.Mkdir(dir+"/none", 0))
	must(os.Mkdir(dir+"/sub", 0o755))
	for _, init := range []*Init{nil, {}} {
		c := Command("/bin/sh", "-c", "pwd -P; echo $PWD")
		c.Attr = &Attr{Dirs: []string{"/no/such", dir + "/sub/file", dir + "/sub", "/"}, Init: init}
		wantText(t, "the first", outputOf(t, c), dir+"/sub\n"+dir+"/sub\n")
	}
	c := Command("/bin/true")
	c.Attr = &Attr{Dirs: []string{"/no/such", "/nor/such"}}
	if err := c.Run(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "chdir /nor/such (Attr.Dirs)") {
		t.Errorf("Run() = %v; want ENOENT of the last", err)
	}
	c = scriptIn(t, withHost(Mount{Target: "/here", Bind: dir}), "pwd; echo $PWD")
	requires(t, freshProc)
	c.Dir, c.Attr.Dirs = "", []string{dir, "/here/sub"}
	wantText(t, "in the view", outputOf(t, c), "/here/sub\n/here/sub\n")
}

func TestChildEnvironment(t *testing.T) {
	for _, test := range []struct {
		env  []string
		want string
	}{
		{nil, ""},
		{[]string{"A=1", "B=2", "A=3"}, "B=2\nA=3\n"},
		{[]string{"A=", "ODD", "É=ü\n"}, "A=\nODD\nÉ=ü\n\n"},
	} {
		c := helperCommand("env")
		c.Env = append(test.env, helperEnv)
		if out, err := c.Output(); err != nil || string(out) != test.want {
			t.Errorf("Env %q: %q, %v; want %q", test.env, out, err, test.want)
		}
	}
}

func TestEmptyEnvIsNoEnvironment(t *testing.T) {
	c := Command("/bin/sh", "-c", "tr '\\0' '\\n' </proc/$$/environ")
	c.Env = []string{}
	if out, err := c.CombinedOutput(); err != nil || string(out) != "" {
		t.Errorf("environment = %q, %v; want none", out, err)
	}
}

func TestChildInheritsTheEnvironment(t *testing.T) {
	t.Setenv("SPROG_TEST_VAR", "inherited")
	out, err := helperCommand("env").Output()
	if err != nil || !strings.Contains("\n"+string(out), "\nSPROG_TEST_VAR=inherited\n") {
		t.Errorf("environment = %q, %v", out, err)
	}
}

// A program that trusts PWD sees the name that Dir was given, symbolic links
// included.
func TestDirThroughASymbolicLink(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/usr", link); err != nil {
		t.Fatal(err)
	}
	c := Command("/bin/sh", "-c", "pwd; pwd -P")
	c.Dir = link
	if out, err := c.Output(); err != nil || string(out) != link+"\n/usr\n" {
		t.Errorf("pwd = %q, %v; want %s and /usr", out, err, link)
	}
}

func TestEnvWithNUL(t *testing.T) {
	c := helperCommand("env")
	c.Env = []string{helperEnv, "SECRET=abc\x00OTHER=def"}
	err := c.Run()
	var e *StartError
	if !errors.As(err, &e) || e.Field != "Env" || e.Path != c.Path {
		t.Fatalf("Run() = %#v; want a *StartError for Env", err)
	}
	if strings.Contains(err.Error(), "abc") {
		t.Errorf("%v: tells the value", err)
	}
	if got := c.Environ(); len(got) != 1 {
		t.Errorf("Environ() = %q; want it without the entry", got)
	}
}
