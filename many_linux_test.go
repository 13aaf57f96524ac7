//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// withRace reports whether the tests are built with -race, which allows no
// more than 8128 goroutines.
func withRace() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// Many goroutines write programs and start them. A child that holds somebody
// else's file open for writing makes the kernel refuse to execute it
// (go.dev/issue/22315).
func TestNoTextFileBusy(t *testing.T) {
	for name, lacks := range map[string]kernel.Missing{"shared table": 0, "copied table": kernel.NoCloseRange} {
		t.Run(name, func(t *testing.T) {
			before := kernel.Known.Lacks.Load()
			kernel.Known.Lacks.Store(before | uint32(lacks))
			defer kernel.Known.Lacks.Store(before)
			starts := 2000
			if testing.Short() {
				starts = 200
			}
			if n, err := writeAndStart(t.TempDir(), starts, ways["sprog"]); err != nil {
				t.Errorf("%d of %d starts did not succeed, one with %v", n, starts, err)
			}
		})
	}
	n, err := writeAndStart(t.TempDir(), 500, ways["os/exec"])
	t.Logf("os/exec: %d of 500 starts did not succeed: %v", n, err)
}

// writeAndStart writes and starts scripts, and returns how many starts did
// not succeed.
func writeAndStart(dir string, starts int, of func(*Cmd) runner) (failures int, last error) {
	const goroutines = 8
	var mu sync.Mutex
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			path := filepath.Join(dir, strconv.Itoa(g))
			for range starts / goroutines {
				err := os.WriteFile(path, []byte("#!/bin/true\n"), 0o755)
				if err == nil {
					err = of(&Cmd{Path: path}).Run()
				}
				if err != nil {
					mu.Lock()
					failures, last = failures+1, err
					mu.Unlock()
				}
				os.Remove(path)
			}
		})
	}
	all.Wait()
	return failures, last
}

// pauseProgram writes the smallest of programs, which waits for its end. It is
// the second stage's image with a program of one step.
func pauseProgram(path string) error {
	p := new(program.Program)
	p.Add("", program.Ppoll)
	stage := machine.Second{Program: p}
	if err := stage.Open(); err != nil {
		return err
	}
	defer stage.Close()
	if err := stage.Seal(); err != nil {
		return err
	}
	image, err := os.Open("/proc/self/fd/" + strconv.Itoa(stage.Image()))
	if err != nil {
		return err
	}
	defer image.Close()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, image)
	return errors.Join(err, file.Close())
}

// wait-for-many WAY N PROGRAM: wait for N children at once, and print how many
// threads that takes.
var _ = helper("wait-for-many", func(args []string) int {
	n, _ := strconv.Atoi(args[1])
	threads, err := countThreads(ways[args[0]], n, args[2])
	fmt.Println(threads, err)
	return 0
})

func countThreads(of func(*Cmd) runner, n int, path string) (threads int, err error) {
	var all sync.WaitGroup
	var ended atomic.Int64
	cmds := make([]*Cmd, 0, n)
	for range n {
		// Three descriptors are not needed: one child takes one of the parent's.
		c := &Cmd{Path: path, Env: []string{}}
		r := of(c)
		if err = r.Start(); err != nil {
			break
		}
		cmds = append(cmds, c)
		all.Go(func() {
			r.Wait()
			ended.Add(1)
		})
	}
	time.Sleep(200 * time.Millisecond) // to have the last ones wait
	list, _ := os.ReadDir("/proc/self/task")
	early := ended.Load()
	for _, c := range cmds {
		c.Process.Kill()
	}
	all.Wait()
	if err == nil && early > 0 {
		err = fmt.Errorf("%d of %d children did not wait", early, n)
	}
	return len(list), err
}

// Waiting costs no threads. os/exec takes one for each child, and the runtime
// ends the process at 10 000.
func TestWaitForManyChildren(t *testing.T) {
	n := 20000
	if testing.Short() || withRace() {
		n = 2000
	}
	var files, processes unix.Rlimit
	if err := errors.Join(unix.Getrlimit(unix.RLIMIT_NOFILE, &files), unix.Getrlimit(unix.RLIMIT_NPROC, &processes)); err != nil {
		t.Fatal(err)
	}
	n = min(n, int(min(files.Max, 1<<20))-100, int(min(processes.Cur, 1<<20))-500)
	dir := t.TempDir()
	path := filepath.Join(dir, "pause")
	if err := pauseProgram(path); err != nil {
		t.Fatal(err)
	}
	if threads := threadsFor(t, "sprog", n, path); threads >= 50 {
		t.Errorf("%d threads wait for %d children; want fewer than 50", threads, n)
	}
	if threads := threadsFor(t, "os/exec", 200, path); threads < 200 && !mended[t.Name()] {
		t.Errorf("os/exec waits for 200 children with %d threads", threads)
	}
}

// threadsFor asks a process of its own, which takes its children with it.
func threadsFor(t *testing.T, way string, n int, path string) (threads int) {
	t.Helper()
	c := helperCommand("wait-for-many", way, strconv.Itoa(n), path)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := c.CombinedOutput()
	if err != nil {
		syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		t.Fatalf("%s: %v\n%s", way, err, out)
	}
	var problem string
	fmt.Sscan(string(out), &threads, &problem)
	if problem != "<nil>" {
		t.Errorf("%s: %s", way, out)
	}
	t.Logf("%s waits for %d children with %d threads", way, n, threads)
	return threads
}
