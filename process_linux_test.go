//go:build amd64 || arm64

package sprog

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
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
			starts := fewer(2000)
			if n, err := writeAndStart(t.TempDir(), fewerEmulated(starts), ways["sprog"]); err != nil {
				t.Errorf("%d of %d starts did not succeed, one with %v", n, starts, err)
			}
		})
	}
	starts := fewerEmulated(500)
	n, err := writeAndStart(t.TempDir(), starts, ways["os/exec"])
	t.Logf("os/exec: %d of %d starts did not succeed: %v", n, starts, err)
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
	n := fewer(20000)
	if withRace() {
		n = min(n, 2000)
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

// What belongs to the process that starts others must not change by that,
// whether the start succeeds or not. The check is made in a process that leads
// a session on a terminal, by a thread with a signal mask of its own.

func init() {
	terminalChecks["unchanged"] = func() error {
		if changes := changedBy(ways["sprog"]); len(changes) > 0 {
			return errors.New(strings.Join(changes, "\n"))
		}
		return nil
	}
	terminalChecks["unchanged-os/exec"] = func() error {
		changes := strings.Join(changedBy(ways["os/exec"]), "\n")
		defects := []string{"no program: foreground: was"}
		if os.Geteuid() == 0 {
			defects = append(defects, "Credential, success: dumpable: was")
		}
		for _, defect := range defects {
			if !strings.Contains(changes, defect) && !mended[defect] {
				return fmt.Errorf("os/exec does it right too: %s\n%s", defect, changes)
			}
		}
		return nil
	}
}

// ownState is what the kernel tells of this thread and process, by name.
func ownState() map[string]string {
	state := map[string]string{}
	for _, file := range []string{"/proc/thread-self/status", "/proc/self/status"} {
		b, _ := os.ReadFile(file)
		for line := range strings.Lines(string(b)) {
			name, value, _ := strings.Cut(line, ":")
			if name == "SigBlk" && file == "/proc/self/status" {
				continue // the first thread may be starting another one, with all blocked
			}
			if steady(name) {
				state[file+" "+name] = strings.TrimSpace(value)
			}
		}
	}
	for _, file := range []string{"/proc/self/limits", "/proc/self/cgroup", "/proc/self/uid_map"} {
		b, _ := os.ReadFile(file)
		state[file] = string(b)
	}
	state["mounts"] = ownMounts()
	for _, dir := range []string{"/proc/thread-self/ns/", "/proc/self/fd/"} {
		for name, to := range links(dir) {
			state[dir+name] = to
		}
	}
	for _, link := range []string{"/proc/self/cwd", "/proc/self/root"} {
		state[link], _ = os.Readlink(link)
	}
	for name, op := range map[string]int{"dumpable": unix.PR_GET_DUMPABLE, "keepcaps": unix.PR_GET_KEEPCAPS, "timer slack": unix.PR_GET_TIMERSLACK} {
		n, err := unix.PrctlRetInt(op, 0, 0, 0, 0)
		state[name] = fmt.Sprint(n, err)
	}
	me := statOf(os.Getpid())
	state["session"] = fmt.Sprint(me.session, me.pgrp, me.terminal)
	state["foreground"] = strconv.Itoa(foregroundGroup())
	return state
}

// steady reports whether a line of /proc/PID/status has no reason to change
// by itself.
func steady(name string) bool {
	for _, prefix := range []string{"Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "TracerPid"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// links reads the symbolic links of a directory. Among this process's own descriptors is the
// one that it is read by.
func links(dir string) map[string]string {
	all := map[string]string{}
	d, err := os.Open(dir)
	if err != nil {
		return all
	}
	names, _ := d.Readdirnames(-1)
	reader := strconv.Itoa(int(d.Fd()))
	d.Close()
	for _, name := range names {
		if name == reader && strings.HasPrefix(dir, "/proc/self/") {
			continue
		}
		if to, err := os.Readlink(dir + name); err == nil {
			all[name] = to
		}
	}
	return all
}

// manyStarts are kinds of starts that might leave traces. What a user may not
// do does not succeed, and must leave no trace either.
func manyStarts() map[string]func(*Cmd) {
	cred := &syscall.Credential{Uid: 65534, Gid: 65534}
	sys := func(sys syscall.SysProcAttr) func(*Cmd) { return func(c *Cmd) { c.SysProcAttr = &sys } }
	own := syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid())}
	unshared := own
	unshared.Cloneflags, unshared.Unshareflags = 0, syscall.CLONE_NEWUSER|syscall.CLONE_NEWNS
	withCaps := own
	withCaps.AmbientCaps, withCaps.Credential = []uintptr{unix.CAP_KILL}, &syscall.Credential{}
	return map[string]func(*Cmd){
		"nothing":                          func(*Cmd) {},
		"Dir":                              func(c *Cmd) { c.Dir = "/usr" },
		"Stdin":                            func(c *Cmd) { c.Stdin, c.Stdout = os.Stdin, os.Stdin },
		"pipes":                            func(c *Cmd) { c.Stdin, c.Stdout = strings.NewReader("x"), new(strings.Builder) },
		"Setsid":                           sys(syscall.SysProcAttr{Setsid: true}),
		"Setpgid":                          sys(syscall.SysProcAttr{Setpgid: true}),
		"Foreground":                       sys(syscall.SysProcAttr{Foreground: true}),
		"Noctty":                           func(c *Cmd) { c.Stdin, c.SysProcAttr = os.Stdin, &syscall.SysProcAttr{Noctty: true} },
		"Pdeathsig":                        sys(syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}),
		"Chroot":                           sys(syscall.SysProcAttr{Chroot: "/"}),
		"Credential":                       sys(syscall.SysProcAttr{Credential: cred}),
		"Credential of a foreground group": sys(syscall.SysProcAttr{Credential: cred, Foreground: true}),
		"AmbientCaps":                      sys(syscall.SysProcAttr{Credential: cred, AmbientCaps: []uintptr{unix.CAP_KILL}}),
		"namespaces":                       sys(syscall.SysProcAttr{Cloneflags: allNamespaces}),
		"unshared":                         sys(syscall.SysProcAttr{Unshareflags: allNamespaces}),
		"maps":                             sys(own),
		"unshared maps":                    sys(unshared),
		"capabilities in a namespace":      sys(withCaps),
		"Rlimits": func(c *Cmd) {
			c.Attr = &Attr{Rlimits: []Rlimit{{unix.RLIMIT_NOFILE, 20, 20}, {unix.RLIMIT_CORE, 0, 0}}}
		},
		"Umask":            func(c *Cmd) { c.Attr = &Attr{Umask: mask(0o777)} },
		"NoNewPrivs":       func(c *Cmd) { c.Attr = &Attr{NoNewPrivs: true} },
		"Init":             func(c *Cmd) { c.Attr = &Attr{Init: &Init{}} },
		"Init, Credential": func(c *Cmd) { c.Attr, c.SysProcAttr = &Attr{Init: &Init{}}, &syscall.SysProcAttr{Credential: cred} },
	}
}

