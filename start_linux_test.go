//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/slowfile"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// deafToGroups answers EPERM to setpgid, which is how a parent may ask whether its child
// has executed.
var deafToGroups = &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{
	{Names: []string{"setpgid"}, Action: SeccompErrno, Errno: new(uint16(unix.EPERM))},
}}

// A program may put itself into a session of its own with its first
// instruction, before the parent has looked whether it runs.
func TestProgramOfItsOwnSession(t *testing.T) {
	path := tinyFile(t, newSession, exitWith(7))
	for name, change := range map[string]func(*Cmd){
		"plain":           func(*Cmd) {},
		"second stage":    func(c *Cmd) { c.Attr = &Attr{THPDisable: THPDisableCompletely} },
		"init":            func(c *Cmd) { c.Attr = &Attr{Init: &Init{}} },
		"filter":          func(c *Cmd) { c.Attr = &Attr{NoNewPrivs: true, Seccomp: deafToGroups} },
		"session besides": func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} },
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				c := inTime(t, path)
				change(c)
				wantExit(t, c.Run(), 7)
			}
		})
	}
}

// Where /proc is that of another PID namespace, its numbers are strangers'.
func TestStartsUnderForeignProc(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID} }) {
		return
	}
	path := tinyFile(t, newSession, exitWith(7))
	for i := range 100 {
		c := inTime(t, path)
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: i%2 == 0}
		if i%3 == 0 {
			c.Attr = &Attr{THPDisable: THPDisableCompletely}
		}
		wantExit(t, c.Run(), 7)
	}
}

// A program that dies with its first instruction has been executed, though there
// is no /proc to tell.
func TestProgramThatDiesAtOnceWithoutProc(t *testing.T) {
	requires(t, asRoot)
	path := tinyFile(t, crash)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount("/proc", 0)
	for i := range 100 {
		c := inTime(t, path)
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: i%2 == 0}
		wantSignal(t, c.Run(), unix.SIGILL)
	}
}

// inTime is a command that is ended if it takes so long that it must hang.
func inTime(t testing.TB, path string) *Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return CommandContext(ctx, path)
}

func wantExit(t testing.TB, err error, code int) {
	t.Helper()
	if e := new(ExitError); !errors.As(err, &e) || e.ExitCode() != code {
		t.Errorf("Run() = %v; want exit status %d", err, code)
	}
}

func wantSignal(t testing.TB, err error, sig syscall.Signal) {
	t.Helper()
	e := new(ExitError)
	if !errors.As(err, &e) || e.Sys().(syscall.WaitStatus).Signal() != sig {
		t.Errorf("Run() = %v; want %v", err, sig)
	}
}

var restless = flag.Int("restless", 10000, "how many programs TestRestlessPrograms starts")

