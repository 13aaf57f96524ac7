//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
)

// initPlaces are where an init can be: in the caller's PID namespace, and the
// first of its own.
func initPlaces(t *testing.T, run func(t *testing.T, flags uintptr)) {
	t.Run("plain", func(t *testing.T) { run(t, 0) })
	t.Run("PID namespace", func(t *testing.T) {
		requires(t, asRoot)
		run(t, syscall.CLONE_NEWPID)
	})
}

// programOf is the pid of an init's program, which has to be its only child.
func programOf(t *testing.T, c *Cmd) int {
	t.Helper()
	proc, err := ownproc.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	children := proc.Children(c.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("children of the init = %v; want one", children)
	}
	return children[0]
}

// eventually waits until ok says that it is so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%s: not after ten seconds", what)
}

// endInit ends a command whose end is of no interest.
func endInit(t *testing.T, c *Cmd) {
	t.Helper()
	c.Process.Kill()
	c.Wait()
	closePidFD(c)
}

// A program that blocks all signals gets every one that can be forwarded, those
// of job control too.
func TestInitForwardsEverySignal(t *testing.T) {
	initPlaces(t, func(t *testing.T, flags uintptr) {
		var all []syscall.Signal
		for sig := syscall.Signal(1); sig <= 64; sig++ {
			if sig != unix.SIGKILL && sig != unix.SIGSTOP {
				all = append(all, sig)
			}
		}
		c := Command("/bin/sleep", "1000")
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{}, Signals: &Signals{Mask: all}}, &syscall.SysProcAttr{Cloneflags: flags}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer endInit(t, c)
		status := fmt.Sprintf("/proc/%d/status", programOf(t, c))
		pending := func(sig syscall.Signal) bool {
			set, err := strconv.ParseUint(procField(status, "ShdPnd"), 16, 64)
			return err == nil && set>>(sig-1)&1 != 0
		}
		for _, sig := range all {
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if sig != unix.SIGCHLD {
				eventually(t, fmt.Sprintf("signal %d reaches the program", sig), func() bool { return pending(sig) })
			}
		}
		if pending(unix.SIGCHLD) {
			t.Errorf("SIGCHLD reaches the program; want it left out")
		}
	})
}

// A siginfo is what sigqueue(3) gives along.
type siginfo struct {
	signo, errno, code, _ int32
	pid, uid              int32
	value                 int64
	_                     [96]byte
}

// take-signals N: print N real-time signals with their values, in the order in
// which the kernel hands them out. They have to be blocked.
var _ = helper("take-signals", func(args []string) int {
	n, _ := strconv.Atoi(args[0])
	set := uint64(1<<30-1) << 34 // from 35 on; the runtime leaves them blocked
	fmt.Println("ready")
	io.ReadFull(os.Stdin, make([]byte, 1))
	for range n {
		var info siginfo
		sig, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), uintptr(unsafe.Pointer(&info)), 0, 8, 0, 0)
		if errno != 0 {
			fmt.Println(errno)
			return 1
		}
		fmt.Printf("%d:%d ", sig, info.value)
	}
	return 0
})

// Real-time signals are forwarded one by one, with their values, and in order: of
// each number first come, first served.
func TestInitKeepsRealTimeSignals(t *testing.T) {
	initPlaces(t, func(t *testing.T, flags uintptr) {
		sent := []struct {
			sig   int
			value int64
		}{{40, 1}, {64, 2}, {40, 3}, {35, 4}, {40, 1 << 40}, {35, 6}}
		c := helperCommand("take-signals", strconv.Itoa(len(sent)))
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{}, Signals: &Signals{}}, &syscall.SysProcAttr{Cloneflags: flags}
		for sig := syscall.Signal(35); sig <= 64; sig++ {
			c.Attr.Signals.Mask = append(c.Attr.Signals.Mask, sig)
		}
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out := startReady(t, c)
		for _, s := range sent {
			info := siginfo{signo: int32(s.sig), code: -1, pid: int32(os.Getpid()), value: s.value}
			if _, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(c.Process.Pid), uintptr(s.sig), uintptr(unsafe.Pointer(&info))); errno != 0 {
				t.Fatal(errno)
			}
		}
		eventually(t, "all signals are forwarded", func() bool {
			return procField(fmt.Sprintf("/proc/%d/status", c.Process.Pid), "ShdPnd") == "0000000000000000"
		})
		in.Close()
		got, _ := io.ReadAll(out)
		if want := fmt.Sprintf("35:4 35:6 40:1 40:3 40:%d 64:2 ", 1<<40); string(got) != want {
			t.Errorf("signals = %q; want %q", got, want)
		}
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// The signals of job control stop the program and continue it, and the init
// tells. The program is in a process group that is not an orphaned one.
func TestInitStops(t *testing.T) {
	initPlaces(t, func(t *testing.T, flags uintptr) {
		c := Command("/bin/sleep", "1000")
		c.Attr, c.SysProcAttr = &Attr{Init: &Init{ReportStops: true}}, &syscall.SysProcAttr{Cloneflags: flags, Setpgid: true}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer endInit(t, c)
		program := programOf(t, c)
		for _, sig := range []syscall.Signal{unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGTSTP} {
			c.Process.Signal(sig)
			wantReport(t, c, sig)
			wantState(t, program, "T")
			wantState(t, c.Process.Pid, "S")
			c.Process.Signal(unix.SIGCONT)
			wantReport(t, c, unix.SIGCONT)
		}
		unix.Kill(program, unix.SIGSTOP) // which is told, too
		wantReport(t, c, unix.SIGSTOP)
		unix.Kill(program, unix.SIGCONT)
		wantReport(t, c, unix.SIGCONT)
		unix.Kill(program, unix.SIGTERM)
		c.Wait()
		if n, err := c.Birth.Stops.Read(make([]byte, 9)); err != io.EOF {
			t.Errorf("Stops.Read() = %d, %v; want the end", n, err)
		}
	})
}

func wantState(t *testing.T, pid int, want string) {
	t.Helper()
	eventually(t, fmt.Sprintf("process %d is in state %s", pid, want), func() bool { return statOf(pid).state == want })
}

// SIGSTOP to the init stops the init, if anything. What it was to do meanwhile
// is done when it continues.
func TestInitIsStopped(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "trap 'exit 7' USR1; echo ready; while :; do sleep 0.01; done"))
	startReady(t, c)
	unix.Kill(c.Process.Pid, unix.SIGSTOP)
	wantState(t, c.Process.Pid, "T")
	if got := statOf(programOf(t, c)).state; got == "T" {
		t.Errorf("the program's state is %s; want it running", got)
	}
	c.Process.Signal(unix.SIGUSR1)
	c.Process.Signal(unix.SIGCONT)
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 7 {
		t.Errorf("%v; want exit status 7", c.ProcessState)
	}
}

