//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"encoding/json"
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
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/klog"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// kernelLogs is a kernel's log that can be read, in the PID namespace that it
// speaks of.
var kernelLogs = &requirement{
	what: "the kernel's log",
	works: func() error {
		if !klog.InInitialPIDNamespace() {
			return errors.New("another PID namespace")
		}
		for range klog.Records {
			return nil
		}
		return errors.New("cannot be read, or is empty")
	},
}

// shell is a command of /bin/sh.
func shell(script string, attr *Attr) *Cmd {
	c := Command("/bin/sh", "-c", script)
	c.Attr = attr
	return c
}

// inPIDNamespace is a shell command below an init that is PID 1.
func inPIDNamespace(script string) *Cmd {
	c := shell(script, &Attr{Init: &Init{}})
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	return c
}

func TestResultCause(t *testing.T) {
	killSync := &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"sync"}, Action: SeccompKillProcess}}}
	cpuLimit := func(soft, hard uint64) *Attr {
		return &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CPU, Cur: soft, Max: hard}}}
	}
	const spin = "while :; do :; done"
	for _, test := range []struct {
		name  string
		needs []*requirement
		cmd   *Cmd
		want  string // cause, how it has ended, and what is known of the cause
	}{
		{"success", nil, shell("exit 0", nil), "program exit 0"},
		{"code", nil, shell("exit 42", nil), "program exit 42"},
		{"signal", nil, shell("kill -TERM $$", nil), "program SIGTERM"},
		{"SYS without a filter", nil, shell("kill -SYS $$", nil), "program SIGSYS"},
		{"XCPU without a limit", nil, shell("kill -XCPU $$", nil), "program SIGXCPU"},
		{"XCPU long before the limit", nil, shell("kill -XCPU $$", cpuLimit(600, 600)), "program SIGXCPU"},
		{"KILL from elsewhere", nil, shell("kill -KILL $$", nil), "program SIGKILL"},
		{"code below PID 1", []*requirement{asRoot}, inPIDNamespace("exit 139"), "program exit 139"},
		{"signal below PID 1", []*requirement{asRoot}, inPIDNamespace("kill -SEGV $$"), "program SIGSEGV"},
		{"KILL below PID 1", []*requirement{asRoot}, inPIDNamespace("kill -KILL $$"), "program SIGKILL"},
		{"KILL below an init", nil, shell("kill -KILL $$", &Attr{Init: &Init{}}), "program SIGKILL"},
		{"limit on CPU time", nil, shell(spin, cpuLimit(1, 3)), "cpu time SIGXCPU"},
		{"hard limit on CPU time", nil, shell(spin, cpuLimit(1, 1)), "cpu time SIGKILL"},
		{"system call", []*requirement{kernelLogs}, &Cmd{Path: "/bin/sync", Attr: &Attr{NoNewPrivs: true, Seccomp: killSync}}, "system call SIGSYS sync"},
		{"system call below an init", []*requirement{kernelLogs}, shell("sleep 0.1; exec sync", &Attr{NoNewPrivs: true, Seccomp: killSync, Init: &Init{}}), "system call SIGSYS sync"},
		{"not started", nil, Command("/nope/nope"), "start not started: sprog: start /nope/nope: execve: no such file or directory (/nope does not exist)"},
		{"nothing to start", nil, &Cmd{}, "start not started: sprog: no command"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, test.needs...)
			var got string
			logged := false
			for range 20 { // the kernel writes no more than ten lines in five seconds
				c := *test.cmd
				c.Run()
				if got = resultText(c.Result()); got == test.want || test.needs == nil {
					break
				}
				logged = logged || logsKillOf(c.job.ProgramPID())
				time.Sleep(time.Second)
			}
			if call, ok := strings.CutSuffix(test.want, " sync"); ok && !logged && got == call {
				return // other work on the machine has had all of those lines
			}
			if got != test.want {
				t.Errorf("the result is %q; want %q", got, test.want)
			}
		})
	}
}

