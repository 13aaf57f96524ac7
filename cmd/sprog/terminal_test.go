//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sigwatch"
)

// prompt is what a shell asks for a command with: nothing else that a terminal shows has it.
const prompt = "ask> "

// A session is a program on a terminal of its own, as a person sees it.
type session struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd

	mu     sync.Mutex
	output bytes.Buffer

	asked int // how often a shell had asked for a command when keys were last typed
}

// startSession runs a shell script on a new terminal, in which "sprog" is the
// command under test.
func startSession(t *testing.T, shell ...string) *session {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs terminals: %v", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer slave.Close()
	s := &session{t: t, master: master, cmd: exec.Command(shell[0], shell[1:]...)}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.cmd.Env = append(os.Environ(), "PS1="+prompt, "HISTFILE=", "TERM=dumb")
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read()
	t.Cleanup(func() {
		s.end()
		s.cmd.Wait()
		master.Close()
	})
	return s
}

// A member is a process of a session.
type member struct {
	pid, group int
	state      string // the letter in proc_pid_stat(5)
}

// processes are those in the session.
func (s *session) processes() (list []member) {
	proc, err := ownproc.Open()
	if err != nil {
		s.t.Error(err)
		return nil
	}
	defer proc.Close()
	names, _ := os.ReadDir("/proc")
	for _, name := range names {
		pid, err := strconv.Atoi(name.Name())
		const state, group, session = 0, 2, 3 // fields 3, 5 and 6 of proc_pid_stat(5)
		if stat := proc.Stat(pid); err == nil && len(stat) > session && stat[session] == strconv.Itoa(s.cmd.Process.Pid) {
			n, _ := strconv.Atoi(stat[group])
			list = append(list, member{pid, n, stat[state]})
		}
	}
	return list
}

// end kills all that is in the session: of what a failed test leaves in the background nobody else
// would know.
func (s *session) end() {
	for _, p := range s.processes() {
		unix.Kill(p.pid, unix.SIGKILL)
	}
}

func (s *session) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.output.Write(buf[:n])
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (s *session) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// expect waits until the terminal shows text, n times.
func (s *session) expect(text string, n int) {
	s.t.Helper()
	if !within(func() bool { return strings.Count(s.text(), text) >= n }) {
		s.t.Fatalf("the terminal never showed %q %d times; it shows:\n%s", text, n, s.text())
	}
}

