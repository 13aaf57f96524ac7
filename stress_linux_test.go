//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/machine"
)

var starts = flag.Int("starts", 4000, "how many programs TestManyStarts starts")

// manyKinds are the starts of TestManyStarts. Each returns what is wrong with
// how it went.
var manyKinds = []struct {
	name string
	run  func() error
}{
	{"success", func() error { return (&Cmd{Path: "/bin/true"}).Run() }},
	{"missing program", func() error {
		return wantErr((&Cmd{Path: "/nonexistent"}).Run(), syscall.ENOENT)
	}},
	{"missing directory", func() error {
		return wantErr((&Cmd{Path: "/bin/true", Dir: "/nonexistent", Stdout: new(bytes.Buffer)}).Run(), syscall.ENOENT)
	}},
	{"refused", func() error {
		return wantErr((&Cmd{Path: "/bin/true", Args: []string{"\x00"}}).Run(), syscall.EINVAL)
	}},
	{"failure", func() error {
		err := (&Cmd{Path: "/bin/false"}).Run()
		if e := new(ExitError); !errors.As(err, &e) || e.ExitCode() != 1 {
			return fmt.Errorf("%v; want exit status 1", err)
		}
		return nil
	}},
	{"pipes", func() error {
		text := strings.Repeat("text", 1000)
		c := &Cmd{Path: "/bin/cat", Stdin: strings.NewReader(text)}
		out, err := c.Output()
		if err == nil && string(out) != text {
			err = fmt.Errorf("%d bytes come back of %d", len(out), len(text))
		}
		return err
	}},
	{"killed", func() error {
		c := &Cmd{Path: "/bin/cat"}
		in, err := c.StdinPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			return err
		}
		defer in.Close()
		c.Process.Kill()
		if err := c.Wait(); !killed(err) {
			return fmt.Errorf("%v; want killed", err)
		}
		return nil
	}},
	{"canceled", func() error {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		c := CommandContext(ctx, "/bin/cat")
		in, err := c.StdinPipe()
		if err != nil {
			return err
		}
		defer in.Close()
		time.AfterFunc(time.Millisecond, cancel)
		if err := c.Run(); !killed(err) && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%v; want killed or canceled", err)
		}
		return nil
	}},
	{"session", func() error {
		return (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}}).Run()
	}},
	{"own credential", func() error {
		return (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{
			Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: true}}}).Run()
	}},
	{"init", func() error { return (&Cmd{Path: "/bin/true", Attr: &Attr{Init: &Init{}}}).Run() }},
	{"init, missing program", func() error {
		return wantErr((&Cmd{Path: "/nonexistent", Attr: &Attr{Init: &Init{}}}).Run(), syscall.ENOENT)
	}},
	{"user namespace", func() error {
		if userNamespaces.works() != nil {
			return nil
		}
		return (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}}).Run()
	}},
}

func wantErr(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%v; want %w", err, want)
	}
	return nil
}

// Many starts from many goroutines, of all kinds: each ends as it should, and
// nothing is left of them all.
func TestManyStarts(t *testing.T) {
	n := *starts
	if testing.Short() {
		n /= 4
	}
	userNamespaces.works()
	before := heldNow(t)
	threads, heap := used()
	goroutines := runtime.NumGoroutine()
	began := time.Now()

	var next atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n) && !t.Failed(); i = next.Add(1) {
				kind := manyKinds[i%int64(len(manyKinds))]
				if err := kind.run(); err != nil {
					t.Errorf("start %d, %s: %v", i, kind.name, err)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(began)

	for range 100 { // timers and copiers may be just about to end
		if runtime.NumGoroutine() <= goroutines {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines after %d before", now, goroutines)
	}
	moreThreads, moreHeap := used()
	t.Logf("%d starts in %v: %d threads after %d before, %d KiB of heap after %d", n, took, moreThreads, threads, moreHeap>>10, heap>>10)
	if moreThreads > threads+100 {
		t.Errorf("%d threads after %d before", moreThreads, threads)
	}
	if moreHeap > heap+16<<20 {
		t.Errorf("%d bytes of heap after %d before", moreHeap, heap)
	}
	before.compare(t, "many starts")
	everySlotIsFree(t)
}

func everySlotIsFree(t *testing.T) {
	t.Helper()
	for want := atstart.FirstSlot; want < atstart.EndSlot-1; want++ {
		slot, ok, err := machine.Borrow(2)
		if err != nil || !ok || slot != want {
			t.Errorf("borrowing a slot: %d, %v, %v; want %d", slot, ok, err, want)
			return
		}
		defer machine.Return(slot)
	}
}
