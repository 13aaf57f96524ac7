//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// A program on a terminal of its own: Ctrl-Z, fg and Ctrl-C work, in a PID
// namespace too, the window's size follows, and sprog's terminal is as it was
// afterwards. The programs are of bash, which forks: dash is in vfork(2) when a
// stop comes to its child first, and does not stop before that ends. Without a trap bash takes
// no notice of an interrupt that finds its child just gone.
func TestRelay(t *testing.T) {
	t.Setenv("STATE", t.TempDir())
	flags := []string{"--tty"}
	if os.Geteuid() == 0 {
		flags = append(flags, "--tty --unshare pid")
	}
	for _, flag := range flags {
		t.Run(flag, func(t *testing.T) {
			s := startShell(t)
			s.typeKeys("stty rows 31 cols 71; stty -g >$STATE/before\n")
			s.expectPrompt()
			s.typeKeys("sprog run " + flag + ` bash -c 'trap "stty size" WINCH; trap "exit 130" INT; echo "[$(stty size)]"; while :; do sleep 0.05; done'` + "\n")
			s.expect("[31 71]", 1)
			if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 34}); err != nil {
				t.Fatal(err)
			}
			s.expect("12 34", 1)
			s.suspend(1)
			s.typeKeys("echo a''live; fg\n")
			s.expect("alive\r\n", 1)
			s.expect("sprog run", 2) // when it is stopped, and for fg
			if !within(s.isRaw) {
				t.Fatal("the terminal did not become raw again")
			}
			s.typeKeys(ctrlC)
			s.expectForeground()
			s.typeKeys("echo code=$?; stty -g >$STATE/after; cmp $STATE/before $STATE/after && echo as''before\n")
			s.expect("code=130\r\n", 1)
			s.expect("asbefore\r\n", 1)
		})
	}
}

// Keys reach the program's line discipline as they are, and what ends sprog's
// input ends the program's.
func TestRelayedInput(t *testing.T) {
	s := startSession(t, "sprog", "run", "--tty", "sh", "-c", "stty -icanon -isig -echo; echo ready; dd bs=1 count=3 2>/dev/null | od -An -c; stty sane; echo sane; cat; echo end")
	s.expect("ready", 1)
	s.typeKeys(ctrlC + ctrlZ + "\x1c")
	s.expect("003 032 034", 1)
	s.expect("sane", 1) // before that the end of the file would be a character
	s.typeKeys("line\n\x04")
	s.expect("end", 1)
	s = startSession(t, "sh", "-c", "echo piped | sprog run --tty sh -c 'tty >/dev/null && cat'; echo code=$?")
	s.expect("piped", 2) // echoed by the terminal, and by cat
	s.expect("code=0", 1)
}

// When sprog is told to end, so is the program, and the terminal is put back.
func TestRelayIsEnded(t *testing.T) {
	t.Setenv("STATE", t.TempDir())
	s := startSession(t, "sh", "-c", `stty -g >"$STATE/a"
		sprog run --tty bash -c 'trap "echo told; exit 7" TERM; echo ready; while :; do sleep 0.05; done'
		echo code=$?; stty -g | cmp - "$STATE/a" && echo as""before`)
	s.expect("ready", 1)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	fmt.Sscan(string(children), &pid)
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.expect("told", 1)
	s.expect("code=7", 1)
	s.expect("asbefore", 1)
}

// startShell is a session of an interactive shell that asks for a command.
func startShell(t *testing.T) *session {
	t.Helper()
	s := startSession(t, "bash", "--norc", "--noprofile", "-i")
	s.expectPrompt()
	return s
}

// pidOf waits until a program of the session has told a process id, in the file
// of that name in $STATE.
func pidOf(t *testing.T, name string) (pid int) {
	t.Helper()
	if !within(func() bool {
		text, _ := os.ReadFile(os.Getenv("STATE") + "/" + name)
		n, _ := fmt.Sscanf(string(text), "%d\n", &pid)
		return n == 1
	}) {
		t.Fatalf("there is no process id in %s", name)
	}
	return pid
}

