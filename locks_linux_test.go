//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

// lockers PATH...: print which process holds a record lock on each file, as
// another process sees it.
var _ = helper("lockers", func(args []string) int {
	for _, path := range args {
		f, err := os.Open(path)
		if err != nil {
			fmt.Println(err)
			continue
		}
		lock := unix.Flock_t{Type: unix.F_WRLCK}
		if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
			fmt.Println(err)
		}
		fmt.Println(filepath.Base(path), lock.Pid)
	}
	return 0
})

// lockFiles opens files in a directory and locks them. It returns a function
// that fails the test if the locks are gone.
func lockFiles(t *testing.T, dir string, names ...string) (files map[string]*os.File, hold func(after string)) {
	t.Helper()
	files = make(map[string]*os.File)
	args, want := []string{"lockers"}, ""
	for _, name := range names {
		kind, mode := int16(unix.F_WRLCK), os.O_RDWR
		if name != "data" { // nobody executes what somebody writes to
			kind, mode = unix.F_RDLCK, os.O_RDONLY
		}
		f, err := os.OpenFile(filepath.Join(dir, name), mode, 0)
		if err == nil {
			err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: kind})
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		files[name] = f
		args = append(args, f.Name())
		want += fmt.Sprintln(filepath.Base(f.Name()), os.Getpid())
	}
	return files, func(after string) {
		t.Helper()
		out, err := exec.Command(testBinary(), args...).CombinedOutput()
		if string(out) != want || err != nil {
			t.Errorf("%s: the locks are held by these processes, %v:\n%swant this one:\n%s", after, err, out, want)
		}
	}
}

// openMany opens files until the process has some thousands, or half of what
// it may have.
func openMany(t *testing.T) {
	t.Helper()
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	for range min(3000, limit.Cur/2) {
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
	}
}

