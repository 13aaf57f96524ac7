//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sandboxed is a command that takes long to start.
func sandboxed(t *testing.T, name string, args ...string) *Cmd {
	t.Helper()
	requires(t, namespace("user"))
	c := Command(name, args...)
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	c.Attr = &Attr{
		NoNewPrivs: true, Init: new(Init), Hostname: "warm",
		Root:   &Root{Host: true, Flags: MountReadOnly},
		Mounts: []Mount{{Target: "/tmp", Tmpfs: &Tmpfs{}}, {Target: "/proc", Proc: &Proc{}}},
	}
	return c
}

// warm prepares a command and has children wait for it.
func warm(t *testing.T, c *Cmd, n int) *Prepared {
	t.Helper()
	p, err := Prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if err := p.Warm(n); err != nil {
		t.Fatal(err)
	}
	return p
}

// wantStarts wants that many starts to have found a child that waited, and no more.
func wantStarts(t *testing.T, p *Prepared, warm, cold uint64) {
	t.Helper()
	if s := p.State(); s.Warm != warm || s.Cold != cold {
		t.Errorf("%d warm and %d cold starts; want %d and %d", s.Warm, s.Cold, warm, cold)
	}
}

// waiters wants n children to wait, sooner or later.
func waiters(t *testing.T, p *Prepared, n int) {
	t.Helper()
	eventually(t, fmt.Sprint(n, " children wait"), func() bool { return p.State().Waiting == n })
}

// A child that has waited gets all that is for one start, and gives it to the program exactly.
func TestWarmInputs(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/sh", "-c", "exit 9"), 1)
	extra, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	extra.WriteString("of the file")
	extra.Seek(0, io.SeekStart)
	var out, errs bytes.Buffer
	script := `read line; echo "$0 $1 $line $VALUE $PWD $(cat <&3) $(hostname)" "$(ulimit -n)"; ls /proc/self/fd | tr '\n' ' '; echo $$; echo said >&2`
	c := p.Command(Inputs{
		Args: []string{"sh", "-c", script, "zero", "one"}, Env: []string{"VALUE=value", "PATH=/usr/bin:/bin"}, Dir: "/usr",
		Stdin: strings.NewReader("typed\n"), Stdout: &out, Stderr: &errs, ExtraFiles: []*os.File{extra},
		Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 77, Max: 77}},
	})
	if err := c.Run(); err != nil {
		t.Fatal(err, errs.String())
	}
	if want := "zero one typed value /usr of the file warm 77\n0 1 2 3 4 2\n"; out.String() != want {
		t.Errorf("got %q; want %q", out.String(), want)
	}
	if errs.String() != "said\n" {
		t.Errorf("standard error: %q", errs.String())
	}
	wantStarts(t, p, 1, 0)
	if c := p.Command(Inputs{}); c.Run() == nil || c.ProcessState.ExitCode() != 9 {
		t.Error("without inputs it is not what was prepared")
	}
}

// All that the caller has open stays there, and each start gets what it was given and nothing else's.
func TestWarmDescriptors(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/sh"), 3)
	for _, numbers := range [][]int{{}, {3}, {31}, {5, 4}, {3, 4, 5, 6, 30}} {
		attr := []*os.File{}
		want := []string{"0 ", "1 ", "2 "}
		for n := range slices.Max(append(numbers, 2)) - 2 {
			if !slices.Contains(numbers, n+3) {
				attr = append(attr, nil)
				continue
			}
			f, err := os.CreateTemp(t.TempDir(), "")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			fmt.Fprint(f, n+3)
			f.Seek(0, io.SeekStart)
			attr, want = append(attr, f), append(want, fmt.Sprint(n+3, " ", n+3))
		}
		const script = `for f in /proc/$$/fd/*; do [ ! -e $f ] || echo "${f##*/} $([ ${f##*/} -lt 3 ] || cat $f)"; done`
		got, err := p.Command(Inputs{Args: []string{"sh", "-c", script}, ExtraFiles: attr}).Output()
		if err != nil {
			t.Fatal(err)
		}
		has := strings.Split(strings.TrimRight(string(got), "\n"), "\n")
		slices.Sort(has)
		slices.Sort(want)
		if !slices.Equal(has, want) {
			t.Errorf("numbers %v: the program has %q; want %q", numbers, has, want)
		}
	}
	if s := p.State(); s.Warm == 0 {
		t.Error("no start was warm")
	}
}

