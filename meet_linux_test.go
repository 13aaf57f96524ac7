//go:build amd64 || arm64

package sprog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// met is a command whose Meet is f. It has a network of its own, as the user that the tests run as.
func met(t *testing.T, f func(*Meeting) error) *Cmd {
	requires(t, userNamespaces)
	c := Command("/bin/true")
	meeting(unix.CLONE_NEWUSER, nil)(t, c)
	c.Attr.Meet = f
	return c
}

// areClosed reports whether all files are closed, and closes them.
func areClosed(files []*os.File) bool {
	open := 0
	for _, f := range files {
		if f.Close() == nil {
			open++
		}
	}
	return open == 0
}

// leavesNothing runs f, and wants what it began with.
func leavesNothing(t *testing.T, what string, f func()) {
	t.Helper()
	before := heldNow(t)
	f()
	before.compare(t, what)
}

var errMeeting = errors.New("nobody came")

// Whatever a start fails of once there are sockets, nothing is left of it.
func TestMeetFails(t *testing.T) {
	for _, test := range []struct {
		name  string
		meets error
		spoil func(*Cmd)
		want  func(*StartError) bool
	}{
		{"the meeting", errMeeting, func(*Cmd) {}, func(e *StartError) bool { return e.Field == "Attr.Meet" && errors.Is(e, errMeeting) }},
		{"the program", nil, func(c *Cmd) { c.Path = "/no/such" }, func(e *StartError) bool { return e.Step == "execve" && errors.Is(e, syscall.ENOENT) }},
		{"a later step", nil, func(c *Cmd) { c.Dir = "/no/such" }, func(e *StartError) bool { return e.Step == "chdir" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var sockets []*os.File
			c := met(t, func(m *Meeting) error {
				sockets = m.Sockets
				return test.meets
			})
			test.spoil(c)
			leavesNothing(t, "a start that failed", func() {
				err := c.Start()
				if e := (*StartError)(nil); !errors.As(err, &e) || !test.want(e) {
					t.Errorf("Start() = %v", err)
				}
			})
			if !areClosed(sockets) {
				t.Error("a socket is left open")
			}
		})
	}
}

// A program that is open for writing is tried again, with another child, other sockets and another meeting.
func TestMeetAgain(t *testing.T) {
	program := filepath.Join(t.TempDir(), "true")
	text, err := os.ReadFile("/bin/true")
	must(err)
	must(os.WriteFile(program, text, 0o755))
	var writer *os.File
	var pids []int
	var first, last []*os.File
	c := met(t, func(m *Meeting) error {
		if pids = append(pids, m.Pid); len(pids) == 3 {
			last = m.Sockets
			return writer.Close()
		}
		if first = m.Sockets; len(pids) == 2 && len(last) > 0 {
			t.Error("the third came before")
		}
		return nil
	})
	c.Path = program
	leavesNothing(t, "a start at the third try", func() {
		writer, err = os.OpenFile(program, os.O_WRONLY, 0)
		must(err)
		defer writer.Close()
		if err := c.Run(); err != nil {
			t.Error(err)
		}
		if len(pids) != 3 || pids[2] != c.Process.Pid || pids[0] == pids[2] {
			t.Errorf("the meetings were with %v; the program is %d", pids, c.Process.Pid)
		}
		if !areClosed(first) || areClosed(last) {
			t.Error("the sockets of the first try are open, or those of the last are closed")
		}
	})
}