// ends are ways for a start to end.
var ends = map[string]func(*Cmd){
	"success":    func(*Cmd) {},
	"no program": func(c *Cmd) { c.Path = "/no/such/program" },
	"no Dir":     func(c *Cmd) { c.Dir = "/no/such/dir" },
}

// changedBy lists what starts of all kinds have changed.
func changedBy(of func(*Cmd) runner) (list []string) {
	runtime.LockOSThread()
	if err := prepareState(); err != nil {
		return []string{err.Error()}
	}
	of(Command("/bin/true")).Run() // what is made once is made now
	ownState()
	for kind, prepare := range manyStarts() {
		for end, spoil := range ends {
			before := ownState()
			c := &Cmd{Path: "/bin/true"}
			prepare(c)
			spoil(c)
			err := of(c).Run()
			if err == nil && c.SysProcAttr != nil && c.SysProcAttr.Foreground {
				takeForeground() // it was the child's, as was asked for
			}
			for _, change := range differences(before, ownState()) {
				list = append(list, fmt.Sprintf("%s, %s: %s (%v)", kind, end, change, err))
			}
			takeForeground()
			unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
		}
	}
	return list
}

// prepareState makes the state unlike any default.
func prepareState() error {
	unix.Umask(0o123)
	set := unix.Sigset_t{Val: [16]uint64{1<<(unix.SIGUSR2-1) | 1<<(unix.SIGTTOU-1)}}
	return unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
}