// A number that a child which waits has for itself takes a cold start.
func TestWarmHighNumbers(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/true"), 1)
	if err := p.Command(Inputs{ExtraFiles: append(make([]*os.File, 29), os.Stdin)}).Run(); err != nil {
		t.Fatal(err)
	}
	wantStarts(t, p, 0, 1)
	if err := p.Command(Inputs{Args: []string{"true", strings.Repeat("x", 100<<10), strings.Repeat("x", 120<<10)}}).Run(); err != nil {
		t.Fatal(err)
	}
	wantStarts(t, p, 0, 2)
}

// An error is that of a cold start, word for word.
func TestWarmErrors(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/true"), 1)
	for name, in := range map[string]Inputs{
		"dir":   {Dir: "/there/is/none"},
		"limit": {Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 1 << 40, Max: 1 << 40}}},
		"NUL":   {Args: []string{"a\x00b"}},
	} {
		waiters(t, p, 1)
		cold, err := Prepare(&p.cmd)
		if err != nil {
			t.Fatal(err)
		}
		_, want := cold.Start(in)
		_, got := p.Start(in)
		if got == nil || want == nil || got.Error() != want.Error() {
			t.Errorf("%s: got %v; want %v", name, got, want)
		}
	}
	waiters(t, p, 1)
	c := p.Command(Inputs{})
	c.Path = "/there/is/none"
	if err := c.Run(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Where no child waits a start is a cold one. None waits for another to be born.
func TestWarmPoolIsEmpty(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/sleep", "100"), 1)
	var running []*Cmd
	for range 5 {
		c, err := p.Start(Inputs{})
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, c)
	}
	for _, c := range running {
		c.Process.Kill()
		c.Wait()
	}
	if s := p.State(); s.Warm == 0 || s.Cold == 0 || s.Warm+s.Cold != 5 {
		t.Errorf("%+v", s)
	}
	waiters(t, p, 1)
}

// Whoever kills a child that waits keeps nobody from starting anything.
func TestWarmChildrenAreKilled(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/true"), 3)
	for range fewer(60) {
		p.pool.mu.Lock()
		for _, w := range p.pool.idle {
			syscall.Kill(w.Process.Pid, syscall.SIGKILL)
		}
		p.pool.mu.Unlock()
		if err := p.Command(Inputs{}).Run(); err != nil {
			t.Fatal(err)
		}
	}
	waiters(t, p, 3)
}

// Children that are too old are replaced, and where nothing is started none waits.
func TestWarmAge(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/true"), 2)
	pids := func() (list []int) {
		p.pool.mu.Lock()
		defer p.pool.mu.Unlock()
		for _, w := range p.pool.idle {
			list = append(list, w.Process.Pid)
		}
		return list
	}
	set := func(age, idle time.Duration) {
		p.pool.mu.Lock()
		p.pool.mostAge, p.pool.mostIdle = age, idle
		p.pool.mu.Unlock()
		p.pool.changed.Broadcast()
	}
	first := pids()
	set(time.Nanosecond, mostIdle)
	eventually(t, "others wait", func() bool {
		now := pids()
		return !slices.Contains(now, first[0]) && !slices.Contains(now, first[1])
	})
	set(mostAge, mostIdle)
	waiters(t, p, 2)
	set(mostAge, time.Nanosecond)
	waiters(t, p, 0)
	set(mostAge, mostIdle)
	if err := p.Command(Inputs{}).Run(); err != nil { // which has others made
		t.Fatal(err)
	}
	waiters(t, p, 2)
}

// A policy that was changed is another command; nothing is started by the old one any more.
func TestWarmClose(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/true"), 4)
	children := func() (n int) {
		p.pool.mu.Lock()
		defer p.pool.mu.Unlock()
		return len(p.pool.idle)
	}
	if err := p.Warm(1); err != nil || children() != 1 {
		t.Errorf("%d children wait, %v; want 1", children(), err)
	}
	p.Close()
	p.Close()
	if n := children(); n != 0 {
		t.Errorf("%d children wait after Close", n)
	}
	if _, err := p.Start(Inputs{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := p.Warm(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Many goroutines start at once, more than there are children, again and again.
func TestWarmBursts(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/sh", "-c", `echo "$0"`), 4)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range fewer(40) {
				word := fmt.Sprint(g, "-", i)
				out, err := p.Command(Inputs{Args: []string{"sh", "-c", `echo "$0"`, word}}).Output()
				if err != nil || string(out) != word+"\n" {
					t.Errorf("%q, %v; want %q", out, err, word)
				}
			}
		})
	}
	all.Wait()
	s := p.State()
	if s.Warm == 0 || s.Warm+s.Cold != uint64(8*fewer(40)) {
		t.Errorf("%+v", s)
	}
	waiters(t, p, 4)
}

