//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/sweep"
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
	sweep.Long(t)
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
	sweep.Long(t)
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
	sweep.Long(t)
	c, _ := markedShell(t, "setsid sleep 1000 & echo done")
	var out bytes.Buffer
	c.Stdout, c.Ending = &out, &Ending{Timeout: slowly(soon)} // which the shell does not take
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
	sweep.Long(t)
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

// markVar marks all descendants of a test's process, whatever becomes of their
// parents.
const markVar = "SPROG_TEST_MARK"

// marked lists the living processes with a mark in their environment.
func marked(t *testing.T, mark string) (pids []string) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && strings.Contains("\x00"+string(b), "\x00"+markVar+"="+mark+"\x00") {
			pids = append(pids, filepath.Base(filepath.Dir(f)))
		}
	}
	return pids
}

// comet N: be N processes that each fork a child in a session of its own, write
// a dot and exit, again and again: no process id lives longer than a moment.
// Each ends by itself after some seconds: process ids are few. For the same
// reason the kernel reaps what is left to this process.
var _ = helper("comet", func(args []string) int {
	signal.Ignore(unix.SIGCHLD)
	var n int
	fmt.Sscan(args[0], &n)
	for range n {
		c := exec.Command("/usr/bin/perl", "-MPOSIX", "-e", `for (1..1500) { exit if fork; POSIX::setsid(); syswrite STDOUT, "."; select undef, undef, undef, 0.002 }`)
		c.Stdout = os.Stdout
		if err := c.Start(); err != nil {
			return 1
		}
	}
	return stay()
})

// inFlight is what comets have said when there were many of them.
var inFlight = strings.Repeat(".", 40)

func TestKillTree(t *testing.T) {
	sweep.Long(t)
	for _, test := range []struct {
		name  string
		needs []*requirement
		sys   *syscall.SysProcAttr
		attr  *Attr
		want  Reach
	}{
		{"init", nil, nil, &Attr{Init: &Init{}}, ReachDescendants},
		{"cgroup", []*requirement{ownCgroups}, nil, &Attr{Cgroup: &Cgroup{}, Init: &Init{}}, ReachCgroup}, // an init, or the orphans would be the machine's
		{"PID namespace", []*requirement{asRoot}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, nil, ReachNamespace},
		{"PID namespace and init", []*requirement{asRoot}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, &Attr{Init: &Init{}}, ReachNamespace},
	} {
		for _, script := range []struct{ name, text string }{
			{"daemons", `for i in 1 2 3; do (setsid sh -c 'sleep 1000 & sleep 1000' &); done; echo ready; wait; sleep 1000`},
			{"deep", `n=0; run() { if [ $1 -gt 0 ]; then (run $(($1-1)) & sleep 1000) & fi; }; run 12; sleep 0.2; echo ready; sleep 1000`},
		} {
			t.Run(test.name+"/"+script.name, func(t *testing.T) {
				requires(t, test.needs...)
				c := Command("/bin/sh", "-c", script.text)
				c.SysProcAttr, c.Attr = test.sys, test.attr
				killTree(t, c, "ready", test.want)
			})
		}
		t.Run(test.name+"/comets", func(t *testing.T) {
			requires(t, append(test.needs, tool("perl"))...)
			c := helperCommand("comet", "4")
			c.SysProcAttr, c.Attr = test.sys, test.attr
			killTree(t, c, inFlight, test.want)
		})
	}
}