// A panic in Meet is one of Start, and runtime.Goexit ends the goroutine that Start was called in. Nothing is left either way.
func TestMeetPanics(t *testing.T) {
	var sockets []*os.File
	for name, end := range map[string]func(){
		"panic":  func() { panic(errMeeting) },
		"Goexit": runtime.Goexit,
	} {
		c := met(t, func(m *Meeting) error {
			sockets = m.Sockets
			end()
			return nil
		})
		leavesNothing(t, name, func() {
			stdin, err := c.StdinPipe()
			must(err)
			done := make(chan any)
			go func() {
				returned := false
				defer func() {
					value := recover()
					if returned {
						value = "returned"
					}
					done <- value
				}()
				c.Start()
				returned = true
			}()
			value := <-done
			if err, _ := value.(error); name == "panic" && (!errors.Is(err, errMeeting) || !strings.Contains(err.Error(), "meet_linux_test.go")) {
				t.Errorf("%s: recovered %v; want the error, with where it came from", name, value)
			} else if name == "Goexit" && value != nil {
				t.Errorf("%s: %v", name, value)
			}
			if _, err := io.WriteString(stdin, "x"); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s: writing to the child: %v; want that it is closed", name, err)
			}
		})
		if !areClosed(sockets) {
			t.Errorf("%s: a socket is left open", name)
		}
	}
}

// A start that is to end waits for a Meet that returns when its sockets are closed, and goes on without one
// that does not return.
func TestMeetIsLeft(t *testing.T) {
	never := make(chan struct{})
	for name, meet := range map[string]func(m *Meeting) error{
		"reads": func(m *Meeting) error { _, err := m.Sockets[0].Read(make([]byte, 1)); return err },
		"hangs": func(m *Meeting) error { <-never; return nil },
	} {
		var sockets []*os.File
		ctx, cancel := context.WithCancel(context.Background())
		returned := make(chan error, 1)
		c := met(t, func(m *Meeting) error {
			sockets = m.Sockets
			time.AfterFunc(5*time.Millisecond, cancel)
			err := meet(m)
			returned <- err
			return err
		})
		c.ctx, c.Cancel = ctx, func() error { return c.Process.Kill() }
		leavesNothing(t, name, func() {
			if err := c.Start(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: Start() = %v; want that the context is cancelled", name, err)
			}
		})
		if !areClosed(sockets) {
			t.Errorf("%s: a socket is left open", name)
		}
		if name == "hangs" {
			close(never)
		}
		if err := <-returned; name == "reads" && !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: Meet returned %v; want that its socket is closed", name, err)
		}
	}
}

