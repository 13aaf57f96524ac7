//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// soon is a time limit for what would never end.
const soon = 400 * time.Millisecond

// markedShell is a shell command whose descendants can be found afterwards.
func markedShell(t *testing.T, script string) (c *Cmd, left func() []string) {
	t.Helper()
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	c = Command("/bin/sh", "-c", script)
	c.Env = append(os.Environ(), markVar+"="+mark)
	left = func() (pids []string) {
		for range 50 { // to die takes a moment
			if pids = marked(t, mark); len(pids) == 0 {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		return pids
	}
	t.Cleanup(func() {
		for _, pid := range marked(t, mark) {
			exec.Command("kill", "-9", pid).Run()
		}
	})
	return c, left
}

func TestEnding(t *testing.T) {
	const hang = "while :; do sleep 1000 & wait; done"
	for _, test := range []struct {
		name   string
		script string
		ending Ending
		want   string // cause, how it has ended
	}{
		{"timeout", "sleep 1000", Ending{Timeout: soon}, "timeout signal: killed"},
		{"with children", "sleep 1000 & setsid sleep 1000 & sleep 1000", Ending{Timeout: soon, Grace: never}, "timeout signal: terminated"},
		{"code of its own", "trap 'exit 3' TERM; " + hang, Ending{Timeout: soon, Grace: never}, "timeout exit status 3"},
		{"success", "trap 'exit 0' TERM; " + hang, Ending{Timeout: soon, Grace: never}, "timeout exit status 0"},
		{"deaf", "trap '' TERM; " + hang, Ending{Timeout: soon, Grace: soon}, "timeout signal: killed"},
		{"other signal", "trap '' TERM; trap 'exit 5' USR1; " + hang, Ending{Timeout: soon, Signal: unix.SIGUSR1, Grace: never}, "timeout exit status 5"},
		{"stopped", "trap 'exit 6' TERM; kill -STOP $$; " + hang, Ending{Timeout: soon, Grace: never}, "timeout exit status 6"},
		{"CPU time", "(while :; do :; done) & while :; do :; done", Ending{CPUTime: 2 * soon}, "cpu time signal: killed"},
		{"CPU time and grace", "trap 'exit 7' TERM; while :; do :; done", Ending{CPUTime: soon, Grace: never}, "cpu time exit status 7"},
		{"CPU time of the dead", "while :; do sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done'; done", Ending{CPUTime: soon}, "cpu time signal: killed"},
		{"none", "exit 4", Ending{Timeout: never, CPUTime: never}, "program exit status 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, left := markedShell(t, test.script)
			c.Ending = &test.ending
			err := c.Run()
			r := c.Result()
			if got := fmt.Sprint(r.Cause, " ", c.ProcessState); got != test.want {
				t.Errorf("the command ended with %q; want %q", got, test.want)
			}
			checkEndError(t, err, r)
			if pids := left(); pids != nil && r.Cause != CauseProgram {
				t.Errorf("still there: %v", pids)
			}
		})
	}
}

// checkEndError compares the error of Wait with the result.
func checkEndError(t *testing.T, err error, r *Result) {
	t.Helper()
	var exit *ExitError
	if errors.As(err, &exit) != (r.ExitCode != 0) {
		t.Errorf("the error is %v; want an ExitError unless the program exits with 0", err)
	}
	if errors.Is(err, ErrTimeout) != (r.Cause == CauseTimeout) || errors.Is(err, ErrCPUTime) != (r.Cause == CauseCPUTime) {
		t.Errorf("the error is %v; want that of the cause, %v", err, r.Cause)
	}
	if r.Err != err {
		t.Errorf("Result().Err = %v; want %v", r.Err, err)
	}
}

// The CPU time that was used is at least the limit, and counts all processes.
func TestCPUTimeIsUsed(t *testing.T) {
	for _, test := range []struct {
		name  string
		needs []*requirement
		attr  *Attr
	}{
		{"plain", nil, nil},
		{"init", nil, &Attr{Init: &Init{}}},
		{"cgroup", []*requirement{ownCgroups}, &Attr{Cgroup: &Cgroup{}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, test.needs...)
			c, left := markedShell(t, "trap 'wait; exit 0' TERM; for i in 1 2 3; do (while :; do :; done) & done; wait")
			c.Attr, c.Ending = test.attr, &Ending{CPUTime: 2 * soon}
			c.Run()
			r := c.Result()
			used := r.User + r.System
			if r.Cgroup != nil {
				used = r.Cgroup.CPUUsage
			}
			if r.Cause != CauseCPUTime || test.attr != nil && used < 2*soon {
				t.Errorf("cause %v after %v of CPU time; want %v after %v", r.Cause, used, CauseCPUTime, 2*soon)
			}
			if pids := left(); pids != nil {
				t.Errorf("still there: %v", pids)
			}
		})
	}
}