// isRaw reports whether sprog's terminal passes on every character.
func (s *session) isRaw() bool {
	mode, err := unix.IoctlGetTermios(int(s.master.Fd()), unix.TCGETS)
	return err == nil && mode.Lflag&(unix.ICANON|unix.ISIG|unix.ECHO) == 0
}

// From the background sprog leaves its terminal alone, shows what the program writes,
// and passes signals on.
func TestRelayInBackground(t *testing.T) {
	const program = `sprog run --tty bash -c 'trap "echo told; exit 7" TERM; echo $$ $PPID >$STATE/pid; while :; do echo; sleep 0.05; done'`
	for _, mode := range []string{"-tostop", "tostop"} {
		t.Run(mode, func(t *testing.T) {
			t.Setenv("STATE", t.TempDir())
			s := startSession(t, "bash", "-c", "stty "+mode+"; stty -g >$STATE/mode; set -m; "+program+
				` & echo $! >$STATE/sprog; wait $!; echo code=$?; stty -g | cmp - $STATE/mode && echo as""before`)
			pidOf(t, "pid")
			if s.isRaw() {
				t.Error("the terminal is raw; want it left alone")
			}
			if err := unix.Kill(pidOf(t, "sprog"), unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
			s.expect("told", 1)
			s.expect("code=7\r\n", 1)
			s.expect("asbefore\r\n", 1)
		})
	}
	t.Run("timeout", func(t *testing.T) {
		s := startSession(t, "bash", "-c", "timeout -v 1 sprog run --tty sleep 1000; echo code=$?")
		s.expect("code=124\r\n", 1)
	})
}

// As PID 1 sprog cannot be stopped, and so leaves the terminal to nobody when Ctrl-Z is typed.
func TestRelayAsInit(t *testing.T) {
	const unshare = "unshare --user --map-root-user --pid --fork "
	if exec.Command("sh", "-c", unshare+"true").Run() != nil {
		t.Skip("needs user namespaces")
	}
	t.Setenv("STATE", t.TempDir())
	s := startShell(t)
	s.typeKeys(unshare + "sprog run --tty cat\n")
	if !within(s.isRaw) {
		t.Fatal("the terminal did not become raw")
	}
	s.typeKeys("first\n")
	s.expect("first\r\n", 2)
	s.typeKeys(ctrlZ)
	s.expect("^Z", 1)
	for n := range 3 { // one line may be the program's though the terminal is not
		s.typeKeys(fmt.Sprintf("line%d\n", n))
		s.expect(fmt.Sprintf("line%d\r\n", n), 2)
	}
	if strings.Contains(s.text(), "Stopped") {
		t.Errorf("the job was stopped; the terminal shows:\n%s", s.text())
	}
	s.typeKeys("\x04")
	s.expectForeground()
}

// A job that has been stopped by Ctrl-Z can be ended.
func TestRelayIsEndedWhileStopped(t *testing.T) {
	t.Setenv("STATE", t.TempDir())
	s := startShell(t)
	s.typeKeys(`sprog run --tty bash -c 'trap "echo told; exit 7" TERM; echo begun; while :; do sleep 0.05; done'` + "\n")
	s.expect("begun\r\n", 1)
	s.suspend(1)
	s.typeKeys("kill %1\n")
	s.expect("told\r", 1)
	if !within(func() bool { // a shell tells of it before it asks for a command
		s.typeKeys("\n")
		return strings.Contains(s.text(), "Exit 7")
	}) {
		t.Errorf("sprog did not exit with 7; the terminal shows:\n%s", s.text())
	}
}

// A job that has run in the background has the terminal in the foreground: the shell
// tells it so, or not if it was running.
func TestRelayComesToTheFront(t *testing.T) {
	t.Setenv("STATE", t.TempDir())
	s := startShell(t)
	s.typeKeys(`sprog run --tty sh -c 'echo $$ >$STATE/pid; read line; echo "<$line>"; exec cat'` + " &\n")
	pidOf(t, "pid")
	s.expectPrompt()
	if s.isRaw() {
		t.Error("the terminal is raw; want it left to the shell")
	}
	s.typeKeys("fg\n")
	if !within(s.isRaw) {
		t.Fatal("the terminal did not become raw")
	}
	s.typeKeys("first\n")
	s.expect("<first>\r\n", 1)
	s.suspend(1)
	s.typeKeys("bg\n")
	s.expectPrompt()
	s.typeKeys("fg\n")
	if !within(s.isRaw) {
		t.Fatal("the terminal did not become raw again")
	}
	s.typeKeys("second\n")
	s.expect("second\r\n", 2)
	s.typeKeys("\x04")
	s.expectForeground()
	s.typeKeys("echo code=$?\n")
	s.expect("code=0\r\n", 1)
}

// After a stop that nobody could catch, sprog's terminal is raw again when the job is
// continued, and the program's has its size.
func TestRelayAfterStop(t *testing.T) {
	// bash may lose a WINCH that comes while it is at the trap for the one before.
	const program = `sprog run --tty bash -c 'trap exit INT; while :; do stty size; sleep 0.05; done'`
	for _, test := range []struct {
		name, input string
		typed       bool
	}{{"terminal", "", true}, {"pipe", "sleep 1000 | ", false}, {"nothing", "</dev/null 2>/dev/null ", false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("STATE", t.TempDir())
			s := startShell(t)
			size := func(rows, cols uint16) {
				t.Helper()
				if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
					t.Fatal(err)
				}
			}
			s.typeKeys("stty rows 31 cols 71\n")
			s.expectPrompt()
			s.typeKeys(test.input + program + "\n")
			s.expect("31 71", 1)
			size(12, 34)
			s.expect("12 34", 1)
			if err := unix.Kill(-s.foreground(), unix.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			s.expectPrompt() // before that readline sets the size that it has read
			size(56, 78)
			s.typeKeys("fg\n")
			s.expect("56 78", 1)
			if test.typed && !within(s.isRaw) {
				t.Error("the terminal did not become raw again")
			}
			s.typeKeys(ctrlC)
			s.expectForeground()
		})
	}
}