func takeForeground() {
	if err := unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, unix.Getpgrp()); err != nil {
		panic(err)
	}
}

func differences(before, after map[string]string) (list []string) {
	for name, was := range before {
		if is, ok := after[name]; !ok || is != was {
			list = append(list, fmt.Sprintf("%s: was %q, is %q", name, was, is))
		}
	}
	for name, is := range after {
		if _, ok := before[name]; !ok {
			list = append(list, fmt.Sprintf("%s: was nothing, is %q", name, is))
		}
	}
	slices.Sort(list)
	return list
}

// The program inherits the mask of the thread that starts it.
func TestSignalMaskIsInherited(t *testing.T) {
	onOwnThread(t, func() error {
		set := unix.Sigset_t{Val: [16]uint64{1 << (unix.SIGUSR2 - 1)}}
		var old unix.Sigset_t
		if err := unix.PthreadSigmask(unix.SIG_BLOCK, &set, &old); err != nil {
			return err
		}
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		for _, attr := range []*Attr{nil, {Init: &Init{}}} {
			text := printed(t, nil, attr, "/bin/cat", "/proc/self/status")
			if got := fieldOf(text, "SigBlk"); got != "0000000000000800" {
				t.Errorf("SigBlk = %s; want that of SIGUSR2", got)
			}
		}
		return nil
	})
}

// A program that imports the package remains what it is without cgo, where
// cgo is allowed: static, with system calls on all threads, and with a runtime
// that knows when nobody can go on.
func TestNoCgo(t *testing.T) {
	requires(t, tool("go"), fileExists("testdata/static/main.go"))
	program := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-o", program, "./testdata/static")
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program has a dynamic loader")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a runtime that does not see it waits for ever
	defer cancel()
	out, err := exec.CommandContext(ctx, program).CombinedOutput()
	for _, want := range []string{"AllThreadsSyscall: 0\n", "all goroutines are asleep - deadlock!"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the program printed, %v:\n%s\nwant %q", err, out, want)
		}
	}
}

// The library's packages are the standard library's and golang.org/x/sys, and
// of the former none that brings cgo along, nor any part of net.
func TestDependencies(t *testing.T) {
	requires(t, tool("go"), fileExists("go.mod"))
	list := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Standard}}", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		path, standard, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case path == "net" || strings.HasPrefix(path, "net/") || path == "os/user" || path == "runtime/cgo" || path == "plugin":
			t.Errorf("%s is imported, and brings cgo or the network along", path)
		case standard != "true" && !strings.HasPrefix(path, "github.com/sprog-dev/sprog") && !strings.HasPrefix(path, "golang.org/x/sys/"):
			t.Errorf("%s is imported", path)
		}
	}
}

// A program that does no more than import the package lives with filters that
// kill for what only some starts need. This test's binary is such a program.
func TestImportCallsNothingUnusual(t *testing.T) {
	c := helperCommand("true")
	c.Attr = &Attr{NoNewPrivs: true, Seccomp: &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{
		Names:  []string{"memfd_create", "pipe2", "eventfd2", "epoll_create1", "socket", "socketpair", "dup3"},
		Action: SeccompKillProcess,
	}}}}
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
