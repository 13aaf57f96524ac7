//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Two real-time signals, of which the kernel keeps as many as are sent: the one that is
// counted, and the last one.
const (
	counted = syscall.Signal(40)
	ending  = syscall.Signal(41)
)

// takeSignals prints a line for each signal that is counted, and ends at the last one. It has
// to be started with both blocked.
func takeSignals() {
	fmt.Println("ready")
	for set := uint64(1)<<(counted-1) | 1<<(ending-1); ; {
		sig, _, errno := unix.Syscall6(unix.SYS_RT_SIGTIMEDWAIT, uintptr(unsafe.Pointer(&set)), 0, 0, 8, 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0 || syscall.Signal(sig) == ending:
			fmt.Println("end", errno)
			return
		default:
			fmt.Println("taken")
		}
	}
}

// Each signal reaches the program once, whoever it was sent to: sprog, or the process group
// of both. It is so where sprog leads the session, as in a container, and where a shell
// has made it a job.
func TestSignalsArriveOnce(t *testing.T) {
	for _, flags := range append(inits(), "--setsid ", "--setpgid ", "--tty ", "--foreground ") {
		command := "sprog run " + flags + "--block-signal 40,41 take-signals"
		t.Run(flags+"leader", func(t *testing.T) {
			s := startSession(t, strings.Fields(command)...)
			signalOnce(t, s, s.cmd.Process.Pid)
		})
		t.Run(flags+"job", func(t *testing.T) {
			s := startShell(t)
			s.typeKeys(command + "\n")
			s.expectJob()
			s.expect("ready\r", 1)
			signalOnce(t, s, s.jobOf(command))
		})
		t.Run(flags+"background", func(t *testing.T) {
			if strings.Contains(flags, "foreground") {
				t.Skip("it would be stopped") // as it takes the terminal
			}
			s := startShell(t)
			s.typeKeys(command + " &\n")
			s.expect("ready\r", 1)
			signalOnce(t, s, s.jobOf(command))
		})
	}
}

// jobOf is the process id of a shell's only job.
func (s *session) jobOf(command string) (pid int) {
	s.t.Helper()
	out, err := exec.Command("pgrep", "-P", fmt.Sprint(s.cmd.Process.Pid), "-f", "^"+command).Output()
	if _, scanErr := fmt.Sscan(string(out), &pid); scanErr != nil {
		s.t.Fatalf("the job is not found: %v", err)
	}
	return pid
}

// signalOnce sends signals to a sprog that leads a process group, and to the group, one
// after the other, so that nobody makes one of two.
func signalOnce(t *testing.T, s *session, pid int) {
	t.Helper()
	s.expect("ready\r", 1)
	const rounds = 3
	for n := range 2 * rounds {
		to := pid
		if n%2 != 0 {
			to = -pid
		}
		if err := unix.Kill(to, counted); err != nil {
			t.Fatal(err)
		}
		s.expect("taken\r", n+1)
	}
	if err := unix.Kill(pid, ending); err != nil {
		t.Fatal(err)
	}
	s.expect("end errno 0\r", 1)
	if n := strings.Count(s.text(), "taken\r"); n != 2*rounds {
		t.Errorf("the program got %d signals; want %d", n, 2*rounds)
	}
}

// What a terminal sends, it sends to the group, and sprog adds nothing. What somebody
// sends to sprog alone is passed on, though it might have been the terminal's.
func TestTerminalSignalsArriveOnce(t *testing.T) {
	const program = `stty noflsh; for s in INT QUIT WINCH; do trap "echo got $s" $s; done; trap "kill \$!; exit 3" TERM; sleep 1000 & echo ready; while :; do wait; done`
	for _, flags := range inits() {
		t.Run(flags+"leader", func(t *testing.T) {
			s := startSession(t, append(strings.Fields("sprog run "+flags+"bash -c"), program)...)
			typeOnce(t, s, s.cmd.Process.Pid)
		})
		t.Run(flags+"job", func(t *testing.T) {
			s := startShell(t)
			s.typeKeys("sprog run " + flags + "bash -c '" + program + "'\n")
			s.expectJob()
			s.expect("ready\r", 1)
			typeOnce(t, s, s.jobOf("sprog run "))
		})
	}
}

func typeOnce(t *testing.T, s *session, pid int) {
	t.Helper()
	s.expect("ready\r", 1)
	expect := func(line string, n int) {
		t.Helper()
		s.expect(line+"\r\n", n)
	}
	s.typeKeys(ctrlC)
	expect("got INT", 1)
	s.typeKeys("\x1c")
	expect("got QUIT", 1)
	for _, sig := range []syscall.Signal{unix.SIGINT, unix.SIGQUIT} {
		// The kernel makes one of two that are pending at once.
		if !within(func() bool { return !isPending(pid, sig) }) {
			t.Fatalf("sprog does not take %v", sig)
		}
		unix.Kill(pid, sig)
		expect("got "+strings.TrimPrefix(unix.SignalName(sig), "SIG"), 2)
	}
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 34}); err != nil {
		t.Fatal(err)
	}
	expect("got WINCH", 1)
	unix.Kill(pid, unix.SIGTERM)
	if !within(func() bool { return unix.Kill(pid, 0) != nil || isZombie(pid) }) {
		t.Fatal("sprog has not ended")
	}
	for what, want := range map[string]int{"INT": 2, "QUIT": 2, "WINCH": 1} {
		if n := strings.Count(s.text(), "got "+what+"\r\n"); n != want {
			t.Errorf("the program got %s %d times; want %d", what, n, want)
		}
	}
}

// isPending reports whether a process has been sent a signal that it has not got yet.
func isPending(pid int, sig syscall.Signal) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "\nShdPnd:\t")
	line, _, _ := strings.Cut(after, "\n")
	pending, _ := strconv.ParseUint(line, 16, 64)
	return pending>>(sig-1)&1 != 0
}

// isZombie reports whether a process has ended, but has not been waited for.
func isZombie(pid int) bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Contains(string(stat), ") Z ")
}

// It is no different without a terminal.
func TestSignalsArriveOnceWithoutATerminal(t *testing.T) {
	for _, flags := range inits() {
		t.Run(flags, func(t *testing.T) {
			c := exec.Command("sprog", strings.Fields("run "+flags+"--block-signal 40,41 take-signals")...)
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			defer c.Wait()
			lines := bufio.NewScanner(out)
			next := func(want string) {
				t.Helper()
				if lines.Scan(); lines.Text() != want {
					t.Errorf("the program says %q; want %q", lines.Text(), want)
				}
			}
			next("ready")
			for _, to := range []int{c.Process.Pid, -c.Process.Pid, -c.Process.Pid, c.Process.Pid} {
				unix.Kill(to, counted)
				next("taken")
			}
			unix.Kill(c.Process.Pid, ending)
			next("end errno 0")
		})
	}
}
