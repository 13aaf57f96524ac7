//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/proctree"
	"github.com/sprog-dev/sprog/internal/slowfile"

	"github.com/sprog-dev/sprog/internal/sweep"
)

func TestPidFD(t *testing.T) {
	fd := -1
	c := helperCommand("hang", "")
	c.SysProcAttr = &syscall.SysProcAttr{PidFD: &fd}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	info := fmt.Sprintf("/proc/self/fdinfo/%d", fd)
	if got, want := procField(info, "Pid"), strconv.Itoa(c.Process.Pid); got != want {
		t.Errorf("the descriptor is of process %q; want %s", got, want)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags = %#x, %v; want close-on-exec", flags, err)
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		t.Error(err)
	}
	if err := c.Wait(); !killed(err) {
		t.Errorf("Wait() = %v; want killed", err)
	}
}

// A start that does not succeed gives no descriptor.
func TestPidFDOfNothing(t *testing.T) {
	fd := -7
	c := Command("/no/such/program")
	c.SysProcAttr = &syscall.SysProcAttr{PidFD: &fd}
	if err := c.Run(); err == nil || fd != -7 && fd != -1 {
		t.Errorf("Run() = %v, descriptor %d; want an error, and none", err, fd)
	}
}

func TestCgroupFD(t *testing.T) {
	requires(t, asRoot, cgroup2)
	cgroup := newCgroup(t)
	out := printed(t, &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(cgroup.Fd())}, nil, "/bin/cat", "/proc/self/cgroup")
	if want := "/" + filepath.Base(cgroup.Name()); !strings.HasSuffix(fieldOf(strings.ReplaceAll(out, "0::", "unified:"), "unified"), want) {
		t.Errorf("cgroups =\n%s; want %s", out, want)
	}
}

func TestCgroupFDOfSomethingElse(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fd := int(null.Fd())
	for _, test := range []struct {
		fd   int
		want string
	}{
		{fd, fmt.Sprintf("sprog: start /bin/true: clone3 CLONE_INTO_CGROUP descriptor %d (SysProcAttr.CgroupFD): bad file descriptor (it is not open, or not the directory of a cgroup of version 2)", fd)},
		{1 << 20, "sprog: start /bin/true: clone3 CLONE_INTO_CGROUP descriptor 1048576 (SysProcAttr.CgroupFD): bad file descriptor (it is not open, or not the directory of a cgroup of version 2)"},
	} {
		c := Command("/bin/true")
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: test.fd}
		if err := c.Run(); err == nil || err.Error() != test.want {
			t.Errorf("Run() = %v; want %s", err, test.want)
		}
	}
}

// Where both are asked for, the error tells which of them it is about.
func TestCgroupOrNamespace(t *testing.T) {
	for want, flags := range map[string]uintptr{
		"SysProcAttr.CgroupFD":   syscall.CLONE_NEWIPC,
		"SysProcAttr.Cloneflags": syscall.CLONE_NEWIPC | syscall.CLONE_SYSVSEM, // which no kernel combines
	} {
		c := Command("/bin/true")
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: 1 << 20, Cloneflags: privileged(t, flags)}
		if se, ok := c.Run().(*StartError); !ok || se.Field != want {
			t.Errorf("Cloneflags %#x: %v; want an error for %s", flags, se, want)
		}
	}
}

func TestPtrace(t *testing.T) {
	onOwnThread(t, func() error {
		c := Command("/bin/sh", "-c", "exit 5")
		c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		if err := c.Start(); err != nil {
			return err
		}
		pid := c.Process.Pid
		defer c.Process.Release()
		var ws syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || !ws.Stopped() || ws.StopSignal() != syscall.SIGTRAP {
			return fmt.Errorf("first stop: %v, %#x; want SIGTRAP", err, ws)
		}
		if got := procField("/proc/"+strconv.Itoa(pid)+"/status", "TracerPid"); got != strconv.Itoa(syscall.Gettid()) && got != strconv.Itoa(os.Getpid()) {
			return fmt.Errorf("tracer = %s; want this process", got)
		}
		if err := syscall.PtraceSetOptions(pid, syscall.PTRACE_O_TRACEEXIT); err != nil {
			return err
		}
		if err := syscall.PtraceCont(pid, 0); err != nil {
			return err
		}
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || ws.TrapCause() != syscall.PTRACE_EVENT_EXIT {
			return fmt.Errorf("second stop: %v, %#x; want that of the exit", err, ws)
		}
		if err := syscall.PtraceCont(pid, 0); err != nil {
			return err
		}
		if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || ws.ExitStatus() != 5 {
			return fmt.Errorf("end: %v, %#x; want exit status 5", err, ws)
		}
		return nil
	})
}

