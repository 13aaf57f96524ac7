//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

// The child has what os/exec's has: what this process was started with and
// what it has not marked, whatever else it is given, and nothing that is marked.
func TestInheritAll(t *testing.T) {
	openMany(t)
	var unmarked []*os.File // as those of a shell
	for _, n := range []int{40, 41, 600} {
		if err := unix.Dup3(2, n, 0); err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(n), "unmarked")
		defer f.Close()
		unmarked = append(unmarked, f)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fds := func(c *exec.Cmd) *exec.Cmd {
		c.Path, c.Args = testBinary(), []string{testBinary(), "fds"}
		return c
	}
	for name, change := range map[string]func(*exec.Cmd){
		"nothing":    func(*exec.Cmd) {},
		"ExtraFiles": func(c *exec.Cmd) { c.ExtraFiles = []*os.File{null, nil, null} },
		"many ExtraFiles": func(c *exec.Cmd) {
			for range 40 {
				c.ExtraFiles = append(c.ExtraFiles, null)
			}
		},
		"Pdeathsig": func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} },
		"Stdin":     func(c *exec.Cmd) { c.Stdin = null },
		"as 40":     func(c *exec.Cmd) { c.Stdin = unmarked[0] },
	} {
		ref := fds(new(exec.Cmd))
		change(ref)
		want, err := ref.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, attr := range []*Attr{{InheritAll: true}, {InheritAll: true, Init: &Init{}}} {
			for _, lacks := range []kernel.Missing{0, kernel.NoCloseRange} {
				before := kernel.Known.Lacks.Load()
				kernel.Known.Lacks.Store(before | uint32(lacks))
				r := fds(new(exec.Cmd))
				change(r)
				c := &Cmd{Path: r.Path, Args: r.Args, Stdin: r.Stdin, ExtraFiles: r.ExtraFiles, SysProcAttr: r.SysProcAttr, Attr: attr}
				got, err := c.Output()
				kernel.Known.Lacks.Store(before)
				if hidePipes(string(got)) != hidePipes(string(want)) || err != nil {
					t.Errorf("%s, init %v, lacking %b: %v, the child has\n%swant\n%s", name, attr.Init != nil, lacks, err, got, want)
				}
			}
		}
	}
}

// hidePipes leaves out which pipes the output goes to.
func hidePipes(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if n, to, _ := strings.Cut(line, " "); (n == "1" || n == "2") && strings.HasPrefix(to, "pipe:") {
			line = n + " pipe\n"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// Without it the child has none of them.
func TestInheritNothing(t *testing.T) {
	if err := unix.Dup3(2, 40, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(40)
	out := outputOf(t, helperCommand("fds"))
	if strings.Contains(out, "\n40 ") {
		t.Errorf("the child has\n%s", out)
	}
}

// Descriptors that others open and close meanwhile disturb no start, and what is
// marked reaches no child whatever number it takes.
func TestInheritAllWhileOthersOpen(t *testing.T) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if fd, err := unix.Open("/dev/zero", unix.O_RDONLY, 0); err == nil { // not marked
					unix.Close(fd)
				}
				if fd, err := unix.Open("/etc/passwd", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
					unix.Close(fd)
				}
			}
		})
	}
	for range 60 {
		c := helperCommand("fds")
		c.Attr = &Attr{InheritAll: true, Files: []File{{FD: 100, Path: "/dev/full"}}}
		out, err := c.Output()
		if err != nil {
			t.Error(err)
			break
		}
		if !strings.Contains(string(out), "\n100 /dev/full\n") || strings.Contains(string(out), "/etc/passwd") {
			t.Errorf("the child has\n%s", out)
			break
		}
	}
	close(stop)
	all.Wait()
}

// An Exec keeps them, too.
var _ = helper("exec-inheriting", func([]string) int {
	must(unix.Dup3(2, 40, 0))
	c := &Cmd{Path: testBinary(), Args: []string{"x", "fds"}, Stdout: os.Stdout, Attr: &Attr{InheritAll: true}}
	fmt.Println(c.Exec())
	return 1
})

func TestInheritAllInExec(t *testing.T) {
	c := exec.Command(testBinary(), "exec-inheriting")
	out, err := c.Output()
	if !strings.Contains(string(out), "\n40 ") || err != nil {
		t.Errorf("%v, the program has\n%s", err, out)
	}
}

// Libraries and careless code open files without O_CLOEXEC. A child gets
// exactly what it was given, all the same.
func TestExactlyTheFilesGiven(t *testing.T) {
	leakFiles(t, 40)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	better(t, func(of func(*Cmd) runner) error {
		for _, test := range []struct {
			extra []*os.File
			want  string
		}{
			{nil, "0 1 2 "},
			{[]*os.File{r, nil, w, r}, "0 1 2 3 5 6 "},
			{[]*os.File{os.Stdin, w, os.Stderr}, "0 1 2 3 4 5 "},
		} {
			var out bytes.Buffer
			c := Command("/bin/sh", "-c", `n=0; while [ $n -lt 80 ]; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; n=$((n+1)); done; true`)
			c.Stdout, c.ExtraFiles = &out, test.extra
			if err := of(c).Run(); err != nil {
				return err
			}
			if out.String() != test.want {
				return fmt.Errorf("%d ExtraFiles: descriptors %s; want %s", len(test.extra), out.String(), test.want)
			}
		}
		return nil
	})
}