// An init that writes to a caller who reads no more is not ended by SIGPIPE, nor
// is the program; one that somebody sends is forwarded.
func TestInitWithoutReader(t *testing.T) {
	c := Command("/bin/sh", "-c", "trap 'exit 7' PIPE; trap 'echo continued' CONT; echo ready; while :; do sleep 0.01; done")
	c.Attr, c.SysProcAttr = &Attr{Init: &Init{ReportStops: true}}, &syscall.SysProcAttr{Setpgid: true}
	out := startReady(t, c)
	closePidFD(c)
	c.Process.Signal(unix.SIGTSTP)
	wantState(t, programOf(t, c), "T")
	c.Process.Signal(unix.SIGCONT)
	if line, err := out.ReadString('\n'); line != "continued\n" {
		t.Errorf("the program says %q, %v; want continued", line, err)
	}
	c.Process.Signal(unix.SIGPIPE)
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 7 {
		t.Errorf("%v; want exit status 7", c.ProcessState)
	}
}

// A terminal that hangs up tells the leader of the session alone, which the
// init is.
func TestInitForwardsTheHangup(t *testing.T) {
	requires(t, terminals)
	initPlaces(t, func(t *testing.T, flags uintptr) {
		master, tty := newTerminal(t)
		c := withInit(Command("/bin/sh", "-c", "trap 'exit 7' HUP; echo ready; while :; do sleep 0.01; done"))
		c.Stdin = tty
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Cloneflags: flags}
		startReady(t, c)
		tty.Close()
		master.Close()
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != 7 {
			t.Errorf("after the hangup: %v; want exit status 7", c.ProcessState)
		}
	})
}

