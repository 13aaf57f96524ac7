//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/launch"
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
			case e.Object != program.CloneFlags(uint64(k.Kind)):
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
			e := &spec.Error{Path: c.Path, InPlace: true}
			launch.StepFailed(e, p, step)
			nameFile(e, c.Attr)
			code := 125
			if call := p.Steps[step].Call; call == program.Execve || call == program.Execveat {
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