// deathsig: start a program with a parent-death signal from threads that end,
// say whether it lives on, and exit.
var _ = helper("deathsig", func(args []string) int {
	way := ways[args[0]]
	var started []*Cmd
	for range 3 { // one of the threads may be the main thread, which stays
		done := make(chan *Cmd)
		go func() {
			runtime.LockOSThread() // for good: the thread ends with the goroutine
			c := Command("/bin/cat")
			c.Stdin, c.Stdout = os.Stdin, os.Stdout
			c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			if len(args) > 1 {
				prepareDeadly(c, args[1], args[2])
			}
			if err := way(c).Start(); err != nil {
				fmt.Println(err)
			}
			done <- c
		}()
		started = append(started, <-done)
	}
	time.Sleep(200 * time.Millisecond) // for a signal that ought not to come
	alive := 0
	for _, c := range started {
		if pid, err := syscall.Wait4(c.Process.Pid, nil, syscall.WNOHANG, nil); pid == 0 && err == nil {
			alive++
		}
	}
	fmt.Println(alive, "alive")
	return 0
})

// deathsigs runs the helper deathsig and returns how many of its children
// outlived their threads, and whether all died with the process.
func deathsigs(t *testing.T, way ...string) (alive string, died bool) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := helperCommand("deathsig", way...)
	c.Stdin, c.Stdout, c.Stderr = in, w, os.Stderr
	err = c.Run()
	w.Close()
	in.Close()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(r)
	alive, _ = lines.ReadString('\n')
	// Whoever still lives has the pipe open. It is let go after a while.
	release := time.AfterFunc(10*time.Second, func() { hold.Close() })
	io.Copy(io.Discard, lines)
	died = release.Stop()
	hold.Close()
	return strings.TrimSpace(alive), died
}

// The signal comes when the process dies, not when the thread does that
// started the child (go.dev/issue/27505).
func TestPdeathsig(t *testing.T) {
	if alive, died := deathsigs(t, "sprog"); alive != "3 alive" || !died {
		t.Errorf("%s after the threads ended, died with the process: %v; want 3 alive, true", alive, died)
	}
	if alive, _ := deathsigs(t, "os/exec"); alive == "3 alive" && !mended[t.Name()] {
		t.Errorf("os/exec passes too")
	}
}

// threadChanges are what a thread can change for itself alone, and what takes
// root.
var threadChanges = []struct {
	name   string
	asRoot bool
	change func()
}{
	{"nothing", false, func() {}},
	{"network namespace", true, func() { must(unix.Unshare(unix.CLONE_NEWNET)) }},
	{"UTS namespace", true, func() { must(unix.Unshare(unix.CLONE_NEWUTS)) }},
	{"mount namespace", true, func() { must(unix.Unshare(unix.CLONE_NEWNS)) }},
	{"user", true, func() {
		mustCall(unix.SYS_SETRESGID, 1234, 1235, 1236)
		mustCall(unix.SYS_SETRESUID, 1234, 1234, 1234)
	}},
	{"groups", true, func() {
		groups := [2]uint32{7, 77}
		mustCall(unix.SYS_SETGROUPS, 2, uintptr(unsafe.Pointer(&groups)), 0)
	}},
	{"capabilities", true, func() {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		for n := range uintptr(8) {
			must(unix.Prctl(unix.PR_CAPBSET_DROP, n, 0, 0, 0))
		}
		must(unix.Capset(&header, &none[0]))
	}},
	{"working directory and umask", false, func() {
		must(unix.Unshare(unix.CLONE_FS))
		must(unix.Chdir("/usr"))
		unix.Umask(0o27)
	}},
	{"no_new_privs", false, func() { must(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) }},
	{"processors", false, func() {
		var all, one unix.CPUSet
		must(unix.SchedGetaffinity(0, &all))
		for n := range 1024 {
			if all.IsSet(n) {
				one.Zero()
				one.Set(n) // the last one
			}
		}
		must(unix.SchedSetaffinity(0, &one))
	}},
	{"nice value", false, func() { must(unix.Setpriority(unix.PRIO_PROCESS, 0, 17)) }},
	{"signal mask", false, func() {
		set := unix.Sigset_t{Val: [16]uint64{1<<(unix.SIGUSR1-1) | 1<<(unix.SIGWINCH-1)}}
		must(unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil))
	}},
	{"timer slack", false, func() { must(unix.Prctl(unix.PR_SET_TIMERSLACK, 123456, 0, 0, 0)) }},
	{"personality", false, func() { mustCall(unix.SYS_PERSONALITY, 0x40000, 0, 0) }},
	{"I/O priority", false, func() { mustCall(unix.SYS_IOPRIO_SET, 1, 0, 3<<13) }},
}

