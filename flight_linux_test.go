//go:build amd64 || arm64

package sprog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/proctree"
	"github.com/sprog-dev/sprog/internal/slowfile"
)

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
	for i := range 20 {
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
