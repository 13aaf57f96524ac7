//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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