func mustCall(nr, a, b, c uintptr) {
	if _, _, errno := unix.RawSyscall(nr, a, b, c); errno != 0 {
		must(errno)
	}
}

// threadProbe prints what a process has that threads can change.
const threadProbe = `
for ns in net uts mnt pid user; do readlink /proc/self/ns/$ns; done
id; nice; pwd -P; umask
grep -E '^(Cap|NoNewPrivs|SigBlk|Cpus_allowed_list)' /proc/self/status
cat /proc/self/timerslack_ns /proc/self/personality 2>&1
ionice -p $$ 2>&1`

// A child has what the calling thread has changed for itself, whichever way it
// is made. To go without would be to have rights that its caller has given up.
func TestThreadState(t *testing.T) {
	sweep.Long(t)
	deadly := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	kinds := []struct {
		name string
		sys  *syscall.SysProcAttr
		attr *Attr
	}{{"plain", nil, nil}, {"Pdeathsig", deadly, nil}}
	if os.Geteuid() == 0 && cgroupV1("pids").works() == nil {
		kinds = append(kinds, kinds[1])
		kinds[2].name, kinds[2].attr = "Pdeathsig and a cgroup", &Attr{CgroupV1: []string{testCgroupV1(t, "pids")}}
	}
	for _, change := range threadChanges {
		for _, kind := range kinds {
			t.Run(change.name+", "+kind.name, func(t *testing.T) {
				if change.asRoot {
					requires(t, asRoot)
				}
				keepDumpable(t) // a thread that changes its user takes the flag from the whole process
				if change.name == "user" && kind.attr != nil {
					t.Skip("that user may not enter the cgroup")
				}
				inLockedThread(func() {
					change.change()
					c := exec.Command("/bin/sh", "-c", threadProbe)
					c.SysProcAttr = kind.sys
					want, err := c.CombinedOutput()
					if err != nil {
						t.Errorf("os/exec: %v\n%s", err, want)
					}
					c2 := Command("/bin/sh", "-c", threadProbe)
					c2.SysProcAttr, c2.Attr = kind.sys, kind.attr
					got, err := c2.CombinedOutput()
					if string(got) != string(want) || err != nil {
						t.Errorf("the child has, %v:\n%s\nos/exec's has:\n%s", err, got, want)
					}
				})
			})
		}
	}
}

// keepDumpable puts the process's dumpable flag back after the test.
func keepDumpable(t *testing.T) {
	flag, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	must(err)
	t.Cleanup(func() { must(unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(flag), 0, 0, 0)) })
}

// A thread that has made a PID namespace for its children can have no threads
// besides, and makes the child itself: the first in that namespace.
func TestThreadWithPIDNamespace(t *testing.T) {
	requires(t, asRoot)
	deadly := syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	mapped := deadly
	mapped.Cloneflags, mapped.UidMappings, mapped.GidMappings = unix.CLONE_NEWUSER, uidToRoot, gidToRoot
	for kind, sys := range map[string]*syscall.SysProcAttr{"plain": &deadly, "cgroup": &deadly, "cgroup and id maps": &mapped} {
		t.Run(kind, func(t *testing.T) {
			c := Command("/bin/sh", "-c", "echo $$")
			c.SysProcAttr = sys
			if strings.Contains(kind, "cgroup") {
				requires(t, cgroupV1("pids"), userNamespaces)
				c.Attr = &Attr{CgroupV1: []string{testCgroupV1(t, "pids")}}
			}
			inLockedThread(func() {
				must(unix.Unshare(unix.CLONE_NEWPID))
				if out, err := c.CombinedOutput(); string(out) != "1\n" || err != nil {
					t.Errorf("the child is %q, %v; want 1", out, err)
				}
			})
		})
	}
}

