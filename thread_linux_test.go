//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/ownproc"
)

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
