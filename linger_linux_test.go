//go:build linux && (amd64 || arm64)

package sprog

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
