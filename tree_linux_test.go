//go:build amd64 || arm64

package sprog

import (
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
)

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
	// A comet is gone before a look at /proc comes to it; its dots were heard.
	if ready != inFlight && len(marked(t, mark)) < 2 {
		t.Errorf("no descendants are there to be killed")
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
