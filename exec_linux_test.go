//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// stepVar tells a test in a process of its own which step is to misbehave.
const stepVar = "SPROG_TEST_STEP"

// becoming runs the test again, in a process that becomes the program.
func becoming(t *testing.T, step int) (stdout, stderr string, code int) {
	t.Helper()
	// It has no end at which it could remove its files.
	dir, err := os.MkdirTemp("", "sprog-test")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := testProcess(t, func(c *exec.Cmd) { c.Env = append(c.Env, stepVar+"="+strconv.Itoa(step), "TMPDIR="+dir) })
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	sweepCgroups(c.Process.Pid) // it has no end at which it could
	killOrphansOf(t)
	code = c.ProcessState.ExitCode()
	if s := c.ProcessState.Sys().(syscall.WaitStatus); s.Signaled() {
		code = -int(s.Signal())
	}
	// What the test says of itself is no part of it.
	lines := slices.DeleteFunc(strings.Split(out.String(), "\n"), func(l string) bool {
		return l == "" || strings.HasPrefix(l, "=== ") || strings.HasPrefix(l, "PASS")
	})
	return strings.Join(lines, "\n"), errs.String(), code
}

// nameFile has an error name the file that a step's descriptor is of.
func nameFile(e *spec.Error, a *Attr) {
	if a == nil {
		return
	}
	for i, dir := range a.CgroupV1 {
		if e.Step == "write" && e.Field == spec.Index("Attr.CgroupV1", i) {
			e.Object = dir + "/cgroup.procs"
		}
	}
	for i, n := range a.Join {
		if e.Step != "setns" || e.Field != spec.Index("Attr.Join", i) {
			continue
		}
		for _, k := range spec.NamespaceKinds {
			switch {
			case e.Object != listing.CloneFlags(uint64(k.Kind)):
			case n.Path != "":
				e.Object = n.Path
			case n.File != nil:
				e.Object = n.File.Name()
			case n.PID != 0:
				e.Object = fmt.Sprintf("/proc/%d/ns/%s", n.PID, k.File)
			}
		}
	}
}

// become is the other side: it prints the exit code and the text that are
// wanted, or that there is no such step, and becomes the program.
func become(c *Cmd) {
	step, _ := strconv.Atoi(os.Getenv(stepVar))
	c.inspect = func(p, _ *program.Program) {
		switch {
		case step < 0:
			return
		case step >= p.Len():
			fmt.Print("no such step")
		case p.Steps[step].Call.IsOperation() || p.Steps[step].Quiet || !mustPass(p.Steps, 0, step):
			fmt.Print("may not matter")
		default:
			call := p.Steps[step].Call
			e := &spec.Error{Path: c.Path, InPlace: true, Step: call.String(), Field: p.Steps[step].Field, Object: listing.Object(p, step)}
			nameFile(e, c.Attr)
			code := 125
			if call == program.Execve || call == program.Execveat {
				code = 126
			}
			fmt.Printf("%d %s: %v", code, e.Error(), syscall.EBADF)
			p.Fault = &program.Fault{Step: step}
		}
	}
	run := func() {
		fmt.Fprintln(os.Stderr, "not executed:", c.Exec())
		os.Exit(1)
	}
	if step%2 == 0 { // on this thread if it can be, without an image
		onMainThread <- run
		stay()
	}
	run()
}

func inside(t *testing.T) bool { return os.Getenv(insideVar) == t.Name() }

// Every step of every case that an Exec can do is made to fail. Each time the
// process says so, in the words of a StartError.
func TestExecFaults(t *testing.T) {
	adoptOrphans(t)
	for _, s := range drawn(t, startCases()) {
		switch s.name {
		case "terminal": // which ends with the process that holds its other end
			continue
		case "ptrace": // by the test, which does not trace
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			c := s.cmd(t)
			if inside(t) {
				become(c)
			}
			everyExecFault(t, c)
		})
	}
}

func everyExecFault(t *testing.T, c *Cmd) {
	if _, err := c.ExecPlan(); err != nil {
		if !strings.HasPrefix(err.Error(), "sprog: exec /bin/true: ") {
			t.Errorf("refused with: %v", err)
		}
		return
	}
	if out, errs, code := becoming(t, -1); out+errs != "" || code != 0 {
		t.Fatalf("without a fault: status %d, %s%s", code, out, errs)
	}
	every := 1
	if testing.Short() {
		every = 3
	}
	for i := 0; ; i += every {
		want, errs, code := becoming(t, i)
		switch want {
		case "may not matter":
			continue
		case "no such step":
			return
		}
		got := fmt.Sprintf("%d %s", code, strings.TrimSuffix(errs, "\n"))
		if hint, ok := strings.CutPrefix(got, want); !ok || hint != "" && !strings.HasPrefix(hint, " (") {
			t.Errorf("step %d fails: %q; want %q", i, got, want)
		}
	}
}

