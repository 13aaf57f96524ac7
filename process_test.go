//go:build linux && (amd64 || arm64)

package sprog

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
)

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