// inLockedThread calls f in a thread that ends with it.
func inLockedThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // the first thread, which would stay
			inLockedThread(f)
			runtime.UnlockOSThread()
			return
		}
		f()
	}()
	<-done
}

// The signal is about the process, in every way that a child is made.
func TestPdeathsigOfEachKind(t *testing.T) {
	sweep.Long(t)
	for kind, needs := range map[string][]*requirement{
		"plain":                  nil,
		"without clone3":         nil,
		"init":                   nil,
		"id maps":                {userNamespaces},
		"cgroup":                 {asRoot, cgroupV1("pids")},
		"cgroup, without clone3": {asRoot, cgroupV1("pids")},
		"cgroup and id maps":     {asRoot, userNamespaces, cgroupV1("pids")},
		"cgroup and init":        {asRoot, cgroupV1("pids")},
		"PID namespace":          {asRoot},
		"joined PID namespace":   {asRoot},
	} {
		t.Run(kind, func(t *testing.T) {
			requires(t, needs...)
			with := ""
			switch {
			case strings.Contains(kind, "cgroup"):
				with = testCgroupV1(t, "pids")
			case kind == "joined PID namespace":
				c := newContainer(t, newKinds, nil)
				with = fmt.Sprintf("/proc/%d/ns/pid", c.pid)
			}
			if alive, died := deathsigs(t, "sprog", kind, with); alive != "3 alive" || !died {
				t.Errorf("%s after the threads ended, died with the process: %v; want 3 alive, true", alive, died)
			}
		})
	}
}

// prepareDeadly makes c what TestPdeathsigOfEachKind calls it.
func prepareDeadly(c *Cmd, kind, with string) {
	has := func(what string) bool { return strings.Contains(kind, what) }
	c.Attr = new(Attr)
	switch {
	case has("cgroup"):
		c.Attr.CgroupV1 = []string{with}
	case has("joined"):
		c.Attr.Join = []Namespace{{Path: with, Kinds: PIDNamespace}}
	case has("PID namespace"):
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID
	}
	if has("id maps") {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = uidToRoot, gidToRoot
	}
	if has("init") {
		c.Attr.Init = &Init{}
	}
	if has("without clone3") {
		kernel.Known.Learn(kernel.NoClone3)
	}
}

// A start that takes long, here because its child opens a FIFO, holds no other
// with a parent-death signal.
func TestSlowStartHoldsNoOther(t *testing.T) {
	requires(t, asRoot, cgroupV1("pids"))
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	deadly := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	slow := &Cmd{Path: "/bin/true", SysProcAttr: deadly, Attr: &Attr{
		CgroupV1: []string{testCgroupV1(t, "pids")}, Files: []File{{FD: 3, Path: fifo, Flags: unix.O_RDONLY}},
	}}
	ended := make(chan error, 1)
	go func() { ended <- slow.Run() }()
	awaitOpening(t, fifo)

	other := make(chan error, 1)
	go func() { other <- (&Cmd{Path: "/bin/true", SysProcAttr: deadly}).Run() }()
	select {
	case err := <-other:
		if err != nil {
			t.Error(err)
		}
	case err := <-ended:
		t.Fatalf("the start was not slow: %v", err)
	case <-time.After(30 * time.Second):
		t.Error("a start waits for another one")
	}
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// awaitOpening returns when a child of this process is at the opening of a file
// that nobody else has a part in.
func awaitOpening(t *testing.T, path string) {
	t.Helper()
	own, err := ownproc.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	openat := strconv.Itoa(unix.SYS_OPENAT) + " "
	eventually(t, "a child opens "+path, func() bool {
		for _, pid := range own.Children(os.Getpid()) {
			if strings.HasPrefix(contentsOf(fmt.Sprintf("/proc/%d/syscall", pid)), openat) {
				return true
			}
		}
		return false
	})
}

// A startKind is a way in which a child comes to its program.
type startKind struct {
	name    string
	needs   []*requirement
	prepare func(*Cmd)
}

var startKinds = []startKind{
	{"plain", nil, func(*Cmd) {}},
	{"session", nil, func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }},
	{"second stage", nil, func(c *Cmd) { attr(c).OOMScoreAdj = new(500) }},
	{"init", nil, func(c *Cmd) { attr(c).Init = &Init{} }},
	{"parent-death signal", nil, func(c *Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL} }},
	{"id map", []*requirement{userNamespaces}, func(c *Cmd) { c.SysProcAttr = newUserNamespace() }},
	{"PID namespace and init", []*requirement{userNamespaces}, func(c *Cmd) {
		c.SysProcAttr = newUserNamespace()
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWPID
		attr(c).Init = &Init{}
	}},
	{"user", []*requirement{asRoot}, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}},
	{"cgroup", []*requirement{ownCgroups}, func(c *Cmd) { attr(c).Cgroup = &Cgroup{} }}, // in vfork
	{"cgroup and init", []*requirement{ownCgroups}, func(c *Cmd) { attr(c).Cgroup, attr(c).Init = &Cgroup{}, &Init{} }},
	{"cgroup and parent-death signal", []*requirement{ownCgroups}, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
		attr(c).Cgroup = &Cgroup{}
	}},
	{"cgroup and id map", []*requirement{ownCgroups, userNamespaces}, func(c *Cmd) {
		c.SysProcAttr = newUserNamespace()
		attr(c).Cgroup = &Cgroup{}
	}},
	{"cgroup, id map and parent-death signal", []*requirement{ownCgroups, userNamespaces}, func(c *Cmd) {
		c.SysProcAttr = newUserNamespace()
		c.SysProcAttr.Pdeathsig = unix.SIGKILL
		attr(c).Cgroup = &Cgroup{}
	}},
	{"listener", nil, filtering(Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: []string{"reboot"}, Action: SeccompNotify}}})},
}