// logsKillOf reports whether dmesg(1) shows that a filter has killed a process.
func logsKillOf(pid int) bool {
	out, err := exec.Command("dmesg").Output()
	return err != nil || strings.Contains(string(out), fmt.Sprintf(" pid=%d comm=", pid))
}

func resultText(r *Result) string {
	how := fmt.Sprintf("exit %d", r.ExitCode)
	switch {
	case r.Cause == CauseStart:
		how = "not started: " + r.Err.Error()
	case r.Signal != 0:
		how = unix.SignalName(r.Signal)
	}
	return strings.TrimRight(fmt.Sprint(r.Cause, " ", how, " ", r.Syscall+r.OOMCgroup), " ")
}

// The OOM killer's deed is told with the cgroup whose limit it kept, v1 too.
func TestResultOutOfMemory(t *testing.T) {
	requires(t, kernelLogs, asRoot)
	if !exists("/sys/fs/cgroup/memory/memory.limit_in_bytes") {
		t.Skip("needs the memory controller of cgroup v1")
	}
	dir := testCgroupV1(t, "memory")
	if err := os.WriteFile(dir+"/memory.limit_in_bytes", []byte("16M"), 0); err != nil {
		t.Fatal(err)
	}
	for _, attr := range []*Attr{{CgroupV1: []string{dir}}, {CgroupV1: []string{dir}, Init: &Init{}}} {
		c := Command("/usr/bin/tail", "/dev/zero")
		c.Attr = attr
		c.Run()
		r := c.Result()
		if want := "out of memory SIGKILL /" + filepath.Base(dir); resultText(r) != want {
			t.Errorf("the result is %q; want %q", resultText(r), want)
		}
	}
}

func TestCgroupResult(t *testing.T) {
	for _, test := range []struct {
		name, controller string
		cgroup           Cgroup
		script           string
		want             Cause
	}{
		{"memory", "memory", Cgroup{MemoryMax: 24 << 20}, "exec tail /dev/zero", CauseMemory},
		{"memory of a child", "memory", Cgroup{MemoryMax: 24 << 20}, "tail /dev/zero; exit 1", CauseMemory},
		{"pids", "pids", Cgroup{PidsMax: 3}, "for i in 1 2 3 4 5; do sleep 0.1 & done; wait; exit 1", CausePids},
		{"neither", "memory", Cgroup{MemoryMax: 24 << 20}, "exit 1", CauseProgram},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, controller(test.controller))
			c := inCgroupOf(t, &test.cgroup, test.script)
			c.Run()
			r := c.Result()
			if r.Cause != test.want || r.CgroupPath == "" || r.Cause == CauseMemory && r.OOMCgroup != r.CgroupPath {
				t.Errorf("Result() = %v, of %q (in %q); want %v", r.Cause, r.OOMCgroup, r.CgroupPath, test.want)
			}
		})
	}
}

// An init tells the program's end although the program may write no file.
func TestResultUnderFileSizeLimit(t *testing.T) {
	requires(t, userNamespaces)
	c := shell("ulimit -f; kill -SEGV $$", &Attr{Init: &Init{}, Rlimits: []Rlimit{{Resource: unix.RLIMIT_FSIZE}}})
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID}
	out, _ := c.Output()
	if r := c.Result(); string(out) != "0\n" || r.Signal != unix.SIGSEGV {
		t.Errorf("the limit is %q, the end %q; want 0, program SIGSEGV", out, resultText(r))
	}
}