// Nothing of one start is in another: files, environment, processes, counters.
func TestWarmLeavesNothing(t *testing.T) {
	c := sandboxed(t, "/bin/sh")
	if cgroup2Mount() != "" && os.Geteuid() == 0 {
		c.Attr.Cgroup = new(Cgroup)
	}
	p := warm(t, c, 2)
	const first = `echo left >/tmp/left; hostname other 2>/dev/null; sleep 100 & echo`
	const next = `ls -A /tmp; hostname; set -- /proc/[0-9]*; echo $#; echo $SECRET`
	for range 3 {
		waiters(t, p, 2)
		a, err := p.Start(Inputs{Args: []string{"sh", "-c", first}, Env: []string{"SECRET=one", "PATH=/usr/bin:/bin"}})
		if err != nil {
			t.Fatal(err)
		}
		b := p.Command(Inputs{Args: []string{"sh", "-c", next}, Env: []string{"PATH=/usr/bin:/bin"}})
		out, err := b.Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := "warm\n2\n\n"; string(out) != want {
			t.Errorf("the next start sees %q; want %q", out, want)
		}
		a.Wait()
	}
	wantStarts(t, p, 6, 0)
}

// The context and the time limit end a command that was warm, and its result says so.
func TestWarmEnding(t *testing.T) {
	p := warm(t, sandboxed(t, "/bin/sleep", "100"), 1)
	c := p.Command(Inputs{Ending: &Ending{Timeout: 50 * time.Millisecond}})
	if err := c.Run(); !errors.Is(err, ErrTimeout) || c.Result().Cause != CauseTimeout {
		t.Errorf("%v, %v", err, c.Result().Cause)
	}
	waiters(t, p, 1)
	ctx, cancel := context.WithCancel(t.Context())
	c = p.Command(Inputs{Context: ctx})
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := c.Wait(); err == nil || c.Result().Cause != CauseCanceled {
		t.Errorf("%v, %v", err, c.Result().Cause)
	}
	waiters(t, p, 1)
	if _, err := p.Start(Inputs{Context: ctx}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	wantStarts(t, p, 2, 0)
}

// What a child that waits cannot have is refused before one is made.
func TestWarmRefuses(t *testing.T) {
	for field, change := range map[string]func(*Cmd){
		"Attr.WaitFor":       func(c *Cmd) { c.Attr = &Attr{WaitFor: os.Stdin} },
		"Attr.InheritAll":    func(c *Cmd) { c.Attr = &Attr{InheritAll: true} },
		"SysProcAttr.Ptrace": func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true} },
		"SysProcAttr.PidFD":  func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{PidFD: new(int)} },
	} {
		c := Command("/bin/true")
		change(c)
		p, err := Prepare(c)
		if err != nil {
			t.Fatal(err)
		}
		var e *StartError
		if err := p.Warm(1); !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
		p.Close()
	}
	if _, err := Prepare(CommandContext(t.Context(), "/bin/true")); err == nil {
		t.Error("a command with a context is prepared")
	}
	c := Command("/bin/true")
	c.Attr = &Attr{Nice: new(int(99))}
	if _, err := Prepare(c); err == nil {
		t.Error("a command that cannot be started is prepared")
	}
}

// warm-parent: have children wait, tell their numbers, and stay.
var _ = helper("warm-parent", func([]string) int {
	c := Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET}
	p, err := Prepare(c)
	if err == nil {
		err = p.Warm(3)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, w := range p.pool.idle {
		fmt.Println(w.Process.Pid)
	}
	return stay()
})

// The end of this process is that of the children that wait.
func TestWarmParentIsKilled(t *testing.T) {
	requires(t, namespace("user"))
	c := helperCommand("warm-parent")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var pids [3]int
	_, err = fmt.Fscan(out, &pids[0], &pids[1], &pids[2])
	c.Process.Kill()
	c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		eventually(t, "the child is gone", func() bool {
			stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			return err != nil || parseStat(string(stat)).state == "Z"
		})
	}
}