// Meet may start whatever it likes, and be as long about it as it likes: nobody waits for it, and it waits for nobody. Each
// kind of start inside each other one meets in turn.
func TestMeetStarts(t *testing.T) {
	for _, outer := range startKinds {
		if outer.name == "listener" {
			continue // which shares its memory
		}
		for _, inner := range startKinds {
			t.Run(outer.name+"/"+inner.name, func(t *testing.T) {
				requires(t, slices.Concat(outer.needs, inner.needs)...)
				other := Command("/bin/true")
				inner.prepare(other)
				c := Command("/bin/true")
				outer.prepare(c)
				attr(c).Meet = func(*Meeting) error {
					if err := exec.Command("/bin/true").Run(); err != nil {
						return err
					}
					err := other.Run()
					if l := other.Birth.SeccompListener; l != nil {
						l.Close()
					}
					return err
				}
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				c.ctx, c.Cancel = ctx, func() error { return c.Process.Kill() }
				if err := c.Run(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A meeting within a meeting, of those whose memory would be hidden from others.
func TestMeetWithin(t *testing.T) {
	depth := 0
	var meet func(*Meeting) error
	meet = func(m *Meeting) error {
		defer closeSockets(m)
		if depth++; depth > 4 {
			return nil
		}
		return met(t, meet).Run()
	}
	leavesNothing(t, "meetings within each other", func() {
		if err := met(t, meet).Run(); err != nil {
			t.Error(err)
		}
	})
	if depth != 5 {
		t.Errorf("%d meetings; want 5", depth)
	}
}

// Somebody stops or kills the child while it waits.
func TestMeetChildEnds(t *testing.T) {
	for _, init := range []*Init{nil, {}} {
		var sockets []*os.File
		var child int
		c := met(t, func(m *Meeting) error {
			sockets = m.Sockets
			return unix.Kill(m.Pid, unix.SIGKILL)
		})
		c.Attr.Init = init
		leavesNothing(t, "a child that was killed", func() {
			err := c.Start()
			if e := (*StartError)(nil); !errors.As(err, &e) || e.Signal != unix.SIGKILL {
				t.Errorf("Start() = %v; want that it was killed", err)
			}
		})
		if !areClosed(sockets) {
			t.Error("a socket is left open")
		}

		c = met(t, func(m *Meeting) error {
			child, sockets = m.Pid, m.Sockets
			return unix.Kill(m.Pid, unix.SIGSTOP)
		})
		c.Attr.Init = init
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		c.ctx, c.Cancel = ctx, func() error { return c.Process.Kill() }
		leavesNothing(t, "a child that was stopped", func() {
			if err := c.Start(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Start() = %v; want that the time is over", err)
			}
		})
		cancel()
		if !areClosed(sockets) || unix.Kill(child, 0) == nil && status(fmt.Sprint(child)) != "" && isChild(child) {
			t.Error("a socket is left open, or the child is there")
		}
	}
}

func isChild(pid int) bool {
	var info unix.Siginfo
	return unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == nil
}

// The child may be traced by others than this process trusts, and send something else than it was asked for. Here its steps are
// changed. The start fails, whatever was sent is closed, and Meet is not called.
func TestMeetDistrusts(t *testing.T) {
	for name, change := range map[string]func(p *program.Program, s *program.Step){
		"another family": func(_ *program.Program, s *program.Step) {
			if s.Call == program.Socket && s.Args[0].Value == unix.AF_INET {
				s.Args[0] = program.Num(unix.AF_UNIX)
			}
		},
		"another type": func(_ *program.Program, s *program.Step) {
			if s.Call == program.Socket && s.Args[0].Value == unix.AF_INET {
				s.Args[1].Value = s.Args[1].Value&^0xf | unix.SOCK_DGRAM
			}
		},
		"a file": func(p *program.Program, s *program.Step) {
			if s.Call == program.Socket && s.Args[0].Value == unix.AF_INET {
				*s = program.Step{Call: program.Openat, Field: s.Field}
				s.Args[0], s.Args[1], s.Args[2] = program.Num(-100), p.Str("/etc/passwd"), program.Num(unix.O_CLOEXEC)
			}
		},
		"nothing": func(_ *program.Program, s *program.Step) {
			if s.Call == program.Sendmsg {
				s.Call = program.Getpid
			}
		},
		"fewer": func(p *program.Program, s *program.Step) {
			if s.Call == program.Sendmsg {
				p.SetWord(s.Args[1].Plus(40), uint64(unix.CmsgLen(4)))
				control := program.Arg{Kind: program.Address, Value: uint64(s.Args[1].Value) - 48}
				for p.StrAt(control) == "" || p.BytesAt(control, 8)[0] != byte(unix.CmsgLen(12)) {
					control.Value -= 8
				}
				p.SetWord(control, uint64(unix.CmsgLen(4)))
			}
		},
		"another file than a device": func(p *program.Program, s *program.Step) {
			if s.Call == program.Openat && p.StrAt(s.Args[1]) == "/dev/zero" {
				s.Args[1] = p.Str("/tmp")
				s.Args[2] = program.Num(unix.O_CLOEXEC)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := met(t, func(*Meeting) error {
				t.Error("Meet was called")
				return nil
			})
			c.Attr.Sockets = slices.Concat(threeSockets[:2], []Socket{{Device: "/dev/zero"}})
			c.inspect = func(_, second *program.Program) {
				for i := range second.Steps {
					change(second, &second.Steps[i])
				}
			}
			verify := program.Compiled
			program.Compiled = nil // it would not let that pass
			defer func() { program.Compiled = verify }()
			leavesNothing(t, name, func() {
				err := c.Start()
				if e := (*StartError)(nil); !errors.As(err, &e) || e.Step != "recvmsg" || !errors.Is(err, syscall.EPROTO) && !errors.Is(err, syscall.EAGAIN) {
					t.Errorf("Start() = %v; want one of recvmsg", err)
				}
			})
		})
	}
}

// Many meetings at once, while other goroutines fork: each has its own sockets, nobody else gets one, and nothing is left.
func TestMeetAtOnce(t *testing.T) {
	starts := fewerEmulated(100)
	met(t, nil) // requires
	leavesNothing(t, "many meetings", func() {
		done := make(chan struct{})
		var forks sync.WaitGroup
		for range 2 {
			forks.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					out, err := exec.Command("/bin/ls", "-l", "/proc/self/fd").Output()
					if err != nil || strings.Contains(string(out), "socket:") {
						t.Errorf("another child has a socket, %v:\n%s", err, out)
						return
					}
				}
			})
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		cookies := map[uint64]int{}
		for i := range starts {
			wg.Go(func() {
				fails := i%3 == 0
				c := met(t, func(m *Meeting) error {
					conn, err := m.Sockets[1].SyscallConn()
					if err != nil {
						return err
					}
					conn.Control(func(fd uintptr) {
						mu.Lock()
						defer mu.Unlock()
						cookie, err := unix.GetsockoptUint64(int(fd), unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
						if err == nil {
							cookies[cookie]++
						}
					})
					if fails {
						return errMeeting
					}
					return closeSockets(m)
				})
				if err := c.Run(); (err != nil) != fails || fails && !errors.Is(err, errMeeting) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for cookie, n := range cookies {
			if n != 1 {
				t.Errorf("%d starts have the network %d", n, cookie)
			}
		}
		close(done)
		forks.Wait()
	})
}

// A terminal, and a trace: the meeting has its line there, between what it comes after and what comes after it.
func TestMeetTraced(t *testing.T) {
	c := met(t, closeSockets)
	c.Trace = new(Trace)
	if err := c.Run(); err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, s := range c.Trace.Steps {
		switch s.Call {
		case "unshare", "socket", "sendmsg", "recvmsg", "meet", "execve":
			order = append(order, s.Call)
		}
	}
	if want := []string{"unshare", "socket", "socket", "socket", "sendmsg", "recvmsg", "meet", "execve"}; !sameSet(order, want) {
		t.Errorf("the trace has %v; want %v", order, want)
	}
	c = met(t, func(*Meeting) error { return errMeeting })
	c.Trace = new(Trace)
	c.Run()
	failed := slices.IndexFunc(c.Trace.Steps, func(s TraceStep) bool { return s.Err != nil })
	if failed < 0 || c.Trace.Steps[failed].Call != "meet" || !errors.Is(c.Trace.Steps[failed].Err, errMeeting) {
		t.Errorf("the failed step is %d of %+v", failed, c.Trace.Steps)
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

func TestMeetAtATerminal(t *testing.T) {
	requires(t, terminals)
	c := met(t, closeSockets)
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", "test -t 0 && echo yes"}
	pty, err := c.StartPTY(WindowSize{})
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	out, _ := io.ReadAll(pty)
	if err := c.Wait(); err != nil || !strings.Contains(string(out), "yes") {
		t.Errorf("Wait: %v, and the program wrote %q", err, out)
	}
}

// A plain start asks the kernel for nothing more than it did: the plan of one has no step of a meeting's.
func TestNoMeetingInPlainStarts(t *testing.T) {
	plan, err := Command("/bin/true").Plan()
	if err != nil {
		t.Fatal(err)
	}
	if text := plan.String(); strings.Contains(text, "Attr.") || strings.Contains(text, "recvmsg") {
		t.Errorf("the plan of a plain start:\n%s", text)
	}
}

// Born is told of the process that goes on where that is made in a joined PID namespace by a second stage, and sees it in
// all that is joined.
func TestBornInJoinedNamespaces(t *testing.T) {
	requires(t, asRoot)
	for _, init := range []*Init{nil, {}} {
		box := newContainer(t, newKinds, nil)
		var told int
		var network string
		c := Command("/bin/true")
		c.Attr = &Attr{Join: []Namespace{{PID: box.pid}}, Init: init}
		c.Born = func(pid int) (err error) {
			told = pid
			network, err = os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
			return err
		}
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		if want := link(t, fmt.Sprint(box.pid), "net"); told != c.Process.Pid || network != want {
			t.Errorf("Born was told of %d in %s; the process is %d in %s", told, network, c.Process.Pid, want)
		}
	}
}