// What a program does with its first instructions, whatever kind of start it
// comes from, is not taken for a failed start, and holds up nobody.
func TestRestlessPrograms(t *testing.T) {
	kinds := kindsForTiny(t)
	programs := []struct {
		path string
		end  string
	}{
		{tinyFile(t, exitWith(7)), "exit status 7"},
		{tinyFile(t, newSession, exitWith(7)), "exit status 7"},
		{tinyFile(t, ownGroup, exitWith(7)), "exit status 7"},
		{tinyFile(t, plainFork, newSession, exitWith(7)), "exit status 7"},
		{tinyFile(t, crash), "signal: illegal instruction"},
		{tinyFile(t, newSession, crash), "signal: illegal instruction"},
		{tinyFile(t, newSession, stopGroup, exitWith(7)), "stopped"},
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kinds of start", seed, len(kinds))
	random := rand.New(rand.NewPCG(seed, 0))
	for range fewer(*restless) {
		kind, p := kinds[random.IntN(len(kinds))], programs[random.IntN(len(programs))]
		c := again(kind.cmd)
		c.Path, c.Args = p.path, []string{"tiny"}
		if err := runRestless(c, kind.end(p.end)); err != nil {
			t.Errorf("%s, %s: %v", kind.name, p.end, err)
		}
	}
}

// runRestless runs a program that ends in the given way, and ends one that
// stops.
func runRestless(c *Cmd, end string) error {
	c.Ending = &Ending{Timeout: 2 * time.Minute}
	if err := c.Start(); err != nil {
		return err
	}
	if sys := c.SysProcAttr; sys != nil && sys.PidFD != nil {
		unix.Close(*sys.PidFD)
	}
	if l := c.Birth.SeccompListener; l != nil {
		l.Close()
	}
	if end == "stopped" {
		c.KillTree()
		end = "signal: killed"
	}
	if err := c.Wait(); err == nil || err.Error() != end && err.Error() != end+" (core dumped)" {
		return fmt.Errorf("Wait() = %v", err)
	}
	return nil
}

type kindForTiny struct {
	name string
	cmd  *Cmd
}

// End is how a program ends that would end so outside of a PID namespace. The
// kernel does not stop a PID 1 for a process inside; an init has no other way to
// tell a signal than its exit status.
func (k kindForTiny) end(usual string) string {
	switch sys := k.cmd.SysProcAttr; {
	case sys == nil || sys.Cloneflags&unix.CLONE_NEWPID == 0:
	case k.cmd.Attr == nil || k.cmd.Attr.Init == nil:
		if usual == "stopped" {
			return "exit status 7"
		}
	case usual == "signal: illegal instruction":
		return "exit status 132"
	}
	return usual
}

// kindsForTiny are the starts of the fault tests that can start a tiny program.
func kindsForTiny(t *testing.T) (kinds []kindForTiny) {
	path := tinyFile(t, exitWith(7))
	for _, s := range startCases() {
		if slices.ContainsFunc(s.needs, func(r *requirement) bool { return r.works() != nil }) {
			continue
		}
		lacks := kernel.Known.Lacks.Load()
		cmd := s.cmd(t)
		if kernel.Known.Lacks.Swap(lacks) != lacks {
			continue // a case of a kernel that lacks something
		}
		if cmd.SysProcAttr != nil && cmd.SysProcAttr.Ptrace || cmd.Attr != nil && cmd.Attr.Program != nil {
			continue
		}
		c := again(cmd)
		c.Path, c.Args = path, []string{"tiny"}
		if err := runRestless(c, "exit status 7"); err == nil {
			kinds = append(kinds, kindForTiny{s.name, cmd})
		} else {
			t.Logf("%s: %v", s.name, err)
		}
	}
	if least := len(startCases()) / 3; len(kinds) < least {
		t.Errorf("%d kinds of start work; want %d at least", len(kinds), least)
	}
	return kinds
}

// A program that kills its init, as the first thing that it does, has been executed. The init has no
// time to tell.
func TestProgramThatKillsItsInit(t *testing.T) {
	path := tinyFile(t, tinyCall{nr: unix.SYS_KILL, args: [4]uint32{0, uint32(unix.SIGKILL)}}, exitWith(7))
	for range 200 {
		c := Command(path)
		c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Setpgid: true}, &Attr{Init: &Init{}} // the group is the init's
		if err := c.Start(); err != nil {
			t.Fatalf("Start() = %v; want success", err)
		}
		c.Wait()
		if r := c.Result(); r.Cause != CauseProgram || r.Signal != unix.SIGKILL {
			t.Fatalf("the result is %q; want program SIGKILL", resultText(r))
		}
	}
}

// Nor has an init that the program stops, and the start comes back all the same.
func TestProgramThatStopsItsInit(t *testing.T) {
	path := tinyFile(t, stopGroup, exitWith(7))
	for range 20 {
		c := inTime(t, path)
		c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Setpgid: true}, &Attr{Init: &Init{}}
		if err := c.Start(); err != nil {
			t.Fatalf("Start() = %v; want success", err)
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		wantSignal(t, c.Wait(), unix.SIGKILL)
	}
}

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

var slowness = slowly(time.Second)

// A goroutine that calls the garbage collector every millisecond is held up by
// no start, however long that takes.
func TestSlowExecStallsNobody(t *testing.T) {
	sweep.Long(t)
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
	sweep.Long(t)
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
	n := fewer(*starts)
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