// A program with the right to leaves its cgroup, and is found all the same: what descends from
// it, with an init also those whose parents have died.
func TestKillTreeOutsideOfItsCgroup(t *testing.T) {
	for _, test := range []struct {
		name, leaves string
		attr         *Attr
	}{
		{"init", `(setsid sh -c 'trap "" TERM; sleep 1000 & sleep 1000' &)`, &Attr{Cgroup: &Cgroup{}, Init: &Init{}}},
		{"children", `{ sh -c 'trap "" TERM; sleep 1000 & sleep 1000' & }`, &Attr{Cgroup: &Cgroup{}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, asRoot, ownCgroups)
			outside := newCgroup(t)
			c := Command("/bin/sh", "-c", `echo $$ >"$0/cgroup.procs" && `+test.leaves+`; echo ready; sleep 1000`, outside.Name())
			c.Attr = test.attr
			killTree(t, c, "ready", ReachCgroup)
		})
		t.Run(test.name+" after its signal", func(t *testing.T) {
			requires(t, asRoot, ownCgroups)
			outside := newCgroup(t)
			mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
			c := Command("/bin/sh", "-c", `echo $$ >"$0/cgroup.procs" && `+test.leaves+`; echo ready; sleep 1000`, outside.Name())
			c.Env, c.Attr = append(os.Environ(), markVar+"="+mark), test.attr
			c.Ending = &Ending{Timeout: soon, Grace: never}
			if err := c.Run(); !errors.Is(err, ErrTimeout) {
				t.Fatalf("Run() = %v; want %v", err, ErrTimeout)
			}
			eventually(t, "nothing is left", func() bool { return len(marked(t, mark)) == 0 })
		})
	}
}

// killTree starts a command, waits for its word, and kills its tree.
func killTree(t *testing.T, c *Cmd, ready string, want Reach) {
	t.Helper()
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	c.Env = append(os.Environ(), markVar+"="+mark)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	awaitTree(t, out, ready, mark)
	if reach, err := c.KillTree(); reach != want || err != nil {
		t.Errorf("KillTree() = %v, %v; want %v", reach, err, want)
	}
	c.Wait()
	if status := c.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != unix.SIGKILL {
		t.Errorf("the process ended with %v; want SIGKILL", c.ProcessState)
	}
	for range 50 { // to die takes a moment
		if len(marked(t, mark)) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	left := marked(t, mark)
	t.Errorf("still there: %v", left)
	exec.Command("kill", append([]string{"-9"}, left...)...).Run()
}

// awaitTree waits for a command's word, which it says when its descendants are
// there.
func awaitTree(t *testing.T, out io.Reader, ready, mark string) {
	t.Helper()
	said := make([]byte, len(ready))
	if _, err := io.ReadFull(out, said); err != nil || string(said) != ready {
		t.Errorf("the program said %q, %v; want %q", said, err, ready)
	}
	// A comet is gone before a look at /proc comes to it; its dots were heard. Others may be on their way.
	if ready != inFlight {
		eventually(t, "there are descendants to be killed", func() bool { return len(marked(t, mark)) >= 2 })
	}
}

// Without an init, orphans have gone elsewhere, and the answer says so.
func TestKillTreeWithoutInit(t *testing.T) {
	c := Command("/bin/sh", "-c", "sleep 1000 & (sleep 1001 & sleep 1002) & echo ready; wait")
	killTree(t, c, "ready", ReachChildren)
	if reach, err := c.KillTree(); reach != ReachNothing || err == nil {
		t.Errorf("KillTree() after the end = %v, %v; want an error", reach, err)
	}
	if reach, err := Command("true").KillTree(); reach != ReachNothing || err == nil {
		t.Errorf("KillTree() before the start = %v, %v; want an error", reach, err)
	}
}

// A descendant that belongs to another user, as a set-user-ID program may, keeps nobody
// else alive, and is told of.
func TestKillTreeDenied(t *testing.T) {
	requires(t, asRoot, setpriv)
	if !ownProcess(t, func(c *exec.Cmd) {
		c.Path, _ = exec.LookPath("setpriv")
		c.Args = append([]string{"setpriv", "--bounding-set", "-kill"}, c.Args...)
	}) {
		return
	}
	for _, test := range []struct {
		name  string
		needs []*requirement
		attr  *Attr
		end   *Ending // by the context, or KillTree
	}{
		{"KillTree", nil, nil, nil},
		{"KillTree, init", nil, &Attr{Init: &Init{}}, nil},
		{"KillTree, cgroup", []*requirement{ownCgroups}, &Attr{Cgroup: &Cgroup{}}, nil},
		{"ended", nil, nil, &Ending{}},
		{"ended, init", nil, &Attr{Init: &Init{}}, &Ending{}},
		{"told", nil, nil, &Ending{Grace: never}},
		{"told, init", nil, &Attr{Init: &Init{}}, &Ending{Grace: never}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, test.needs...)
			killsAllButTwo(t, test.attr, test.end)
		})
	}
}