// Nobody waits for those in a PID namespace that is killed; what they have used
// is known all the same.
func TestCPUTimeOfKilledNamespace(t *testing.T) {
	requires(t, userNamespaces)
	c := shell("(while :; do :; done)", &Attr{Init: &Init{}})
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID}
	c.Ending = &Ending{CPUTime: 2 * soon}
	c.Run()
	if r := c.Result(); r.Cause != CauseCPUTime || r.Reach != ReachNamespace || r.User+r.System < 2*soon {
		t.Errorf("cause %v, killed the %v, after %v of CPU time; want %v, %v, at least %v",
			r.Cause, r.Reach, r.User+r.System, CauseCPUTime, ReachNamespace, 2*soon)
	}
}

// The context ends a command as Ending says.
func TestContextAndEnding(t *testing.T) {
	for _, test := range []struct {
		name   string
		attr   *Attr
		ending *Ending
		want   string
		reach  Reach
	}{
		{"grace", nil, &Ending{Grace: never}, "canceled exit status 9", ReachChildren},
		{"kill", nil, &Ending{}, "canceled signal: killed", ReachChildren},
		{"init", &Attr{Init: &Init{}}, nil, "canceled signal: killed", ReachDescendants},
		{"init and grace", &Attr{Init: &Init{}}, &Ending{Grace: never}, "canceled exit status 9", ReachDescendants},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			shell, left := markedShell(t, "trap 'exit 9' TERM; (setsid sleep 1000 &); echo ready; while :; do sleep 1000 & wait; done")
			c := CommandContext(ctx, shell.Path, shell.Args[1:]...)
			c.Env, c.Attr, c.Ending = shell.Env, test.attr, test.ending
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			out.Read(make([]byte, 6))
			if c.Result() != nil {
				t.Error("there is a result of a command that runs")
			}
			cancel()
			c.Wait()
			r := c.Result()
			if got := fmt.Sprint(r.Cause, " ", c.ProcessState); got != test.want || r.Reach != test.reach {
				t.Errorf("the command ended with %q, reach %v; want %q, %v", got, r.Reach, test.want, test.reach)
			}
			pids := left()
			if test.attr == nil { // an orphan is out of reach
				pids = nil
			}
			if pids != nil {
				t.Errorf("still there: %v", pids)
			}
		})
	}
}

// A command that has ended in time is not ended once more, however late it is
// waited for.
func TestTimeoutAfterTheEnd(t *testing.T) {
	c := Command("/bin/sh", "-c", "exit 2")
	c.Ending = &Ending{Timeout: soon}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * soon)
	c.Wait()
	if r := c.Result(); r.Cause != CauseProgram || r.ExitCode != 2 {
		t.Errorf("Result() = %v, exit code %d; want %v, 2", r.Cause, r.ExitCode, CauseProgram)
	}
}

// An orphan that holds the output open does not hold up the caller for ever.
func TestTimeoutOfOutput(t *testing.T) {
	c, _ := markedShell(t, "setsid sleep 1000 & echo done")
	var out bytes.Buffer
	c.Stdout, c.Ending = &out, &Ending{Timeout: soon}
	if err := c.Run(); !errors.Is(err, ErrWaitDelay) {
		t.Errorf("Run() = %v; want %v", err, ErrWaitDelay)
	}
	if r := c.Result(); out.String() != "done\n" || r.Cause != CauseProgram {
		t.Errorf("output %q, cause %v; want done, %v", out.String(), r.Cause, CauseProgram)
	}
}

// A fork bomb, as far as RLIMIT_NPROC of its user lets it go, ends with its
// command.
func TestForkBomb(t *testing.T) {
	requires(t, asRoot)
	for _, test := range []struct {
		name string
		sys  syscall.SysProcAttr
	}{
		{"init", syscall.SysProcAttr{}},
		{"PID namespace", syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, left := markedShell(t, "b() { b | b & }; (b) 2>/dev/null & exec sleep 1000")
			c.SysProcAttr = &test.sys
			c.SysProcAttr.Credential = &syscall.Credential{Uid: 54321, Gid: 54321}
			c.Attr = &Attr{Init: &Init{}, Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC, Cur: 40, Max: 40}}}
			c.Ending = &Ending{Timeout: 2 * soon}
			c.Run()
			if r := c.Result(); r.Cause != CauseTimeout || r.Reach < ReachDescendants {
				t.Errorf("Result() = %v, reach %v; want %v and all descendants", r.Cause, r.Reach, CauseTimeout)
			}
			if pids := left(); pids != nil {
				t.Errorf("still there: %v", pids)
			}
		})
	}
}

func TestInvalidEnding(t *testing.T) {
	for _, test := range []struct {
		ending Ending
		want   string
	}{
		{Ending{Timeout: -1}, "-1ns (Ending.Timeout): is negative"},
		{Ending{CPUTime: -time.Second}, "-1s (Ending.CPUTime): is negative"},
		{Ending{Grace: -1}, "-1ns (Ending.Grace): is negative"},
		{Ending{Signal: 65}, "65 (Ending.Signal): is not a signal"},
		{Ending{Signal: -1}, "-1 (Ending.Signal): is not a signal"},
	} {
		c := Command("/bin/true")
		c.Ending = &test.ending
		if err := c.Run(); err == nil || !strings.HasSuffix(err.Error(), test.want) {
			t.Errorf("Run() = %v; want %s", err, test.want)
		}
	}
}
