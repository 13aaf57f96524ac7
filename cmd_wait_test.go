//go:build linux && (amd64 || arm64)

package sprog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// never is longer than any test runs; brief is long enough for nothing.
const (
	never = 10 * time.Minute
	brief = time.Millisecond
)

// startHang starts the helper program hang and waits until it is ready.
// prepare, if not nil, is called before.
func startHang(t *testing.T, ctx context.Context, how string, prepare func(*Cmd)) *Cmd {
	t.Helper()
	c := CommandContext(ctx, testBinary(), "hang", how)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(c)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("hang said %q, %v", line, err)
	}
	return c
}

// killed reports whether err is that of a program that died of SIGKILL.
func killed(err error) bool {
	e, ok := err.(*ExitError)
	return ok && e.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

func TestContextEndsTheProgram(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "", nil)
	cancel()
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}

	ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := CommandContext(ctx, testBinary(), "hang", "").Run(); !killed(err) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run() = %v; want that it was killed", err)
	}
}

// The process is killed when the context is done, not when Wait is called.
func TestContextEndsTheProgramWithoutWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, testBinary(), "cat")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	for err == nil { // until nobody reads any more
		_, err = io.WriteString(in, strings.Repeat("x", 1<<10))
		time.Sleep(brief)
	}
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}
}

func TestContextThatEndsTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, testBinary(), "true")
	c.WaitDelay = never
	if err := c.Run(); err != nil {
		t.Errorf("Run() = %v; want nil", err)
	}
	c.Cancel = func() error { panic("called after the end") }
	cancel()
}

func TestCancelIsNotCalledIfStartFails(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, "/no/such/program")
	c.Cancel = func() error { panic("called without a process") }
	if err := c.Start(); err == nil {
		t.Error("Start() = nil; want an error")
	}
	cancel()
}

func TestCancelThatTheProgramHandles(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "exit0", func(c *Cmd) {
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	})
	cancel()
	if err := c.Wait(); err != context.Canceled {
		t.Errorf("Wait() = %v; want %v", err, context.Canceled)
	}
	if !c.ProcessState.Success() {
		t.Errorf("ProcessState = %v; want success", c.ProcessState)
	}
}

func TestCancelThatTheProgramIgnores(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "deaf", func(c *Cmd) {
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
		c.WaitDelay = brief
	})
	cancel()
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}
}

// With Cancel nil only WaitDelay has an effect.
func TestNoCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := startHang(t, ctx, "exit0", func(c *Cmd) { c.Cancel, c.WaitDelay = nil, never })
	cancel()
	time.Sleep(brief)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("Wait() = %v; want nil", err)
	}

	ctx, cancel = context.WithCancel(context.Background())
	c = startHang(t, ctx, "deaf", func(c *Cmd) { c.Cancel, c.WaitDelay = nil, brief })
	cancel()
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want that it was killed", err)
	}
}

// What Wait returns if Cancel returns an error.
func TestCancelErrors(t *testing.T) {
	odd := errors.New("odd")
	done := fmt.Errorf("wrapped: %w", os.ErrProcessDone)
	for _, test := range []struct {
		name      string
		cancelErr error
		helper    []string
		delay     time.Duration
		ok        func(err error) bool
	}{
		{"success", odd, []string{"cat"}, 0, func(err error) bool { return errors.Is(err, odd) && err != odd }},
		{"success, process done", done, []string{"cat"}, 0, func(err error) bool { return err == nil }},
		{"failure", odd, []string{"exit", "1"}, 0, isExit1},
		{"failure, process done", done, []string{"exit", "1"}, 0, isExit1},
		{"killed", odd, []string{"hang", "deaf"}, brief, killed},
		{"killed, process done", done, []string{"hang", "deaf"}, brief, killed},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := CommandContext(ctx, testBinary(), test.helper...)
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			called := make(chan struct{})
			c.Cancel = func() error {
				in.Close()
				close(called)
				return test.cancelErr
			}
			c.WaitDelay = test.delay
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			cancel()
			<-called
			if err := c.Wait(); !test.ok(err) {
				t.Errorf("Wait() = %v", err)
			}
		})
	}
}

func isExit1(err error) bool {
	e, ok := err.(*ExitError)
	return ok && e.ExitCode() == 1
}

// A process that the program leaves behind holds its pipes open.
func TestWaitDelayWithAnOrphan(t *testing.T) {
	var out bytes.Buffer
	c := helperCommand("orphan")
	c.Stdout, c.WaitDelay = &out, 50*time.Millisecond
	if err := c.Run(); err != ErrWaitDelay {
		t.Errorf("Run() = %v; want %v", err, ErrWaitDelay)
	}

	ctx, cancel := context.WithCancel(context.Background())
	c = CommandContext(ctx, testBinary(), "orphan")
	c.Stdout, c.Stderr, c.WaitDelay = new(bytes.Buffer), new(bytes.Buffer), 50*time.Millisecond
	called := make(chan struct{})
	c.Cancel = func() error {
		close(called)
		return os.ErrProcessDone
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-called
	if err := c.Wait(); err != nil && err != ErrWaitDelay && !killed(err) {
		t.Errorf("Wait() = %v; want nil, %v, or that it was killed", err, ErrWaitDelay)
	}
}

// The watch closes the pipes itself if Wait does not come before WaitDelay is
// over.
func TestWaitDelayOverBeforeWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := CommandContext(ctx, testBinary(), "orphan")
	out := &lateWriter{}
	c.Stdout, c.WaitDelay = out, brief
	c.Cancel = func() error { return nil }
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForExit(t, c)
	cancel()
	time.Sleep(20 * brief)
	if err := c.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait() = %v; want %v", err, context.Canceled)
	}
}

type lateWriter struct{}

func (lateWriter) Write(p []byte) (int, error) { return len(p), nil }

// waitForExit returns when the process is a zombie.
func waitForExit(t *testing.T, c *Cmd) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(brief) {
		if strings.HasSuffix(strings.SplitAfter(status(fmt.Sprint(c.Process.Pid)), ")")[1], " Z") {
			return
		}
	}
	t.Fatal("the program does not exit")
}

func TestWaitDelayUnused(t *testing.T) {
	for _, stdout := range []io.Writer{nil, new(bytes.Buffer)} {
		c := helperCommand("echo", "x")
		c.Stdout, c.WaitDelay = stdout, never
		if err := c.Run(); err != nil {
			t.Errorf("Run() = %v; want nil", err)
		}
	}
}

// Commands that are waited for cost no thread, and those with a context no
// goroutine besides the caller's.
func TestWaitCostsNoThread(t *testing.T) {
	const n = 300
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	goroutines := runtime.NumGoroutine()
	var all sync.WaitGroup
	for range n {
		c := CommandContext(ctx, "sleep", "600")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := c.Wait(); !killed(err) {
				t.Errorf("Wait() = %v; want that it was killed", err)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if tasks, _ := filepath.Glob("/proc/self/task/*"); len(tasks) == 0 || len(tasks) >= 50 {
		t.Errorf("%d threads; want fewer than 50", len(tasks))
	}
	if got := runtime.NumGoroutine() - goroutines; got > n+5 {
		t.Errorf("%d goroutines for %d commands", got, n)
	}
	cancel()
	all.Wait()
}