// warmed is the command as one of a prepared one for which a child waits, if one can.
func warmed(t *testing.T, c *Cmd) *Cmd {
	t.Helper()
	c.Trace = nil
	p, err := Prepare(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	var e *StartError
	if err := p.Warm(1); errors.As(err, &e) && errors.Is(err, syscall.EINVAL) && (strings.Contains(err.Error(), "a child that waits") || strings.Contains(err.Error(), "Prepared.Warm")) {
		return c
	} else if err != nil {
		t.Fatal(err)
	}
	high := len(c.ExtraFiles) > 29 || slices.ContainsFunc(attr(c).Files, func(f File) bool { return f.FD > 31 })
	t.Cleanup(func() {
		if s := p.State(); (s.Cold > 0) != high && !t.Failed() {
			t.Errorf("%d starts were cold", s.Cold)
		}
	})
	warm := p.Command(Inputs{})
	t.Cleanup(func() {
		if f := warm.Birth.Stops; f != nil {
			f.Close()
		}
	})
	return warm
}

// Whatever a start asks for, a child that has waited gives it, or the field says that none can wait.
func TestWarmCases(t *testing.T) {
	for _, s := range drawn(t, startCases()) {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			c := s.cmd(t)
			if sys(c).Ptrace { // it stops, and somebody has to let it go on
				return
			}
			plain := s.cmd(t)
			if err := plain.Run(); err != nil {
				t.Skip("it does not come to its end: ", err)
			}
			c = warmed(t, c)
			if err := c.Run(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever stops a child that waits holds up no start.
func TestWarmChildrenAreStopped(t *testing.T) {
	for name, init := range map[string]*Init{"init": new(Init), "program": nil} {
		t.Run(name, func(t *testing.T) {
			c := Command("/bin/true")
			c.Attr = &Attr{Init: init}
			p := warm(t, c, 2)
			p.pool.mu.Lock()
			for _, w := range p.pool.idle {
				syscall.Kill(w.Process.Pid, syscall.SIGSTOP)
			}
			p.pool.mu.Unlock()
			for range 3 {
				if err := p.Command(Inputs{}).Run(); err != nil {
					t.Fatal(err)
				}
			}
			if s := p.State(); s.Cold == 0 {
				t.Errorf("%+v; the children were stopped", s)
			}
		})
	}
}

// warm-changes WHAT: have a child wait, change what this process is, and start a command that tells what it has inherited.
var _ = helper("warm-changes", func(args []string) int {
	p, err := Prepare(Command("/bin/sh", "-c", "id -u; pwd; grep CapEff /proc/self/status; ulimit -n"))
	if err == nil {
		err = p.Warm(1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	runtime.LockOSThread() // what is changed may be this thread's alone, which makes both starts
	switch args[0] {
	case "user":
		err = syscall.Setuid(65534)
	case "directory":
		err = os.Chdir("/usr")
	case "bounding set":
		err = unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0)
	case "securebits":
		const noRoot, noRootLocked = 1, 2
		err = unix.Prctl(unix.PR_SET_SECUREBITS, noRoot|noRootLocked, 0, 0, 0)
	case "limit":
		err = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 60, Max: 60})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	out, err := p.Command(Inputs{}).Output()
	warm := p.State().Warm
	cold, coldErr := Command("/bin/sh", p.cmd.Args[1:]...).Output()
	fmt.Print(string(out), string(cold), warm, "\n")
	if err := errors.Join(err, coldErr); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 0
})

// A process that has given up its rights starts nobody who has them, and where it has gone its programs begin: what
// it would have started cold has the same.
func TestWarmInheritsNow(t *testing.T) {
	for what, warm := range map[string]string{"user": "0", "directory": "0", "bounding set": "0", "securebits": "0", "limit": "0", "nothing": "1"} {
		if os.Geteuid() != 0 && what != "directory" && what != "nothing" && what != "limit" {
			continue
		}
		c := helperCommand("warm-changes", what)
		c.Dir, c.Stderr = "/", os.Stderr
		out, err := c.Output()
		lines := strings.Split(string(out), "\n")
		if err != nil || len(lines) != 10 {
			t.Fatalf("%s: %q, %v", what, out, err)
		}
		if got, cold := lines[:4], lines[4:8]; !slices.Equal(got, cold) {
			t.Errorf("%s: the program has %q; started cold it has %q", what, got, cold)
		}
		if lines[8] != warm {
			t.Errorf("%s: %s starts were warm; want %s", what, lines[8], warm)
		}
	}
}

// Whoever lowers the limits of a child that waits has no file be missing in the program.
func TestWarmWithLoweredLimits(t *testing.T) {
	for limit := range uint64(3) { // with more, all files come, and the shell has none for its libraries
		p := warm(t, Command("/bin/sh", "-c", "read line; echo out $line; echo err >&2"), 1)
		p.pool.mu.Lock()
		pid := p.pool.idle[0].Process.Pid
		p.pool.mu.Unlock()
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: 1024}, nil); err != nil {
			t.Fatal(err)
		}
		var out, errs strings.Builder
		if err := p.Command(Inputs{Stdin: strings.NewReader("in\n"), Stdout: &out, Stderr: &errs}).Run(); err != nil {
			t.Fatal(err)
		}
		if out.String() != "out in\n" || errs.String() != "err\n" {
			t.Errorf("with a limit of %d: %q and %q", limit, out.String(), errs.String())
		}
	}
}

// Close ends whatever is under way, whoever has asked for it.
func TestWarmIsClosedWhileManyAreMade(t *testing.T) {
	p, err := Prepare(Command("/bin/true"))
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Born = func(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }
	results := make(chan error)
	for range 3 {
		go func() { results <- p.Warm(100) }()
	}
	eventually(t, "three children are being made", func() bool {
		p.pool.mu.Lock()
		defer p.pool.mu.Unlock()
		return len(p.pool.flights) == 3
	})
	p.Close()
	if s := p.State(); len(p.pool.flights) > 0 || s.Waiting > 0 {
		t.Errorf("after Close %d are being made, %d wait", len(p.pool.flights), s.Waiting)
	}
	for range 3 {
		if err := <-results; err == nil {
			t.Error("Warm(100) = nil; want an error")
		}
	}
}

// The limits of a child's cgroup are those of its start.
func TestWarmCgroup(t *testing.T) {
	requires(t, asRoot, ownCgroups, controller("hugetlb"))
	c := Command("/bin/true")
	c.Attr = &Attr{Cgroup: &Cgroup{Parent: testCgroup(t), HugeTLB: []HugeTLBMax{{"2MB", 4 << 20}}}}
	p := warm(t, c, 1)
	for _, max := range []uint64{8 << 20, 16 << 20} {
		waiters(t, p, 1)
		run := p.Command(Inputs{Args: []string{"sleep", "100"}, Cgroup: &Cgroup{HugeTLB: []HugeTLBMax{{"2MB", max}}}})
		run.Path = "/bin/sleep"
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(contentsOf(run.Birth.Cgroup.Path() + "/hugetlb.2MB.max")); got != fmt.Sprint(max) {
			t.Errorf("hugetlb.2MB.max is %s; want %d", got, max)
		}
		run.Process.Kill()
		run.Wait()
	}
	wantStarts(t, p, 2, 0)
	if err := p.Command(Inputs{Rlimits: []Rlimit{{Resource: RlimitNofile, Cur: 50, Max: 50}}}).Run(); err != nil {
		t.Fatal(err)
	}
	if p, _ := Prepare(Command("/bin/true")); p.Command(Inputs{Cgroup: new(Cgroup)}).Start() == nil {
		t.Error("a cgroup is given to a command without one")
	}
}

// A command that was prepared asks for all that the first one did, but for what belongs to one start.
func TestPreparedAsksForAll(t *testing.T) {
	ofOneStart := []string{"Process", "Birth", "Trace", "ProcessState", "Cancel"}
	c := &Cmd{Path: "/bin/true", Args: []string{"true"}, Env: []string{}, Dir: "/", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: []*os.File{os.Stdin}, SysProcAttr: new(syscall.SysProcAttr), Attr: new(Attr), Ending: new(Ending), Born: func(int) error { return nil },
		Events: make(chan Event, 9), WaitDelay: time.Second, Err: errors.New("an error")}
	asked := reflect.ValueOf(c.asked())
	for _, f := range reflect.VisibleFields(asked.Type()) {
		if !f.IsExported() || slices.Contains(ofOneStart, f.Name) {
			continue
		}
		if reflect.ValueOf(c).Elem().FieldByIndex(f.Index).IsZero() {
			t.Errorf("the test says nothing of %s", f.Name)
		}
		if asked.FieldByIndex(f.Index).IsZero() {
			t.Errorf("%s is left out", f.Name)
		}
	}
}

// Events are told of a child that has waited as of any other.
func TestWarmEvents(t *testing.T) {
	c, events := Command("/bin/true"), make(chan Event, 9)
	c.Events = events
	p := warm(t, c, 1)
	if err := p.Command(Inputs{}).Run(); err != nil {
		t.Fatal(err)
	}
	wantTold(t, events, "born", "executed", "ended by program 0")
	wantStarts(t, p, 1, 0)
}
