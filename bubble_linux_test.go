//go:build amd64 || arm64

package sprog

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// bubbled are uses of the package in a bubble of testing/synctest, and outside of it.
var bubbled = map[string]func() error{
	"Run":       func() error { return Command("/bin/true").Run() },
	"Output":    func() error { return want(Command("/bin/echo", "hello"))("hello\n") },
	"Pdeathsig": func() error { return (&Cmd{Path: "/bin/true", SysProcAttr: deadly}).Run() },
	"init":      func() error { return (&Cmd{Path: "/bin/true", Attr: &Attr{Init: &Init{}}}).Run() },
	"failure":   func() error { return wantErr((&Cmd{Path: "/bin/true", Dir: "/no/such"}).Run(), syscall.ENOENT) },
	"sleep":     func() error { return Command("/bin/sleep", "0.05").Run() },
	"credential": func() error {
		return (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{
			Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: true}}}).Run()
	},
	"busy program": func() error {
		f, err := os.CreateTemp("", "busy")
		if err != nil {
			return err
		}
		defer os.Remove(f.Name())
		defer f.Close()
		f.Chmod(0o700)
		return wantErr((&Cmd{Path: f.Name()}).Run(), syscall.ETXTBSY)
	},
	"tree": func() error {
		c := Command("/bin/sh", "-c", "sleep 100 & sleep 100 & wait")
		if err := c.Start(); err != nil {
			return err
		}
		_, err := c.KillTree()
		c.Wait()
		return err
	},
	"context": func() error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		c := CommandContext(ctx, "/bin/sleep", "100")
		if err := c.Start(); err != nil {
			return err
		}
		cancel()
		c.Wait()
		return nil
	},
}

var deadly = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

func want(c *Cmd) func(string) error {
	return func(text string) error {
		out, err := c.Output()
		if err == nil && string(out) != text {
			err = fmt.Errorf("%q; want %q", out, text)
		}
		return err
	}
}

// Every use can be the first of its kind, in a bubble or outside; nothing of the
// package's belongs to a bubble, or is waited for in one for ever. The clock of
// the bubble does not move.
func TestBubble(t *testing.T) {
	if !ownProcess(t, nil) { // where each is the first
		return
	}
	for name, use := range bubbled {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			if err := use(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			synctest.Wait()
			if took := time.Since(begin); took != 0 {
				t.Errorf("%s: the bubble's clock has moved by %v", name, took)
			}
		})
		if err := use(); err != nil {
			t.Errorf("%s, outside: %v", name, err)
		}
	}
}

// Uses in several bubbles and outside of all meet.
func TestBubblesTogether(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	many := func(n int) {
		var all sync.WaitGroup
		for range n {
			for name, use := range bubbled {
				all.Go(func() {
					if err := use(); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
		}
		all.Wait()
	}
	var all sync.WaitGroup
	all.Go(func() { many(5) })
	for range 4 {
		all.Go(func() { synctest.Test(t, func(*testing.T) { many(5) }) })
	}
	all.Wait()
}

// Many wait on both sides, so that those who have no thread to wait in do, and
// whoever asks for the others ends in turn.
func TestBubblesWait(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	const n = 60
	start := func() (list []*Cmd) {
		for range n {
			c := Command("/bin/sleep", "100")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
		}
		return list
	}
	wait := func(list []*Cmd) {
		var all sync.WaitGroup
		for _, c := range list {
			all.Go(func() { c.Wait() })
		}
		for _, c := range list {
			time.AfterFunc(0, func() { c.Process.Kill() })
		}
		all.Wait()
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { synctest.Test(t, func(*testing.T) { wait(start()) }) })
		all.Go(func() { wait(start()) })
	}
	all.Wait()
}

// After all uses there is no goroutine of the package's.
func TestNoGoroutines(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	for name, use := range bubbled {
		if err := use(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	left := ""
	eventually(t, "only goroutines of the tests are left", func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		for left = range strings.SplitSeq(string(stacks), "\n\n") {
			if strings.Contains(left, "sprog-dev/sprog") && !strings.Contains(left, "testing.tRunner") && !strings.Contains(left, ".TestMain(") {
				return false
			}
		}
		left = ""
		return true
	})
	if left != "" {
		t.Log(left)
	}
}