// The init is small: the executable beside the program's arguments and
// environment, and the memory.
func TestInitIsSmall(t *testing.T) {
	requires(t, asRoot)
	c := withInit(Command("/bin/sleep", "1000"))
	c.Env = []string{}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer endInit(t, c)
	wantState(t, c.Process.Pid, "S")
	info, err := os.Stat(fmt.Sprintf("/proc/%d/exe", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if size := info.Size(); size > 16<<10 {
		t.Errorf("the init's executable has %d bytes; want at most 16 KiB", size)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var kib int
	_, rss, _ := strings.Cut(string(b), "Rss:")
	if fmt.Sscan(rss, &kib); kib == 0 || kib > 10*os.Getpagesize()>>10 {
		t.Errorf("the init has %d KiB of memory; want at most 10 pages\n%s", kib, b)
	}
}

// signal-group FLAGS: have an init and a program in this process's group, a signal sent to the
// group and another to the init, and print what the program gets.
var _ = helper("signal-group", func(args []string) int {
	flags, _ := strconv.Atoi(args[0])
	signal.Notify(make(chan os.Signal, 9), syscall.Signal(40))
	c := withInit(helperCommand("take-signals", "2"))
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags)}
	c.Attr.Signals = &Signals{Mask: []syscall.Signal{40, 41}}
	c.Stdout = os.Stdout
	in, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	unix.Kill(-unix.Getpgrp(), 40)
	c.Process.Signal(syscall.Signal(41))
	in.Close()
	c.Wait()
	return 0
})

// What is sent to the group that an init's program is in comes to the program once.
func TestInitStandsAside(t *testing.T) {
	initPlaces(t, func(t *testing.T, flags uintptr) {
		c := helperCommand("signal-group", strconv.Itoa(int(flags)))
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		out, err := c.Output()
		if want := "ready\n40:0 41:0 "; string(out) != want {
			t.Errorf("the program got %q, %v; want %q", out, err, want)
		}
	})
}

// An init that lingers tells of the program's end, and leaves what the program has left.
func TestLinger(t *testing.T) {
	left, hold, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	c := Command("/bin/sh", "-c", "cat <&3 >/dev/null & exit 7")
	c.ExtraFiles, c.Attr = []*os.File{left}, &Attr{Init: &Init{Linger: true}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Birth.Stops.Close()
	io.Copy(io.Discard, c.Birth.Stops) // ends when the program does
	if code, signal, ended := c.Birth.Ended(); code != 7 || signal != 0 || !ended {
		t.Errorf("Ended() = %d, %v, %v; want 7, 0, true", code, signal, ended)
	}
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, c.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil || info.Signo != 0 {
		t.Errorf("the init has ended with the program: %v", err)
	}
	hold.Close() // and so cat ends
	if code, is := exitOf(c.Wait()); code != 7 || !is {
		t.Errorf("the init exits with %d; want 7", code)
	}
}

func exitOf(err error) (int, bool) {
	var e *ExitError
	if errors.As(err, &e) {
		return e.ExitCode(), true
	}
	return 0, false
}

// The init's locks and files are there as long as it is, and the program has none of them.
func TestInitHolds(t *testing.T) {
	locked := tempFile(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	c := Command("/bin/sh", "-c", "ls /proc/self/fd; echo; cat")
	in, _ := c.StdinPipe()
	out, _ := c.StdoutPipe()
	c.Attr = &Attr{Init: &Init{Locks: []string{locked.Name()}, Keep: []*os.File{write}}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	fds := ""
	for line := bufio.NewReader(out); !strings.HasSuffix(fds, "\n\n"); {
		s, err := line.ReadString('\n')
		if err != nil {
			t.Fatal(fds, err)
		}
		fds += s
	}
	if fds != "0\n1\n2\n3\n\n" {
		t.Errorf("the program has the descriptors %q", fds)
	}
	other := &unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(locked.Fd(), unix.F_GETLK, other); err != nil || other.Type != unix.F_RDLCK || int(other.Pid) != c.Process.Pid {
		t.Errorf("the file has a lock of type %d by %d (%v); want one for reading by %d", other.Type, other.Pid, err, c.Process.Pid)
	}
	end := int(read.Fd())
	unix.SetNonblock(end, true)
	var b [1]byte
	if _, err := unix.Read(end, b[:]); err != unix.EAGAIN {
		t.Errorf("the init does not keep the pipe open: %v", err)
	}
	in.Close()
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
	if n, err := unix.Read(end, b[:]); n != 0 || err != nil {
		t.Errorf("somebody keeps the pipe open: %v", err)
	}
	other.Type = unix.F_WRLCK
	if unix.FcntlFlock(locked.Fd(), unix.F_GETLK, other); other.Type != unix.F_UNLCK {
		t.Error("the lock is left")
	}
}

// A start fails whose init cannot have its lock.
func TestInitLockIsTaken(t *testing.T) {
	locked := tempFile(t)
	holder := &unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(locked.Fd(), unix.F_SETLK, holder); err != nil {
		t.Fatal(err)
	}
	c := Command("/bin/true")
	c.Attr = &Attr{Init: &Init{Locks: []string{locked.Name()}}}
	if err := c.Run(); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("Run() = %v; want EAGAIN", err)
	}
}

// Born is told of a process that is in its namespaces and waits; what WaitFor waits for is
// prepared then.
func TestBornAndWaitFor(t *testing.T) {
	requires(t, userNamespaces)
	wait, answer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer wait.Close()
	c := Command("/bin/sh", "-c", "readlink /proc/self/ns/uts; cat /proc/self/uid_map")
	var namespace, maps string
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWUTS,
		UidMappings: oneID(0, os.Geteuid()), GidMappings: oneID(0, os.Getegid())}
	c.Attr = &Attr{WaitFor: wait}
	c.Born = func(pid int) error {
		namespace, _ = os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/uts")
		text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/uid_map")
		maps = string(text)
		_, err := answer.Write([]byte{1})
		return err
	}
	out, err := c.Output()
	answer.Close()
	if first, rest, _ := strings.Cut(string(out), "\n"); err != nil || first != namespace || namespace == "" || maps != "" || rest == "" {
		t.Errorf("the program is in %q with maps %q (%v); Born saw %q and %q", first, rest, err, namespace, maps)
	}
}

// A start ends with the error of Born, and leaves no process.
func TestBornRefuses(t *testing.T) {
	c := Command("/bin/true")
	refused := errors.New("no")
	c.Born = func(int) error { return refused }
	if err := c.Run(); !errors.Is(err, refused) {
		t.Errorf("Run() = %v; want %v", err, refused)
	}
}