// Whatever a start needs for itself (an image, pipes, a pidfd, borrowed numbers)
// and whatever it is asked for, the program has the descriptors that it was
// given, and no others.
func TestExactlyTheFilesOfEveryStart(t *testing.T) {
	leakFiles(t, 20)
	program := publicBinary(t)
	for _, s := range startCases() {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			c := s.cmd(t)
			if c.SysProcAttr != nil && c.SysProcAttr.Ptrace {
				return // it stops
			}
			if c.Attr != nil && (c.Attr.Root != nil || len(c.Attr.Mounts) > 0) {
				return // it does not see the program: see TestViewHoldsNoFiles
			}
			out := describeItself(t, c, program)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			closePidFD(c)
			if contents(t, out) == "" {
				return // no Go program runs there: it may make no threads, or read nothing
			}
			var seen description
			if err := json.Unmarshal([]byte(contents(t, out)), &seen); err != nil {
				t.Fatal(err)
			}
			if got, want := slices.Sorted(maps.Keys(seen.Files)), numbersGiven(c); !slices.Equal(got, want) {
				t.Errorf("descriptors %v; want %v (%v)", got, want, seen.Files)
			}
		})
	}
}

// numbersGiven are the descriptors that a command gives its program. Closed
// streams are among them: the runtime of the program opens them again.
func numbersGiven(c *Cmd) []int {
	list := []int{0, 1, 2}
	for i, f := range c.ExtraFiles {
		if f != nil {
			list = append(list, 3+i)
		}
	}
	if c.Attr != nil {
		list = append(list, c.Attr.Inherit...)
		for _, f := range c.Attr.Files {
			if !f.Closed {
				list = append(list, f.FD)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// leakFiles opens n files that every child would inherit.
func leakFiles(t *testing.T, n int) {
	t.Helper()
	for range n {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
	}
}

// Every descriptor refers to the file that it ought to, in whatever order the
// parent's numbers are.
func TestFilesInEveryOrder(t *testing.T) {
	var files []*os.File
	for i := range 4 {
		f := tempFile(t)
		fmt.Fprint(f, i)
		files = append(files, f)
	}
	const script = `for n in 0 3 4 5 6; do read x </proc/$$/fd/$n; printf %s "$x"; done`
	for _, order := range []string{"0123", "3210", "1032", "0000", "2301", "1203"} {
		c := Command("/bin/sh", "-c", script)
		c.Stdin = files[order[0]-'0']
		for _, i := range order {
			c.ExtraFiles = append(c.ExtraFiles, files[i-'0'])
		}
		if got, want := outputOf(t, c), order[:1]+order; got != want {
			t.Errorf("order %s: files %s; want %s", order, got, want)
		}
	}
}

// nofile ATTR: print the limit on open files that a child gets.
var _ = helper("nofile", func(args []string) int {
	c := Command("/bin/sh", "-c", "echo $(ulimit -Sn) $(ulimit -Hn)")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if args[0] == "init" {
		c.Attr = &Attr{Init: &Init{}}
	}
	if args[0] == "set" { // by somebody, on purpose: that is what children get
		unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 500, Max: 1000})
	}
	if err := c.Run(); err != nil {
		fmt.Println(err)
	}
	return 0
})

// The runtime raises the soft limit on open files for itself.
func TestOriginalLimitOnFiles(t *testing.T) {
	for how, want := range map[string]string{"": "777 2000\n", "init": "777 2000\n", "set": "500 1000\n"} {
		c := Command("/bin/sh", "-c", `ulimit -Sn 777 && ulimit -Hn 2000 && exec "$0" nofile "$1"`, testBinary(), how)
		if got := outputOf(t, c); got != want {
			t.Errorf("%q: limits = %q; want %q", how, got, want)
		}
	}
}

// Ignored signals stay ignored, as far as the runtime lets them, and no other
// disposition or mask reaches the program.
func TestSignalDispositions(t *testing.T) {
	text := selfStatus(t, nil)
	if got := fieldOf(text, "SigCgt"); got != "0000000000000000" {
		t.Errorf("SigCgt = %s; want none", got)
	}
	if got := fieldOf(text, "SigBlk"); got != "0000000000000000" {
		t.Errorf("SigBlk = %s; want none", got)
	}
	c := Command("/bin/sh", "-c", `trap '' HUP; exec "$0" status-of-child`, testBinary())
	if got := fieldOf(outputOf(t, c), "SigIgn"); got != "0000000000000001" {
		t.Errorf("SigIgn = %s; want SIGHUP", got)
	}
}

var _ = helper("status-of-child", func([]string) int {
	c := Command("/bin/cat", "/proc/self/status")
	c.Stdout = os.Stdout
	if c.Run() != nil {
		return 1
	}
	return 0
})

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
