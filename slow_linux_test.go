//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/slowfile"
)

// serve-slow-file PATH DELAY: see package slowfile. It ends with its standard
// input.
var _ = helper("serve-slow-file", func(args []string) int {
	delay, err := time.ParseDuration(args[1])
	if err == nil {
		done := make(chan struct{})
		go func() {
			io.Copy(io.Discard, os.Stdin)
			close(done)
		}()
		err = slowfile.Serve(args[0], delay, func() { fmt.Println("ready") }, done)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
})

// slowFile returns the path of a program that takes a while to open, and so to
// execute; it does nothing.
func slowFile(t *testing.T, delay time.Duration) string {
	t.Helper()
	_, path := slowServer(t, delay)
	return path
}

// slowServer also returns the server, which may be killed.
func slowServer(t *testing.T, delay time.Duration) (server *Cmd, path string) {
	t.Helper()
	requires(t, fuse)
	path = filepath.Join(t.TempDir(), "slow")
	copyFile(t, "/bin/true", path)
	c := helperCommand("serve-slow-file", path, delay.String())
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: privileged(t, syscall.CLONE_NEWNS)}
	c.Stderr = os.Stderr
	if c.SysProcAttr.Cloneflags&syscall.CLONE_NEWUSER != 0 {
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = oneID(0, os.Geteuid()), oneID(0, os.Getegid())
	} else {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("no slow file: %q, %v", line, err)
	}
	return c, "/proc/" + strconv.Itoa(c.Process.Pid) + "/root" + path
}

const slowness = time.Second

// A goroutine that calls the garbage collector every millisecond is held up by
// no start, however long that takes.
func TestSlowExecStallsNobody(t *testing.T) {
	path := slowFile(t, slowness)
	better(t, func(of func(*Cmd) runner) error {
		stop, longest := make(chan struct{}), make(chan time.Duration)
		go collectGarbage(stop, longest)
		began := time.Now()
		err := of(Command(path)).Run()
		took := time.Since(began)
		close(stop)
		worst := <-longest
		switch {
		case err != nil:
			return err
		case took < slowness:
			return fmt.Errorf("the start took %v; it was not slow", took)
		case worst > slowness/2:
			return fmt.Errorf("a goroutine was held up for %v", worst)
		}
		return nil
	})
}

// collectGarbage sends the longest time that one round took.
func collectGarbage(stop <-chan struct{}, longest chan<- time.Duration) {
	var worst time.Duration
	for {
		select {
		case <-stop:
			longest <- worst
			return
		default:
		}
		began := time.Now()
		runtime.GC()
		time.Sleep(time.Millisecond)
		worst = max(worst, time.Since(began))
	}
}

// A child that is killed while it executes its program has not been started.
func TestKilledWhileExecuting(t *testing.T) {
	path := slowFile(t, slowness/2)
	for name, sys := range map[string]*syscall.SysProcAttr{
		"plain":  nil,
		"Setsid": {Setsid: true}, // whose group cannot tell the parent that it has executed
	} {
		t.Run(name, func(t *testing.T) {
			better(t, func(of func(*Cmd) runner) error {
				c := Command(path)
				c.SysProcAttr = sys
				return killedInExec(of(c))
			})
		})
	}
}

// killedInExec kills the child that a start makes while it is in execve.
func killedInExec(c runner) error {
	before := ownChildren()
	go func() {
		for {
			for pid := range ownChildren() {
				if !before[pid] {
					time.Sleep(slowness / 5) // to have it get into execve
					unix.Kill(pid, unix.SIGKILL)
					return
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
	err := c.Start()
	if err == nil {
		c.Wait()
		return errors.New("Start() = nil, for a child that was killed before it had executed")
	}
	var se *StartError
	if !errors.As(err, &se) || se.Signal != syscall.SIGKILL || se.Step != "execve" ||
		!strings.HasSuffix(err.Error(), ": execve: killed by SIGKILL before the program was executed") {
		return fmt.Errorf("Start() = %v; want a StartError that says killed in execve", err)
	}
	return nil
}

// ownChildren are the process ids of this process's children.
func ownChildren() map[int]bool {
	pids := map[int]bool{}
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for _, pid := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(pid)
			pids[n] = true
		}
	}
	return pids
}