// killOrphansOf kills what a process of the test's has left: it had no end at which it could.
func killOrphansOf(t *testing.T) {
	for pid := range ownChildren() {
		environ, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if strings.Contains(string(environ), insideVar+"="+t.Name()) {
			syscall.Kill(pid, syscall.SIGKILL)
			syscall.Wait4(pid, nil, 0, nil)
		}
	}
}

// What an Exec says of a failure is what a Start says.
func TestExecFailures(t *testing.T) {
	dir := brokenPrograms(t)
	writeProgram(t, dir+"/text", []byte("no program\n"))
	if err := os.WriteFile(dir+"/data", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := missingThings(dir)
	add := func(name string, code int, c *Cmd) {
		cases = append(cases, missingThing{what: name, name: strconv.Itoa(code), cmd: func() *Cmd { return c }})
	}
	add("no program", 126, &Cmd{Path: dir + "/text"})
	add("not executable", 126, &Cmd{Path: dir + "/data"})
	add("below a file", 127, &Cmd{Path: dir + "/data/program"})
	add("dir is a file", 125, &Cmd{Path: "/bin/true", Dir: dir + "/data"})
	add("odd name", 127, &Cmd{Path: "/no\nsuch\x01program"})
	add("too many files", 125, &Cmd{Path: "/bin/true", ExtraFiles: []*os.File{os.Stdin}, Attr: &Attr{
		Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 1 << 40}}}})
	add("process group", 125, &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pgid: 1}})
	codes := map[string]int{"directory": 125, "root": 125, "program": 127, "script interpreter": 126, "dynamic loader": 126}
	for _, m := range cases {
		t.Run(m.what, func(t *testing.T) {
			if strings.Contains(m.what, "root") {
				requires(t, asRoot)
			}
			c := m.cmd()
			if inside(t) {
				execLikeStart(c)
			}
			code, ok := codes[m.what]
			if !ok {
				code, _ = strconv.Atoi(m.name)
			}
			want, got, gotCode := becoming(t, -1)
			if got != want+"\n" || gotCode != code {
				t.Errorf("exec: status %d, %q; want %d, %q", gotCode, got, code, want)
			}
		})
	}
}

// execLikeStart prints what a Start says, in the words of an Exec.
func execLikeStart(c *Cmd) {
	err := again(c).Start()
	fmt.Print(strings.Replace(fmt.Sprint(err), "sprog: start", "sprog: exec", 1))
	become(c)
}

var (
	// becomes: Exec of the helper "itself" with some attributes.
	_ = helper("becomes", func(args []string) int {
		fmt.Println(os.Getpid(), os.Getppid())
		for range 20 { // the runtime makes threads
			go func() { time.Sleep(time.Second); unix.Getpid() }()
		}
		null, err := os.Open("/dev/null")
		if err != nil {
			return 2
		}
		unix.FcntlInt(null.Fd(), unix.F_SETFD, 0) // somebody forgot O_CLOEXEC
		c := helperCommand("itself", args...)
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
		c.ExtraFiles = []*os.File{nil, nil, null}
		c.Dir = "/"
		c.Attr = &Attr{NoNewPrivs: true, Umask: new(uint32(0o27)), Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}}}
		fmt.Fprintln(os.Stderr, c.Exec())
		return 1
	})

	// itself: print what it is.
	_ = helper("itself", func(args []string) int {
		fmt.Println(os.Getpid(), os.Getppid())
		status, _ := os.ReadFile("/proc/self/status")
		for _, line := range strings.Split(string(status), "\n") {
			for _, name := range args {
				if value, ok := strings.CutPrefix(line, name+":"); ok {
					fmt.Println(name, strings.TrimSpace(value))
				}
			}
		}
		dir, _ := os.Getwd()
		var core unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_CORE, &core)
		fmt.Println(dir, core.Max)
		os.WriteFile("/dev/stderr", []byte{}, 0)
		return helpers["fds"](nil)
	})
)