// killsAllButTwo ends a command with many descendants, of which two are other users'.
func killsAllButTwo(t *testing.T, attr *Attr, ending *Ending) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const script = `sleep 1000 & "$0" linger 65534 <&3 >&4 & sleep 1000 & (sleep 1000 & sleep 1000) & "$0" linger 65533 <&3 >&4 & sleep 1000`
	c := CommandContext(ctx, "/bin/sh", "-c", script, publicBinary(t))
	c.Attr = attr
	if ending != nil {
		endingBy(c, *ending)
	}
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	c.Env = append(os.Environ(), markVar+"="+mark)
	keep, toKeep := testPipe(t)
	said, toSay := testPipe(t)
	c.ExtraFiles = []*os.File{keep, toSay}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if c.Birth.Cgroup != nil {
		c.Birth.Cgroup.group.Plain = true // cgroup.kill kills those, too
	}
	var lingering [2]int
	for i := range lingering {
		fmt.Fscanf(said, "lingering %d\n", &lingering[i])
	}
	var err error
	if ending == nil {
		_, err = c.KillTree()
	} else {
		cancel()
	}
	c.Wait()
	if ending != nil {
		err = <-failures
	}
	if r := c.Result(); r.Reach != ReachProcess {
		t.Errorf("the reach is %v; want %v", r.Reach, ReachProcess)
	}
	ofOne := func(pid int) bool { return strings.Contains(fmt.Sprint(err), fmt.Sprintf("process %d", pid)) }
	if !ofOne(lingering[0]) && !ofOne(lingering[1]) {
		t.Errorf("it is told: %v; want an error about one of %v", err, lingering)
	}
	eventually(t, "all others are dead", func() bool { return len(marked(t, mark)) <= 2 })
	for _, pid := range lingering {
		if err := unix.Kill(pid, 0); err != unix.EPERM {
			t.Errorf("another user's process %d: %v; want it alive", pid, err)
		}
	}
	toKeep.Close()
	eventually(t, "they end in peace", func() bool { return len(marked(t, mark)) == 0 })
	if g := c.Birth.Cgroup; g != nil {
		if err := g.Remove(); err != nil {
			t.Error(err)
		}
	}
}

// The end of a command that leads a process group begins with a signal to the
// whole group, whatever has become of the field that asked for the group.
func TestEndingOfAGroup(t *testing.T) {
	const family = `sh -c 'trap "echo the child too; exit" TERM; echo ready; for i in $(seq 100); do sleep 0.05; done' & trap 'wait; exit 3' TERM; wait; wait`
	for _, test := range []struct {
		name  string
		needs []*requirement
		start func(t *testing.T, c *Cmd) io.Reader
	}{
		{"terminal", []*requirement{terminals}, func(t *testing.T, c *Cmd) io.Reader {
			master, err := c.StartPTY(WindowSize{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { master.Close() })
			return master
		}},
		{"changed field", nil, func(t *testing.T, c *Cmd) io.Reader {
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			r := startWithOutput(t, c)
			c.SysProcAttr = nil
			return r
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, append(test.needs, linux(6, 9))...) // PIDFD_SIGNAL_PROCESS_GROUP
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := CommandContext(ctx, "/bin/sh", "-c", family)
			c.Ending = &Ending{Grace: never}
			out := bufio.NewReader(test.start(t, c))
			if line, err := out.ReadString('\n'); err != nil {
				t.Fatalf("the program said %q, %v", line, err)
			}
			cancel()
			rest, _ := io.ReadAll(out)
			if c.Wait(); !strings.Contains(string(rest), "the child too") {
				t.Errorf("the program said %q at its end; want it from its child, too", rest)
			}
		})
	}
}

// startWithOutput starts a command whose output can be read.
func startWithOutput(t *testing.T, c *Cmd) io.Reader {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	c.Stdout = w
	err = c.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