// fill is a command that fills a pipe.
const fill = "head -c 65536 /dev/zero"

// What the program has written is shown to a reader who takes his time.
func TestRelayToASlowReader(t *testing.T) {
	sweep.Long(t)
	t.Setenv("STATE", t.TempDir())
	s := startSession(t, "bash", "-c", `(`+fill+`; exec sprog run --tty sh -c 'seq 1 234; echo $$ >$STATE/end' </dev/null) |
		(while [ ! -e $STATE/end ]; do sleep 0.05; done; sleep 2; tail -1); echo code=$PIPESTATUS`)
	s.expect("code=0", 1)
	s.expect("234\r", 1)
}

// A reader who never comes keeps sprog waiting, but not from ending.
func TestRelayWithoutAReader(t *testing.T) {
	t.Setenv("STATE", t.TempDir())
	s := startSession(t, "bash", "-c", `mkfifo $STATE/fifo; exec 3<>$STATE/fifo; `+fill+` >&3
		sprog run --tty sh -c 'echo output; echo $PPID >$STATE/init' </dev/null >&3 3>&- & echo $! >$STATE/sprog; wait $!; echo code=$?`)
	sprog, init := pidOf(t, "sprog"), pidOf(t, "init")
	if !within(func() bool { return unix.Kill(init, 0) != nil }) {
		t.Fatal("the program has not ended")
	}
	if !within(func() bool { return unix.Kill(sprog, unix.SIGTERM) != nil }) {
		t.Fatal("sprog has not ended")
	}
	s.expect("code=143", 1)
}