// The process stays the one it was, and is the program with the attributes.
func TestExecStaysOneProcess(t *testing.T) {
	c := helperCommand("becomes", "Umask", "NoNewPrivs", "SigBlk")
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 2 || lines[0] != lines[1] || lines[0] != fmt.Sprint(c.ProcessState.Pid(), " ", os.Getpid()) {
		t.Fatalf("pid and parent: %q", lines)
	}
	var fds []string
	for _, line := range lines[6:] {
		fds = append(fds, strings.Fields(line)[0])
	}
	got := strings.Join(lines[2:6], "; ") + "; " + strings.Join(fds, " ")
	if want := "Umask 0027; SigBlk 0000000000000000; NoNewPrivs 1; / 0; 0 1 2 5"; got != want {
		t.Errorf("the program is: %s; want %s", got, want)
	}
}

// What only a child can have is refused, and the process goes on.
func TestExecRefusesInPlace(t *testing.T) {
	fd := -1
	waits := &Cmd{Path: "/bin/true", WaitDelay: 1}
	piped := &Cmd{Path: "/bin/true"}
	if _, err := piped.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	defer piped.pipes.closeChildEnds()
	defer piped.pipes.closeParentEnds()
	twoLines := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: 1, HostID: 1, Size: 1}}
	for want, c := range map[string]*Cmd{
		"(CommandContext): needs this process to go on":                        CommandContext(t.Context(), "/bin/true"),
		"(WaitDelay): needs this process to go on":                             waits,
		"(StdinPipe): or a pipe of its kin":                                    piped,
		"(Stdout): must be a file or nil":                                      {Path: "/bin/true", Stdout: new(bytes.Buffer)},
		"(SysProcAttr.PidFD): needs this process to go on":                     {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{PidFD: &fd}},
		"(Attr.Init): is a process above the program":                          {Path: "/bin/true", Attr: &Attr{Init: &Init{}}},
		"CLONE_NEWPID (SysProcAttr.Cloneflags): is for children":               {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}},
		"\"0 0 1\\n1 1 1\" (SysProcAttr.UidMappings): needs a process outside": {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: twoLines}},
		"(SysProcAttr.GidMappingsEnableSetgroups): needs a process outside of": {Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWUSER, GidMappings: twoLines[:1], GidMappingsEnableSetgroups: true}},
	} {
		err := c.Exec()
		var e *StartError
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), "sprog: exec /bin/true: "+want) {
			t.Errorf("Exec = %v; want sprog: exec /bin/true: %s", err, want)
		}
		if err := c.Exec(); err == nil || err.Error() != "sprog: already started" {
			t.Errorf("a second Exec = %v", err)
		}
	}
}

// An Exec that cannot begin leaves the flags of descriptors as they were.
func TestExecThatCannotBegin(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	file := tempFile(t)
	c := &Cmd{Path: "/bin/true", Args: []string{"true", strings.Repeat("x", 64)}, Stdin: file}
	c.Env = slices.Repeat([]string{strings.Repeat("y", 128<<10)}, 64)
	c.Stdin = file
	limit := unix.Rlimit{Cur: 1 << 20, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil { // the image has no room
		t.Fatal(err)
	}
	err := c.Exec()
	if err == nil || !strings.HasPrefix(err.Error(), "sprog: exec /bin/true: execute the steps: ") {
		t.Errorf("Exec = %v; want it to say that it could not execute the steps", err)
	}
	if flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
		t.Errorf("flags %d, %v; want the file close-on-exec", flags, err)
	}
}

// The plan of an Exec: namespaces by unshare, maps by the process itself, the
// cgroup by its file, and the standard error kept above the program's files.
func TestExecPlan(t *testing.T) {
	startedPlainly(t)
	a := fileAt(t, 100)
	for name, prepare := range map[string]func(*Cmd){
		"plain": func(c *Cmd) { c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr },
		"much": func(c *Cmd) {
			c.ExtraFiles, c.Dir = []*os.File{nil, a}, "/srv"
			c.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNET, Unshareflags: unix.CLONE_NEWNS,
				UidMappings: toRoot, GidMappings: toRoot, UseCgroupFD: true, CgroupFD: 101, Chroot: "/srv",
			}
			c.Attr = &Attr{NoNewPrivs: true}
		},
	} {
		p, err := planned(prepare).ExecPlan()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "exec/"+name+".golden", p.String())
	}
}

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
