//go:build linux && (amd64 || arm64)

package sprog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog"
)

// The umask and a limit are attributes; os/exec has a field for neither.
func ExampleAttr() {
	cmd := sprog.Command("sh", "-c", "umask; ulimit -n")
	cmd.Attr = &sprog.Attr{
		Umask:   new(uint32(0o077)),
		Rlimits: []sprog.Rlimit{{Resource: sprog.RlimitNofile, Cur: 64, Max: 64}},
	}
	out, err := cmd.Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// 0077
	// 64
	// <nil>
}

// Answers are words in texts and in JSON.
func ExampleAnswer() {
	for _, a := range []sprog.Answer{sprog.Yes, sprog.No, sprog.Unknown} {
		text, _ := json.Marshal(a)
		fmt.Println(a, string(text))
	}
	// Output:
	// yes "yes"
	// no "no"
	// unknown "unknown"
}

// What a start has made is told once it has succeeded.
func ExampleBirth() {
	cmd := sprog.Command("sleep", "60")
	cmd.Attr = &sprog.Attr{ReportNamespaces: sprog.NetworkNamespace}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	for _, ns := range cmd.Birth.Namespaces {
		own, _ := os.Readlink("/proc/self/ns/net")
		fmt.Println(ns.Kind, own == fmt.Sprintf("net:[%d]", ns.Ino))
	}
	cmd.Process.Kill()
	fmt.Println(cmd.Wait())
	// Output:
	// net true
	// signal: killed
}

// A program that writes for ever takes no more than the memory that it is given.
func ExampleCapture() {
	cmd := sprog.Command("sh", "-c", "seq 100000; echo last words")
	log := &sprog.Capture{Head: 8, Tail: 11}
	cmd.Stdout = log
	err := cmd.Run()
	head, tail, lost := log.Kept()
	fmt.Printf("%q %q, %d bytes between them, %v\n", head, tail, lost, err)
	// Output: "1\n2\n3\n4\n" "last words\n", 588887 bytes between them, <nil>
}

func ExampleCause() {
	cmd := sprog.Command("sleep", "60")
	cmd.Ending = &sprog.Ending{Timeout: 250 * time.Millisecond}
	cmd.Run()
	switch cmd.Cause() {
	case sprog.CauseTimeout:
		fmt.Println("it took too long:", cmd.Cause())
	case sprog.CauseProgram:
		fmt.Println("it has ended by itself")
	}
	// Output: it took too long: timeout
}

// Every field but Path may be left zero.
func ExampleCmd() {
	cmd := &sprog.Cmd{Path: "/bin/sh", Args: []string{"sh", "-c", "echo $0 in $PWD"}, Env: []string{}, Dir: "/"}
	out, err := cmd.Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// sh in /
	// <nil>
}

// The program is asked to end, and killed with all its descendants a second later.
func ExampleEnding() {
	cmd := sprog.Command("sleep", "60")
	cmd.Ending = &sprog.Ending{Timeout: 250 * time.Millisecond, Signal: syscall.SIGINT, Grace: time.Second}
	err := cmd.Run()
	fmt.Println(err)
	fmt.Println(errors.Is(err, sprog.ErrTimeout))
	// Output:
	// sprog: timeout after 250ms: signal: interrupt
	// true
}

// Error is os/exec's own type.
func ExampleError() {
	err := sprog.Command("no-such-program").Run()
	var lookup *sprog.Error
	if errors.As(err, &lookup) {
		fmt.Println(lookup.Name, errors.Is(err, sprog.ErrNotFound))
	}
	// Output: no-such-program true
}

// ExitError is os/exec's own type.
func ExampleExitError() {
	err := sprog.Command("sh", "-c", "kill -TERM $$").Run()
	var exit *sprog.ExitError
	if errors.As(err, &exit) {
		fmt.Println(exit.Sys().(syscall.WaitStatus).Signal())
	}
	// Output: terminated
}