func newUserNamespace() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid())}
}

// fifo is one that nobody has open.
func fifo(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sprog-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "fifo")
	if err := errors.Join(os.Chmod(dir, 0o755), unix.Mkfifo(path, 0o666), os.Chmod(path, 0o666)); err != nil {
		t.Fatal(err)
	}
	return path
}

// endsStart has a start end that would never come back, and looks what is left of it.
// meanwhile, if not nil, is called when there is a child, with a function that lists it.
func endsStart(t *testing.T, c *Cmd, cancel func(), meanwhile func(born func() []int)) *StartError {
	t.Helper()
	before := ownChildren()
	born := func() (pids []int) {
		for pid := range ownChildren() {
			if !before[pid] {
				pids = append(pids, pid)
			}
		}
		return pids
	}
	done := make(chan error, 1)
	go func() { done <- c.Start() }()
	want := ErrTimeout
	if cancel != nil {
		want = context.Canceled
		eventually(t, "there is a child", func() bool { return len(born()) > 0 })
		if meanwhile != nil {
			meanwhile(born)
		}
		cancel()
	}
	err := <-done
	var start *StartError
	if !errors.Is(err, want) || !errors.As(err, &start) {
		t.Fatalf("Start() = %v; want a StartError with %v", err, want)
	}
	if r := c.Result(); r == nil || r.Cause != CauseStart || r.Err != err {
		t.Errorf("Result() = %+v; want one of a start that failed", r)
	}
	eventually(t, "no child is left", func() bool { return len(born()) == 0 })
	return start
}

// A start that hangs ends when the time is over and when the context is done, in
// whatever way the child was made.
func TestStartIsEnded(t *testing.T) {
	for _, kind := range drawn(t, startKinds) {
		t.Run(kind.name+"/timeout", func(t *testing.T) {
			requires(t, kind.needs...)
			c := Command("/bin/true")
			kind.prepare(c)
			attr(c).Files = []File{{FD: 3, Path: fifo(t)}}
			c.Ending = &Ending{Timeout: soon, Grace: never}
			start := endsStart(t, c, nil, nil)
			if start.Step == "openat" && start.Field != "Attr.Files[0]" {
				t.Errorf("it is said to have come to %q (%s); want the FIFO", start.Step, start.Field)
			}
		})
		t.Run(kind.name+"/context", func(t *testing.T) {
			requires(t, kind.needs...)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			c := CommandContext(ctx, "/bin/true")
			kind.prepare(c)
			attr(c).Files = []File{{FD: 3, Path: fifo(t)}}
			endsStart(t, c, cancel, nil)
		})
	}
}

