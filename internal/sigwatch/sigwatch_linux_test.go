//go:build amd64 || arm64

package sigwatch_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

const roleVar = "SIGWATCH_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleVar) != "" {
		report()
		return
	}
	os.Exit(m.Run())
}

// report tells of each signal that it gets whether its group has got it, too.
func report() {
	set := uint64(0)
	for _, sig := range reported {
		set |= 1 << (sig - 1)
	}
	w, err := sigwatch.Start(set)
	if err != nil {
		fmt.Println(err)
		return
	}
	w.WatchGroup()
	defer w.End()
	fmt.Println("ready")
	for s := range w.Signals {
		fmt.Println(int(s.Signal), s.ToGroup)
		if s.Signal == unix.SIGTERM {
			return
		}
	}
}

var reported = []syscall.Signal{unix.SIGINT, unix.SIGUSR1, unix.SIGWINCH, unix.SIGCONT, unix.SIGTERM, 40, 64}

// What was sent to the group is told from what was sent to the process.
func TestSaw(t *testing.T) {
	pid, next := startReport(t)
	for round := range 200 {
		sig := reported[round%4]
		if round%3 == 0 {
			sig = reported[5+round%2]
		}
		toGroup := round%5 < 2
		to := pid
		if toGroup {
			to = -pid
		}
		if err := unix.Kill(to, sig); err != nil {
			t.Fatal(err)
		}
		if got, want := next(), fmt.Sprintf("%d %v", sig, toGroup); got != want {
			t.Fatalf("round %d: the process tells %q; want %q", round, got, want)
		}
	}
	unix.Kill(-pid, unix.SIGTERM)
	next()
}

// Real-time signals are all told of, however fast they come, and who was meant by each.
func TestManySignals(t *testing.T) {
	pid, next := startReport(t)
	const rounds = 100
	for n := range rounds {
		to := pid
		if n%3 == 0 {
			to = -pid
		}
		if err := unix.Kill(to, 40); err != nil {
			t.Fatal(err)
		}
	}
	all := 0
	for range rounds {
		if next() == "40 true" {
			all++
		}
	}
	if want := (rounds + 2) / 3; all != want {
		t.Errorf("%d of %d signals were sent to the group; want %d", all, rounds, want)
	}
	unix.Kill(pid, unix.SIGTERM)
	if got, want := next(), "15 false"; got != want {
		t.Errorf("after that the process tells %q; want %q", got, want)
	}
}

// A signal that was sent on keeps the value that it has.
func TestSendOn(t *testing.T) {
	w, err := sigwatch.Start(1<<(41-1) | 1<<(42-1))
	if err != nil {
		t.Fatal(err)
	}
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Skip(err)
	}
	defer unix.Close(self)
	info := struct {
		signo, errno, code, _ int32
		pid, uid              int32
		value                 int64
		_                     [96]byte
	}{signo: 41, code: -1, pid: int32(os.Getpid()), value: 12345}
	if err := unix.PidfdSendSignal(self, 41, (*unix.Siginfo)(unsafe.Pointer(&info)), 0); err != nil {
		t.Fatal(err)
	}
	first := <-w.Signals
	if err := first.SendOn(self); err != nil {
		t.Fatal(err)
	}
	if second := <-w.Signals; second != first || first.Signal != 41 || first.Code != -1 {
		t.Errorf("sent on, %v became %v", first, second)
	}
	unix.Kill(os.Getpid(), 42)
	if got := <-w.Signals; got.Signal != 42 || got.Code != 0 || got.PID != os.Getpid() {
		t.Errorf("the signal is %v; want 42 of process %d", got, os.Getpid())
	}
}

// A witness that somebody has killed has seen nothing.
func TestDeadWitness(t *testing.T) {
	pid, next := startReport(t)
	unix.Kill(-pid, unix.SIGUSR1)
	if got, want := next(), "10 true"; got != want {
		t.Errorf("the process tells %q; want %q", got, want)
	}
	proc, err := ownproc.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	children := proc.Children(pid)
	if len(children) != 1 {
		t.Fatalf("the process has the children %v; want one", children)
	}
	unix.Kill(children[0], unix.SIGKILL)
	for range 2 {
		unix.Kill(-pid, unix.SIGUSR1)
		if got, want := next(), "10 false"; got != want {
			t.Errorf("the process tells %q; want %q", got, want)
		}
	}
	unix.Kill(pid, unix.SIGTERM)
	next()
}

// The witness ends with the process, whatever ends it.
func TestWitnessEnds(t *testing.T) {
	pid, _ := startReport(t)
	unix.Kill(pid, unix.SIGKILL)
	unix.Wait4(pid, nil, 0, nil)
	for range 1000 {
		if unix.Kill(-pid, 0) == unix.ESRCH {
			return
		}
		unix.Nanosleep(&unix.Timespec{Nsec: 1e7}, nil)
	}
	t.Error("the group has still a member")
}

// startReport starts this program as report, in a process group of its own, and returns how
// to get its lines.
func startReport(t *testing.T) (pid int, next func() string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), roleVar+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	lines := bufio.NewScanner(out)
	next = func() string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the process tells nothing more: %v", lines.Err())
		}
		return lines.Text()
	}
	if got := next(); got != "ready" {
		t.Fatal(got)
	}
	return c.Process.Pid, next
}