// Features are what sprog doctor asks this machine for.
func ExampleFeature() {
	for _, f := range sprog.Features() {
		if f.Name == "user-namespaces" {
			fmt.Println(f.Group, f.Since)
		}
	}
	// Output: namespaces 3.8
}

// A package that wants an exec.Cmd prepares one, and sprog starts it.
func ExampleFromExec() {
	prepare := func(cmd *exec.Cmd) { cmd.Env = append(cmd.Environ(), "COLOR=red") }
	theirs := exec.Command("sh", "-c", "echo $COLOR; umask")
	prepare(theirs)
	cmd, err := sprog.FromExec(theirs)
	if err != nil {
		fmt.Println(err)
		return
	}
	cmd.Attr = &sprog.Attr{Umask: new(uint32(0o077))}
	out, err := cmd.Output()
	fmt.Printf("%s%v %v\n", out, err, theirs.ProcessState)
	// Output:
	// red
	// 0077
	// <nil> exit status 0
}

// Give the channel room: what finds none is dropped, and counted.
func ExampleEvent() {
	events := make(chan sprog.Event, 100)
	cmd := sprog.Command("sh", "-c", "exit 3")
	cmd.Events = events
	cmd.Run()
	for len(events) > 0 {
		e := <-events
		fmt.Println(e.Kind, e.ExitCode)
	}
	// Output:
	// born 0
	// executed 0
	// ended 3
}

func ExampleEventKind() {
	events := make(chan sprog.Event, 100)
	cmd := sprog.Command("sleep", "60")
	cmd.Events, cmd.Ending = events, &sprog.Ending{Timeout: 250 * time.Millisecond}
	cmd.Run()
	for len(events) > 0 {
		if e := <-events; e.Kind == sprog.EventLimit || e.Kind == sprog.EventSignalled {
			fmt.Println(e.Kind, e.Cause, e.Signal)
		}
	}
	// Output:
	// limit timeout signal 0
	// signalled none killed
}

func ExamplePlan() {
	cmd := sprog.Command("/bin/true")
	cmd.Attr = &sprog.Attr{NoNewPrivs: true}
	plan, err := cmd.Plan() // starts nothing
	if err != nil {
		fmt.Println(err)
		return
	}
	last := plan.Steps[len(plan.Steps)-1]
	fmt.Println(plan.Path, last.By, last.Call)
	// Output: /bin/true child execve
}

// A step names the field that asked for it.
func ExamplePlanStep() {
	cmd := sprog.Command("/bin/true")
	cmd.Dir, cmd.Attr = "/tmp", &sprog.Attr{NoNewPrivs: true}
	plan, err := cmd.Plan()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Steps {
		if step.Field == "Dir" || step.Field == "Attr.NoNewPrivs" {
			fmt.Printf("%s: %s\n", step.Field, step.Text)
		}
	}
	// Output:
	// Dir: chdir("/tmp")
	// Attr.NoNewPrivs: prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

// How far an end has reached says whether anything can be left.
func ExampleReach() {
	cmd := sprog.Command("sh", "-c", "setsid sleep 60 & wait")
	cmd.Attr = &sprog.Attr{Init: &sprog.Init{}} // which keeps all descendants below it
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	reach, err := cmd.KillTree()
	fmt.Println(reach, reach >= sprog.ReachDescendants, err)
	cmd.Wait()
	// Output: descendants true <nil>
}

func ExampleResult() {
	cmd := sprog.Command("sh", "-c", "exit 3")
	cmd.Run()
	r := cmd.Result()
	fmt.Println(r.Cause, r.ExitCode, r.Wall > 0, r.MaxRSS > 0)
	// Output: program 3 true true
}

// The result is a group in a structured log.
func ExampleResult_LogValue() {
	cmd := sprog.Command("sh", "-c", "kill -KILL $$")
	cmd.Run()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: some("msg", "cause", "signal")}))
	log.Info("ended", "job", cmd.Result())
	// Output: msg=ended job.cause=program job.signal=SIGKILL
}