// stopChildren stops processes if they are this one's children.
func stopChildren(pids []int) {
	for _, pid := range pids {
		pidfd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		const ask = unix.WEXITED | unix.WNOHANG | unix.WNOWAIT | unix.WALL
		if unix.Waitid(unix.P_PIDFD, pidfd, nil, ask, nil) == nil {
			proctree.Send(pidfd, unix.SIGSTOP)
		}
		unix.Close(pidfd)
	}
}

// That it is stopped keeps no child from being killed.
func TestStoppedStartIsEnded(t *testing.T) {
	for _, kind := range drawn(t, startKinds) {
		t.Run(kind.name, func(t *testing.T) {
			requires(t, kind.needs...)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			c := CommandContext(ctx, "/bin/true")
			kind.prepare(c)
			attr(c).Files = []File{{FD: 3, Path: fifo(t)}}
			over, stopped := make(chan struct{}), make(chan struct{})
			endsStart(t, c, cancel, func(born func() []int) {
				go func() {
					defer close(stopped)
					for {
						select {
						case <-over:
							return
						default:
							stopChildren(born())
							time.Sleep(time.Millisecond)
						}
					}
				}()
			})
			close(over)
			<-stopped
		})
	}
}

// A program on a file system whose server does not answer holds up the start no longer than
// that is allowed. Its child dies when the server does.
func TestStartOnADeadFileSystemIsEnded(t *testing.T) {
	// FUSE is for its own user; in vfork the thread that makes the child waits in the kernel.
	able := slices.DeleteFunc(slices.Clone(startKinds), func(k startKind) bool { return len(k.needs) > 0 })
	for _, kind := range drawn(t, able) {
		t.Run(kind.name, func(t *testing.T) {
			server, path := slowServer(t, never)
			before := ownChildren()
			c := Command(path)
			kind.prepare(c)
			c.Ending = &Ending{Timeout: soon}
			if err := c.Run(); !errors.Is(err, ErrTimeout) {
				t.Errorf("Run() = %v; want %v", err, ErrTimeout)
			}
			server.Process.Kill()
			eventually(t, "no child is left", func() bool {
				for pid := range ownChildren() {
					if !before[pid] && pid != server.Process.Pid {
						return false
					}
				}
				return true
			})
		})
	}
}

// A container whose file system stops to answer when the program has not been found holds up
// nobody who looks for the reason.
func TestReasonOnADeadFileSystem(t *testing.T) {
	sweep.Long(t)
	requires(t, asRoot)
	server, path := slowServer(t, 0)
	c := Command("/" + slowfile.Deaf)
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: fmt.Sprintf("/proc/%d/root%s", server.Process.Pid, filepath.Dir(path))}
	failed := make(chan error, 1)
	go func() { failed <- c.Run() }()
	select {
	case err := <-failed:
		if !errors.Is(err, unix.ENOENT) {
			t.Errorf("Run() = %v; want %v", err, unix.ENOENT)
		}
	case <-time.After(time.Minute):
		t.Error("Run() does not come back")
	}
}

// stop-all: have every other process of this PID namespace stopped, again and again, for a minute.
var _ = helper("stop-all", func([]string) int {
	fmt.Println("ready")
	for begin := time.Now(); time.Since(begin) < time.Minute; {
		unix.Kill(-1, unix.SIGSTOP)
	}
	return 0
})

// Root of a joined container that stops whoever comes cannot make a start last for ever.
func TestStartIntoAHostileContainerIsEnded(t *testing.T) {
	requires(t, asRoot)
	box := helperCommand("stop-all")
	box.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	out := startReading(t, box)
	out.Read(make([]byte, 6))
	for i := range 2 * fewer(10) {
		c := Command("/bin/sleep", "1000")
		c.Attr = &Attr{Join: []Namespace{{PID: box.Process.Pid, Kinds: PIDNamespace}}}
		if i%2 == 1 {
			c.Attr.Init = &Init{}
		}
		c.Ending = &Ending{Timeout: soon / 4}
		before := ownChildren()
		if err := c.Run(); !errors.Is(err, ErrTimeout) {
			t.Fatalf("Run() = %v; want %v", err, ErrTimeout)
		}
		eventually(t, "no child is left", func() bool {
			for pid := range ownChildren() {
				if !before[pid] {
					return false
				}
			}
			return true
		})
	}
}