// The kernel releases the record locks of a process on a file with the first
// descriptor of it that the process closes. No start closes one of a file that
// the caller has open, however the file comes into it and whatever becomes of
// the start.
func TestRecordLocks(t *testing.T) {
	dir := t.TempDir()
	must(os.WriteFile(dir+"/data", nil, 0o600))
	copyFile(t, "/bin/true", dir+"/program")
	must(os.WriteFile(dir+"/script", []byte("#!/no/such/interpreter\n"), 0o700))
	must(os.WriteFile(dir+"/text", []byte("no program"), 0o700))
	openMany(t)
	files, hold := lockFiles(t, dir, "data", "program", "script", "text", "")
	data, program, script, text, directory := files["data"], files["program"], files["script"], files["text"], files[""]
	hold("nothing")
	start := func(change func(*Cmd)) func() error {
		return func() error {
			c := &Cmd{Path: "/bin/true", Attr: &Attr{}}
			change(c)
			return c.Run()
		}
	}
	for _, kind := range []struct {
		name  string
		start func() error
		fails bool
	}{
		{"nothing", start(func(*Cmd) {}), false},
		{"Stdin", start(func(c *Cmd) { c.Stdin = data }), false},
		{"Stdout", start(func(c *Cmd) { c.Stdout = data }), false},
		{"Stdout and Stderr", start(func(c *Cmd) { c.Stdout, c.Stderr = data, data }), false},
		{"ExtraFiles", start(func(c *Cmd) { c.ExtraFiles = []*os.File{data, nil, program, directory} }), false},
		{"Files", start(func(c *Cmd) { c.Attr.Files = []File{{FD: 7, File: data}, {FD: 8, Path: data.Name(), Flags: os.O_RDWR}} }), false},
		{"Inherit", start(func(c *Cmd) { c.Attr.Inherit = []int{int(data.Fd())} }), false},
		{"Program", start(func(c *Cmd) { c.Path, c.Attr.Program = "", program }), false},
		{"DirFile", start(func(c *Cmd) { c.Attr.DirFile = directory }), false},
		{"Path and Dir", start(func(c *Cmd) { c.Path, c.Dir = program.Name(), dir }), false},
		{"second stage", start(func(c *Cmd) { c.Stdout, c.Attr.Init = data, &Init{} }), false},
		{"Pdeathsig", start(func(c *Cmd) { c.Stdout, c.SysProcAttr = data, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }), false},
		{"trace", start(func(c *Cmd) { c.Stdout, c.Trace = data, &Trace{} }), false},
		{"StartProcess", func() error {
			p, err := StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Files: []*os.File{data, program, data}})
			if err == nil {
				_, err = p.Wait()
			}
			return err
		}, false},
		{"ForkExec", func() error {
			pid, err := ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{data.Fd(), data.Fd()}})
			if err == nil {
				_, err = syscall.Wait4(pid, nil, 0, nil)
			}
			return err
		}, false},
		{"plan", func() error { _, err := (&Cmd{Path: program.Name(), Stdout: data}).Plan(); return err }, false},
		{"missing program", start(func(c *Cmd) { c.Path, c.Stdout = "/no/such", data }), true},
		{"script without interpreter", start(func(c *Cmd) { c.Path = script.Name() }), true},
		{"script without interpreter, as a file", start(func(c *Cmd) { c.Path, c.Attr.Program = "", script }), true},
		{"no program", start(func(c *Cmd) { c.Path = text.Name() }), true},
		{"no program, as a file", start(func(c *Cmd) { c.Path, c.Attr.Program = "", text }), true},
		{"program that may not be executed", start(func(c *Cmd) { c.Path = data.Name() }), true},
		{"no namespace", start(func(c *Cmd) { c.Attr.Join = []Namespace{{Path: data.Name(), Kinds: UTSNamespace}} }), true},
		{"no directory", start(func(c *Cmd) { c.Dir = data.Name() }), true},
		{"Exec", func() error { return (&Cmd{Path: "/bin/true", Dir: "/no/such", Attr: &Attr{Cgroup: &Cgroup{}}}).Exec() }, true},
		{"ExecPlan", func() error { _, err := (&Cmd{Path: program.Name(), Stdout: data}).ExecPlan(); return err }, false},
	} {
		for _, lacks := range []kernel.Missing{0, kernel.NoCloseRange} {
			before := kernel.Known.Lacks.Load()
			kernel.Known.Lacks.Store(before | uint32(lacks))
			err := kind.start()
			kernel.Known.Lacks.Store(before)
			if (err != nil) != kind.fails {
				t.Errorf("%s: %v", kind.name, err)
			}
			hold(kind.name)
		}
	}
}

// lock-and-exec PATH PROGRAM: lock both files and become the program, which
// inherits them.
var _ = helper("lock-and-exec", func(args []string) int {
	c := &Cmd{Path: args[1], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Attr: &Attr{}}
	for _, path := range args {
		f, err := os.Open(path)
		if err == nil {
			err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_RDLCK})
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		c.Attr.Inherit = append(c.Attr.Inherit, int(f.Fd()))
	}
	c.Err = c.Exec()
	fmt.Println(c.Err)
	return 1
})

// The locks of a process are still its own when it executes another program.
func TestRecordLocksAcrossExec(t *testing.T) {
	dir := t.TempDir()
	must(os.WriteFile(dir+"/data", nil, 0o600))
	copyFile(t, "/bin/cat", dir+"/program")
	c := exec.Command(testBinary(), "lock-and-exec", dir+"/data", dir+"/program")
	in, err := c.StdinPipe()
	must(err)
	out, err := c.StdoutPipe()
	must(err)
	must(c.Start())
	defer c.Wait()
	defer in.Close()
	fmt.Fprintln(in, "hello")
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "hello\n" {
		t.Fatalf("the program printed %q, %v; want hello", line, err)
	}
	got, err := exec.Command(testBinary(), "lockers", dir+"/data", dir+"/program").Output()
	if want := fmt.Sprintf("data %d\nprogram %[1]d\n", c.Process.Pid); string(got) != want || err != nil {
		t.Errorf("the locks are held by, %v:\n%swant:\n%s", err, got, want)
	}
}