// An error that slog gets is a group of its parts, and not only a text.
func ExampleStartError_LogValue() {
	cmd := sprog.Command("/bin/true")
	cmd.Dir = "/no/such/dir"
	err := cmd.Start()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: some("msg", "step", "object", "field", "errno")}))
	log.Error("cannot start", "error", err)
	// Output: msg="cannot start" error.step=chdir error.object=/no/such/dir error.field=Dir error.errno=ENOENT
}

// The trace is a group, too: how long it took, and what took longest.
func ExampleTrace_LogValue() {
	cmd := sprog.Command("/bin/true")
	cmd.Dir, cmd.Trace = "/no/such/dir", new(sprog.Trace)
	cmd.Run()
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: some("msg", "path", "error")}))
	log.Info("started", "trace", cmd.Trace)
	// Output: msg=started trace.path=/bin/true trace.failed.error="no such file or directory"
}

// some has a log leave out what is different each time.
func some(keys ...string) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		for _, key := range keys {
			if a.Key == key {
				return a
			}
		}
		return slog.Attr{}
	}
}

func ExampleRlimit() {
	limit, err := sprog.ParseRlimit("as=2G")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(limit.Cur, limit.Resource == sprog.RlimitAS)
	fmt.Println(sprog.Rlimit{Resource: sprog.RlimitNofile, Cur: 64, Max: 128})
	fmt.Println(sprog.Rlimit{Resource: sprog.RlimitCore, Max: sprog.RlimitInfinity})
	// Output:
	// 2147483648 true
	// nofile=64:128
	// core=0:unlimited
}

func ExampleRlimitResource() {
	cmd := sprog.Command("sh", "-c", "ulimit -t; ulimit -c")
	cmd.Attr = &sprog.Attr{Rlimits: []sprog.Rlimit{
		{Resource: sprog.RlimitCPU, Cur: 10, Max: 20},
		{Resource: sprog.RlimitCore}, // no core files
	}}
	out, err := cmd.Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// 10
	// 0
	// <nil>
}

// The error of a start is about one step. errors.Is and errors.As see what is in it;
// os.IsNotExist and its kin do not look into errors that are not package os's.
func ExampleStartError() {
	err := sprog.Command("/no/such/program").Run()
	var start *sprog.StartError
	fmt.Println(errors.As(err, &start), start.Step, start.Path)
	var path *fs.PathError
	fmt.Println(errors.As(err, &path), path.Path)
	fmt.Println("errors.Is:", errors.Is(err, fs.ErrNotExist), "os.IsNotExist:", os.IsNotExist(err))
	// Output:
	// true execve /no/such/program
	// true /no/such/program
	// errors.Is: true os.IsNotExist: false
}

// An answer of No has a reason.
func ExampleSupport() {
	s := sprog.Probe("no such feature")
	fmt.Println(s.Answer, s.Reason != "")
	// Output: unknown true
}

func ExampleTraceStep() {
	cmd := sprog.Command("/bin/true")
	cmd.Trace = new(sprog.Trace)
	if err := cmd.Run(); err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range cmd.Trace.Steps {
		if step.Call == "execve" {
			fmt.Println(step.By, step.Duration > 0, step.Runs)
		}
	}
	// Output: child true 1
}

func ExampleWindowSize() {
	cmd := sprog.Command("stty", "size")
	terminal, err := cmd.StartPTY(sprog.WindowSize{Rows: 24, Cols: 100})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer terminal.Close()
	line := make([]byte, 64)
	n, _ := terminal.Read(line)
	fmt.Println(strings.TrimSpace(string(line[:n])), cmd.Wait())
	// Output: 24 100 <nil>
}

// An init ends with the program, and leaves nothing behind.
func ExampleInit() {
	dir, err := os.MkdirTemp("", "sprog")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	cmd := sprog.Command("sh", "-c", "(setsid sleep 60; touch left) & exit 5")
	cmd.Dir = dir
	cmd.Attr = &sprog.Attr{Init: &sprog.Init{}} // which kills what the program leaves
	fmt.Println(cmd.Run())
	_, err = os.Stat(filepath.Join(dir, "left"))
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// exit status 5
	// true
}