// What was used is what the program says of itself, as near as it can know.
func TestResultUsage(t *testing.T) {
	requires(t, tool("perl"))
	c := Command("perl", "-e", `my $x = "x" x (96 << 20); my $t = times; while (1) { my ($u, $s) = times; last if $u + $s > 0.2 } exit 0`)
	c.Attr = &Attr{Init: &Init{}} // this process may be larger
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	r := c.Result()
	if r.User+r.System < 200*time.Millisecond || r.Wall < r.User+r.System {
		t.Errorf("%v of CPU time and %v in all; want at least 200ms", r.User+r.System, r.Wall)
	}
	if r.MaxRSS < 96<<20 || r.MaxRSS > 200<<20 || r.MaxRSSBound || r.MinorFaults < 1000 {
		t.Errorf("MaxRSS %d (bound: %v), %d faults; want at least 96 MiB, more than 1000", r.MaxRSS, r.MaxRSSBound, r.MinorFaults)
	}
	if r.Start.After(time.Now()) || r.PID != c.Process.Pid {
		t.Errorf("start %v, PID %d; want %d", r.Start, r.PID, c.Process.Pid)
	}
}

// A small program's own memory cannot be told from what it shared with this
// process before, which the result says.
func TestResultBound(t *testing.T) {
	c := Command("/bin/true")
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	if r := c.Result(); !r.MaxRSSBound {
		t.Errorf("MaxRSS = %d of /bin/true; want it to be only a bound", r.MaxRSS)
	}
	below := Command("/bin/true")
	below.Attr = &Attr{Init: &Init{}}
	if err := below.Run(); err != nil {
		t.Fatal(err)
	}
	if r := below.Result(); r.MaxRSSBound || r.MaxRSS < 100<<10 || r.MaxRSS > 8<<20 {
		t.Errorf("MaxRSS = %d of /bin/true below an init (bound: %v); want what it has used", r.MaxRSS, r.MaxRSSBound)
	}
}

func TestResultProtections(t *testing.T) {
	requires(t, asRoot)
	c := Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: "/", Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNET}
	c.Attr = &Attr{NoNewPrivs: true, ReportNamespaces: PIDNamespace, Seccomp: &Seccomp{Default: SeccompAllow},
		Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE}}}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	r := c.Result()
	want := []string{"net namespace", "pid namespace", "chroot /", "no_new_privs", "resource limits", "seccomp"}
	if !slices.Equal(r.Protections, want) {
		t.Errorf("Protections = %q; want %q", r.Protections, want)
	}
	if len(r.Namespaces) != 1 || r.Namespaces[0].Kind != PIDNamespace {
		t.Errorf("Namespaces = %v; want that of the PIDs", r.Namespaces)
	}
}

