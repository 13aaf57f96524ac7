//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

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

// timedSteps lists a program.
func timedSteps(p *program.Program) string {
	var b strings.Builder
	for i := range p.Steps {
		mark := "      "
		if p.Steps[i].Timed {
			mark = "timed "
		}
		b.WriteString(mark + launch.StepName(i) + " " + p.Format(i, launch.StepName) + "\n")
	}
	return b.String()
}