// within waits some seconds for something to be so.
func within(so func() bool) bool {
	for range 3000 {
		if so() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func (s *session) typeKeys(keys string) {
	s.t.Helper()
	s.asked = s.prompts()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// foreground is the process group in the terminal's foreground, or 0.
func (s *session) foreground() int {
	group, _ := unix.IoctlGetInt(int(s.master.Fd()), unix.TIOCGPGRP)
	return group
}

// expectForeground waits until the first program is in the foreground again.
func (s *session) expectForeground() {
	s.t.Helper()
	if !within(func() bool { return s.foreground() == s.cmd.Process.Pid }) {
		s.t.Fatal("the terminal's foreground never came back")
	}
}

// prompts is how often a shell has asked for a command.
func (s *session) prompts() int { return strings.Count(s.text(), prompt) }

// expectPrompt waits until a shell asks for a command, once more if it had when keys were last
// typed.
func (s *session) expectPrompt() {
	s.t.Helper()
	if !within(func() bool { return s.prompts() > s.asked }) {
		s.t.Fatalf("the shell never asked for a command; the terminal shows:\n%s", s.text())
	}
}

// suspend types Ctrl-Z, and waits until the shell asks for a command and gets it. n is how
// often it has told of a stop then.
func (s *session) suspend(n int) {
	s.t.Helper()
	group := s.foreground()
	s.typeKeys(ctrlZ)
	s.expect("Stopped", n)
	s.expectSettled(group)
	s.expectPrompt()
}

// expectSettled waits until all processes of a group have acted on a signal. The shell asks for a command as soon
// as its own child is stopped. Another process of the group may have got the signal, but not have run since. If it
// was waiting for input, it takes what is typed now: in a read(2) from a terminal the kernel looks for input
// before it looks for signals, and it has asked before that whether the process is in the foreground.
func (s *session) expectSettled(group int) {
	s.t.Helper()
	sigwatch.AwaitSent()
	if !within(func() bool {
		return !slices.ContainsFunc(s.processes(), func(p member) bool {
			return p.group == group && (p.state == "R" || p.state == "D")
		})
	}) {
		s.t.Fatalf("process group %d goes on; the terminal shows:\n%s", group, s.text())
	}
}

// expectJob waits until the first program has given the foreground to another.
func (s *session) expectJob() {
	s.t.Helper()
	if !within(func() bool {
		group := s.foreground()
		return group != 0 && group != s.cmd.Process.Pid
	}) {
		s.t.Fatal("the terminal's foreground stayed where it was")
	}
}

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

// A program with a process group of its own does not get the terminal's INT;
// sprog passes it on.
func TestInterruptReachesOwnGroup(t *testing.T) {
	// The terminal drops what is written when an interrupt is typed.
	s := startSession(t, "sprog", "run", "--setpgid", "sh", "-c", `trap 'sleep 0.1; echo caught; exit' INT; echo ready; while :; do sleep 0.05; done`)
	s.expect("ready", 1)
	s.typeKeys(ctrlC)
	s.expect("caught", 1)
}

// Ctrl-Z and fg work as if the program had been started without sprog,
// whether it is in sprog's process group, has the foreground for itself, or
// stops itself alone.
func TestJobControl(t *testing.T) {
	// It waits without making processes: a shell whose child is stopped between vfork(2)
	// and execve cannot stop itself.
	const wait = `echo be""gun; read line <"$STOPFILE"; echo ended`
	type job struct {
		name, command string
		typed         bool // Ctrl-Z
	}
	var jobs []job
	for _, flags := range inits() {
		jobs = append(jobs, []job{
			{flags + "same group", "sprog run " + flags + "sh -c '" + wait + "'", true},
			{flags + "foreground", "sprog run " + flags + "--foreground sh -c '" + wait + "'", true},
			{flags + "foreground in a script", "(sprog run " + flags + "--foreground sh -c '" + wait + "'; true)", true},
			{flags + "stops itself", "sprog run " + flags + "sh -c 'kill -TSTP $$; " + wait + "'", false},
			{flags + "foreground, stops itself", "sprog run " + flags + "--foreground sh -c 'kill -STOP $$; " + wait + "'", false},
		}...)
	}
	if _, err := exec.LookPath("strace"); err == nil { // a program that is traced is stopped in another way
		jobs = append(jobs, job{"under strace", "strace -f -o /dev/null sprog run --init --foreground sh -c '" + wait + "'", true})
	}
	for _, tt := range jobs {
		t.Run(tt.name, func(t *testing.T) {
			stopFile := t.TempDir() + "/stop"
			t.Setenv("STOPFILE", stopFile)
			if err := unix.Mkfifo(stopFile, 0o666); err != nil {
				t.Fatal(err)
			}
			stop, err := os.OpenFile(stopFile, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer stop.Close()
			s := startShell(t)
			s.typeKeys(tt.command + "\n")
			if tt.typed {
				s.expect("begun\r\n", 1)
				s.suspend(1)
			} else {
				s.expect("Stopped", 1)
				s.expectPrompt()
			}
			// A child of sprog's other than the program may end meanwhile.
			s.typeKeys("kill -CHLD $(jobs -p); echo a''live; fg\n")
			s.expect("alive\r\n", 1)
			s.expect("sprog run", 2) // the shell shows it when it is stopped, and for fg
			if _, err := stop.WriteString("\n"); err != nil {
				t.Fatal(err)
			}
			s.expect("ended\r\n", 1)
			s.typeKeys("echo back''again\n")
			s.expect("backagain\r\n", 1)
		})
	}
}

// Where nobody could continue the program, Ctrl-Z does not stop it: with an init and without
// one, it is in an orphaned process group, as a container's first program is.
func TestNobodyToContinue(t *testing.T) {
	for _, flags := range append(append(inits(), foreground()...), "--tty ") {
		t.Run(flags, func(t *testing.T) {
			// The terminal drops what is on its way when a stop is typed, unless with noflsh.
			s := startSession(t, append(strings.Fields("sprog run "+flags+"sh -c"), "stty noflsh; echo begun; exec cat")...)
			s.expect("begun", 1) // a shell in vfork(2) does not stop
			s.typeKeys("first\n")
			s.expect("first\r\n", 2)
			s.typeKeys(ctrlZ)
			s.expect("^Z", 1)
			s.typeKeys("second\n")
			s.expect("second\r", 2) // as long as sprog's terminal is not raw it makes two of a \r
		})
	}
}

// inits are the flags for a program without an init, with one, and with one
// that is PID 1.
func inits() []string {
	list := []string{"", "--init "}
	if exec.Command("sprog", "run", "--unshare", "user", "true").Run() == nil {
		list = append(list, "--unshare user,pid --map-root ")
	}
	return list
}

// A program that is stopped because it reads from the background goes on in the
// foreground.
func TestJobControlOfAReader(t *testing.T) {
	for _, flags := range append(inits(), foreground()...) {
		t.Run(flags, func(t *testing.T) {
			s := startShell(t)
			s.typeKeys("sprog run " + flags + "cat\n")
			s.expectJob()
			s.typeKeys("first\n")
			s.expect("first\r\n", 2)
			s.suspend(1)
			s.typeKeys("bg\n")
			s.expectPrompt()
			s.typeKeys("while ! jobs | grep -q Stopped; do sleep 0.05; done; echo waits''again\n")
			s.expect("waitsagain\r\n", 1)
			s.expectPrompt()
			s.typeKeys("fg\n")
			s.expectJob()
			s.typeKeys("second\n")
			s.expect("second\r\n", 2)
			s.typeKeys("\x04")
			s.expectForeground()
			s.typeKeys("echo code=$?\n")
			s.expect("code=0\r\n", 1)
		})
	}
}

// An init that comes late tells of a stop, but not that the program has gone on before its end. sprog does
// not stop for that: nobody would be there to go on.
func TestStopBeforeTheEnd(t *testing.T) {
	init := exec.Command("true")
	if err := init.Start(); err != nil {
		t.Fatal(err)
	}
	defer init.Wait()
	if err := unix.Waitid(unix.P_PID, init.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	s := supervisor{process: init.Process, init: new(initReport)}
	s.init.by.Store(int32(unix.SIGTTIN))
	if by := s.programStopped(); by != 0 {
		t.Errorf("the program is stopped by %v; want that it has ended", by)
	}
}

// A program that has the foreground for itself has it again when its job is brought to the
// foreground, though the shell has nothing to continue.
func TestForegroundComesBack(t *testing.T) {
	for _, flags := range foreground() {
		t.Run(flags, func(t *testing.T) {
			t.Setenv("STATE", t.TempDir())
			if err := unix.Mkfifo(os.Getenv("STATE")+"/fifo", 0o666); err != nil {
				t.Fatal(err)
			}
			s := startShell(t)
			s.typeKeys("sprog run " + flags + `sh -c 'echo be""gun; read line <"$STATE/fifo"; exec cat'` + "\n")
			s.expect("begun\r\n", 1)
			s.suspend(1)
			s.typeKeys("bg\n")
			s.expectPrompt()
			s.typeKeys("fg\n")
			if !within(func() bool {
				group := s.foreground()
				name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", group))
				return group != s.cmd.Process.Pid && string(name) != "sprog\n"
			}) {
				t.Fatal("the program did not get the foreground again")
			}
			if err := os.WriteFile(os.Getenv("STATE")+"/fifo", []byte("\n"), 0); err != nil {
				t.Fatal(err)
			}
			s.typeKeys("second\n")
			s.expect("second\r\n", 2)
			s.typeKeys("\x04")
			s.expectForeground()
			s.typeKeys("echo code=$?\n")
			s.expect("code=0\r\n", 1)
		})
	}
}

// Where sprog cannot be stopped, a program that wants the terminal in the background waits for it, and is
// not continued time and again.
func TestForegroundWithoutStops(t *testing.T) {
	for _, flags := range foreground() {
		t.Run(flags, func(t *testing.T) {
			t.Setenv("STATE", t.TempDir())
			s := startShell(t)
			s.typeKeys(`(trap '' TSTP; exec sprog run ` + flags + `bash -c 'trap "echo again >>$STATE/continued" CONT; echo be""gun; while read line; do echo "<$line>"; done')` + "\n")
			s.expect("begun\r\n", 1)
			group := s.foreground()
			children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.cmd.Process.Pid))
			if err != nil {
				t.Fatal(err)
			}
			var sprog int
			fmt.Sscan(string(children), &sprog)
			unix.Kill(sprog, unix.SIGSTOP)
			unix.Kill(-group, unix.SIGSTOP)
			s.expect("Stopped", 1)
			s.expectSettled(group)
			s.expectPrompt()
			s.typeKeys("bg\n")
			s.expectPrompt()
			s.typeKeys("while sleep 0.1; do [ -s $STATE/continued ] && break; done; sleep 0.5; echo wai''ted\n")
			s.expect("waited\r\n", 1)
			s.expectPrompt()
			s.typeKeys("fg\n")
			s.expectJob()
			s.typeKeys("second\n")
			s.expect("<second>\r\n", 1)
			s.typeKeys("\x04")
			s.expectForeground()
			if text, _ := os.ReadFile(os.Getenv("STATE") + "/continued"); strings.Count(string(text), "again") > 4 {
				t.Errorf("the program was continued %d times", strings.Count(string(text), "again"))
			}
		})
	}
}

// foreground are the flags of inits, with the foreground for the program.
func foreground() (list []string) {
	for _, flags := range inits() {
		list = append(list, flags+"--foreground ")
	}
	return list
}

// A shell with jobs of its own, in a process group of its own, is suspended and
// continued.
func TestJobControlOfAShell(t *testing.T) {
	for _, flags := range inits() {
		t.Run(flags, func(t *testing.T) {
			s := startShell(t)
			s.typeKeys("sprog run " + flags + "bash --norc --noprofile -i\n")
			s.expectJob()
			s.expectPrompt()
			s.typeKeys("sh -c \"echo ins''ide; exec sleep 1000\"\n")
			s.expect("inside\r\n", 1)
			s.suspend(1)
			s.typeKeys("suspend -f\n")
			s.expect("Stopped", 2)
			s.expectPrompt()
			s.typeKeys("echo out''side; fg\n")
			s.expect("outside\r\n", 1)
			s.typeKeys("kill -9 %1; sleep 0.2; echo ins''ide; exit 3\n")
			s.expect("inside\r\n", 2)
			s.typeKeys("echo code=$?\n")
			s.expect("code=3\r\n", 1)
		})
	}
}

// A script that is no job-control shell has the terminal back after
// --foreground.
func TestForegroundIsGivenBack(t *testing.T) {
	s := startSession(t, "sh", "-c", `sprog run --foreground sh -c 'read line; echo "program $line"'; read line; echo "script $line"`)
	s.typeKeys("one\n")
	s.expect("program one", 1)
	s.typeKeys("two\n")
	s.expect("script two", 1)
}