// The JSON says what the value does, in plain types.
func TestResultJSON(t *testing.T) {
	c := Command("/bin/sh", "-c", `printf 'a&b'; printf '\377' >&2; kill -9 $$`)
	c.Stdout, c.Stderr = &Capture{Head: 2, Tail: 0}, &Capture{}
	c.Ending = &Ending{Timeout: never}
	c.Run()
	b, err := json.Marshal(c.Result())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Cause, Signal  string
		ExitCode       *int `json:"exit_code"`
		Start          time.Time
		Usage          map[string]any
		Stdout, Stderr struct {
			Head, Tail string
			Lost       int64
			Raw        []byte `json:"head_base64"`
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Cause != "program" || got.Signal != "SIGKILL" || got.ExitCode != nil || !got.Start.Equal(c.Result().Start) {
		t.Errorf("%s: want a program that died of SIGKILL", b)
	}
	if got.Stdout.Head != "a&" || got.Stdout.Lost != 1 || string(got.Stderr.Raw) != "\377" {
		t.Errorf("%s: want a&, one byte lost, and a byte that is no text", b)
	}
	if wall, ok := got.Usage["wall"].(float64); !ok || wall != c.Result().Wall.Seconds() {
		t.Errorf("usage %v; want the time in seconds, %v", got.Usage, c.Result().Wall.Seconds())
	}
	failed := Command("/nope")
	failed.Dir = "/nope"
	failed.Run()
	b, _ = json.Marshal(failed.Result())
	for _, want := range []string{`"cause":"start"`, `"step":"chdir"`, `"object":"/nope"`, `"field":"Dir"`, `"errno":"ENOENT"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: want %s", b, want)
		}
	}
}

// A terminal that a result is printed to obeys nothing in it.
func TestResultIsHarmless(t *testing.T) {
	const text = "a\x1b[1m\u009b2J\u202eb\x7f\u2069é\U0001f600"
	b, err := json.Marshal(&Result{Args: []string{text}})
	if err != nil {
		t.Fatal(err)
	}
	if i := bytes.IndexFunc(b, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s has %q", b, b[i:])
	}
	var back struct{ Args []string }
	if err := json.Unmarshal(b, &back); err != nil || len(back.Args) != 1 || back.Args[0] != text {
		t.Errorf("%s is read as %q, %v; want %q", b, back.Args, err, text)
	}
}

// log-lies TEXT: have the kernel log a text, in a line of its own, and die.
var _ = helper("log-lies", func(args []string) int {
	text := strings.ReplaceAll(args[0], "PID", fmt.Sprint(os.Getpid()))
	syscall.Mount("none", "/", "tmpfs", 0, "x\n"+text+"\n")
	if f, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		f.WriteString(text)
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
})

// What a program can have the kernel log is not believed.
func TestResultOfLies(t *testing.T) {
	requires(t, kernelLogs, userNamespaces)
	for _, lie := range []string{
		"Out of memory: Killed process PID (x)",
		"Memory cgroup out of memory: Killed process PID (x)",
		"oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/x,task_memcg=/x,task=x,pid=PID,uid=0",
	} {
		c := helperCommand("log-lies", lie)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: oneID(0, os.Getuid()), GidMappings: oneID(0, os.Getgid())}
		c.Run()
		if got := resultText(c.Result()); got != "program SIGKILL" {
			t.Errorf("after the log says %q the result is %q; want program SIGKILL", lie, got)
		}
	}
}

// Every start can be traced: it succeeds as it does otherwise, and its trace
// has the steps of its programs that a plan has.
func TestTracedStarts(t *testing.T) {
	for _, s := range startCases() {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			c := s.cmd(t)
			var want []callToTrace
			c.Trace = new(Trace)
			c.inspect = func(first, second *program.Program) { want = callsToTrace(first, second) }
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			end(t, c)
			checkTimes(t, c.Trace)
			var got, by []string
			for _, s := range c.Trace.Steps {
				if s.Err != nil || s.Text == "" || s.Runs < 1 {
					t.Errorf("step %+v", s)
				}
				if s.By == launch.ByParent {
					continue
				}
				got = append(got, s.Call+" "+s.Field)
				by = append(by, s.By)
			}
			if !wereRun(got, want) {
				t.Errorf("the trace has\n\t%s\nwant\n\t%v", strings.Join(got, "\n\t"), want)
			}
			processes := []string{"child"}
			if c.Attr != nil && c.Attr.Init != nil {
				processes = []string{"child", "init", "program"}
			}
			if by = slices.Compact(by); !slices.Equal(by, processes) {
				t.Errorf("the steps are run by %q; want %q", by, processes)
			}
		})
	}
}

// wereRun reports whether calls are those of a list, without some that may be
// passed by. Two ways through a program may have the same calls.
func wereRun(calls []string, list []callToTrace) bool {
	// After each of the list, which numbers of calls can have been made.
	made := make([]bool, len(calls)+1)
	made[0] = true
	for _, c := range list {
		next := make([]bool, len(made))
		for n, is := range made {
			if !is {
				continue
			}
			next[n] = next[n] || !c.must
			if n < len(calls) && calls[n] == c.call {
				next[n+1] = true
			}
		}
		made = next
	}
	return made[len(calls)]
}

// A callToTrace is a system call that must come by before the program is
// executed, or may.
type callToTrace struct {
	call string
	must bool
}

// callsToTrace are those of a start.
func callsToTrace(programs ...*program.Program) (list []callToTrace) {
	for _, p := range programs {
		if p == nil {
			continue
		}
		for i := 0; i < p.Len(); i++ {
			s := &p.Steps[i]
			if !s.Quiet && !s.Call.IsOperation() && s.Call != program.ExitGroup {
				list = append(list, callToTrace{s.Call.String() + " " + s.Field, mustPass(p.Steps, 0, i)})
			}
			if s.Call == program.Clone && !s.Sibling { // the init goes on when the start is over
				i += int(p.Steps[i+1].Args[2].Value)
			}
		}
	}
	return list
}

// checkTimes looks whether the child's steps follow each other, and the parent's,
// as viewers of events want it, and all are within the launch.
func checkTimes(t *testing.T, trace *Trace) {
	t.Helper()
	if trace.Duration <= 0 || trace.Begin.IsZero() {
		t.Errorf("the trace begins at %v and takes %v", trace.Begin, trace.Duration)
	}
	last := map[bool]time.Duration{}
	for i, s := range trace.Steps {
		child := s.By != launch.ByParent
		if s.Start < last[child] || s.Duration < 0 || s.Start < 0 || s.end() > trace.Duration {
			t.Errorf("step %d of %v: from %v for %v, after %v\n%v", i+1, trace.Duration, s.Start, s.Duration, last[child], trace)
		}
		last[child] = s.end()
	}
}

// checkFailedTrace looks whether the trace of a start that has failed says so.
func checkFailedTrace(t *testing.T, trace *Trace, e *StartError) {
	t.Helper()
	checkTimes(t, trace)
	var failed []TraceStep
	for _, s := range trace.Steps {
		if s.Err != nil {
			failed = append(failed, s)
		}
	}
	name := e.Step
	if name == "second stage" {
		name = launch.CallWait
	}
	if len(failed) != 1 || failed[0].Call != name || !errors.Is(e.Err, failed[0].Err) || failed[0].Field != e.Field {
		t.Errorf("the steps that failed are %+v; want %s of %s with %v", failed, e.Step, e.Field, e.Err)
	}
}

func TestTraceOfFailedStarts(t *testing.T) {
	for _, test := range []struct {
		cmd  *Cmd
		call string
		want error
	}{
		{&Cmd{Path: "/bin/true", Dir: "/no/such"}, "chdir", unix.ENOENT},
		{&Cmd{Path: "/no/such"}, "execve", unix.ENOENT},
		{&Cmd{Path: "/bin/true", Attr: &Attr{Init: new(Init)}, Dir: "/no/such"}, "chdir", unix.ENOENT},
		{&Cmd{Path: "/no/such", Attr: &Attr{Init: new(Init)}}, "execve", unix.ENOENT},
		{&Cmd{Path: "/bin/true", Attr: &Attr{Rlimits: []Rlimit{{Resource: 99}}}}, "validate", unix.EINVAL},
		{&Cmd{}, "prepare", nil},
	} {
		test.cmd.Trace = &Trace{Path: "old", Steps: make([]TraceStep, 1)}
		err := test.cmd.Start()
		trace := test.cmd.Trace
		i := slices.IndexFunc(trace.Steps, func(s TraceStep) bool { return s.Err != nil })
		if i < 0 || trace.Steps[i].Call != test.call || !errors.Is(err, trace.Steps[i].Err) || trace.Path != test.cmd.Path {
			t.Errorf("%v: trace of %q\n%v\nwant an error at %s", err, trace.Path, trace, test.call)
		}
		if test.want != nil && !errors.Is(trace.Steps[max(i, 0)].Err, test.want) {
			t.Errorf("%v: the trace has %v; want %v", err, trace.Steps[max(i, 0)].Err, test.want)
		}
	}
}

// A program that is open for writing is tried again, and the trace tells.
func TestTraceOfAttempts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/true\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	c, compiled := &Cmd{Path: path, Trace: new(Trace)}, 0
	c.inspect = func(_, _ *program.Program) {
		if compiled++; compiled == 3 {
			writer.Close()
		}
	}
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	var attempts []string
	for _, s := range c.Trace.Steps {
		if s.Call == "attempt" {
			attempts = append(attempts, s.Text)
		}
	}
	want := "an attempt that ended with " + unix.ETXTBSY.Error()
	if !slices.Equal(attempts, []string{want, want}) {
		t.Errorf("%d programs, and the trace\n%v\nwant two attempts", compiled, c.Trace)
	}
	checkTimes(t, c.Trace)
}

// The clock is not read under a filter that may have something against it, and
// is under one that has not.
func TestTraceUnderFilters(t *testing.T) {
	rule := func(call string, action SeccompAction) *Seccomp {
		return &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{call}, Action: action}}}
	}
	for _, test := range []struct {
		name   string
		filter *Seccomp
		joined int
	}{
		{"about another call", rule("ptrace", SeccompKillProcess), 0},
		{"that kills", rule("clock_gettime", SeccompKillProcess), 1},
		{"that logs", rule("clock_gettime", SeccompLog), 1},
		{"of raw code", &Seccomp{Programs: [][]byte{allowing(1), allowing(2)}}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, in := range []*Init{nil, {}} {
				c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Seccomp: test.filter, Init: in}, Trace: new(Trace)}
				if err := c.Run(); err != nil {
					t.Fatal(err)
				}
				joined := 0
				for _, s := range c.Trace.Steps {
					if s.Joined {
						joined++
					}
				}
				if joined != test.joined {
					t.Errorf("%d steps are joined; want %d\n%v", joined, test.joined, c.Trace)
				}
				checkTimes(t, c.Trace)
			}
		})
	}
}

// A start that enters another time has times of this one.
func TestTraceOfAnotherTime(t *testing.T) {
	requires(t, asRoot, enteringTime)
	for _, offset := range []time.Duration{1e6 * time.Second, -10 * time.Second} {
		c := &Cmd{Path: "/bin/true", Trace: new(Trace), Attr: &Attr{TimeOffsets: &TimeOffsets{Monotonic: offset}}}
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWTIME}
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		checkTimes(t, c.Trace)
		if s := c.Trace.Steps; s[len(s)-1].Joined {
			t.Errorf("the trace is\n%v", c.Trace)
		}
	}
}

// TestPlansTraced compares the programs of traced starts with
// testdata/plans/traced-NAME.txt: all their steps, those that are timed marked.
func TestPlansTraced(t *testing.T) {
	startedPlainly(t)
	for _, test := range []planCase{
		{"plain", nil},
		{"maps", with(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot})},
		{"init", by(&Attr{Init: &Init{}})},
		{"filter", by(&Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: &Seccomp{Programs: [][]byte{allowing(1), allowing(1)}}})},
		{"listener", by(&Attr{NoNewPrivs: true, Seccomp: &Seccomp{
			Default: SeccompAllow, Archs: []string{"x86_64", "aarch64"}, Rules: []SeccompRule{{Names: []string{"mount"}, Action: SeccompNotify}}}})},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := planned(test.prepare)
			c.Trace = new(Trace)
			var r spec.Start
			if err := c.translate(&r, spec.FD); err != nil {
				t.Fatal(err)
			}
			var text string
			_, err := launch.Plan(&r, launch.Options{Tracer: launch.NewTracer(c.mayChangeClocks()), Inspect: func(first, second *program.Program) {
				text = timedSteps(first)
				if second != nil {
					text += "\n" + timedSteps(second)
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "plans/traced-"+test.name+".txt", text)
		})
	}
}

func stepName(step int) string { return "$" + strconv.Itoa(step+1) }

// timedSteps lists a program.
func timedSteps(p *program.Program) string {
	var b strings.Builder
	for i := range p.Steps {
		mark := "      "
		if p.Steps[i].Timed {
			mark = "timed "
		}
		b.WriteString(mark + stepName(i) + " " + listing.Format(p, i, stepName) + "\n")
	}
	return b.String()
}
