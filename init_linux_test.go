//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"

	"github.com/sprog-dev/sprog/internal/sweep"
)

func withInit(c *Cmd) *Cmd {
	c.Attr = &Attr{Init: &Init{}}
	return c
}

// inPidNamespace puts a command into a PID namespace of its own.
func inPidNamespace(t *testing.T, c *Cmd) *Cmd {
	t.Helper()
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: privileged(t, syscall.CLONE_NEWPID)}
	return c
}

func TestInitEndsAsTheProgramDoes(t *testing.T) {
	for _, test := range []struct {
		script    string
		want, one string // one is what PID 1 of a namespace ends with
	}{
		{"exit 0", "exit status 0", "exit status 0"},
		{"exit 7", "exit status 7", "exit status 7"},
		{"exit 255", "exit status 255", "exit status 255"},
		{"kill -TERM $$", "signal: terminated", "exit status 143"},
		{"kill -KILL $$", "signal: killed", "exit status 137"},
		{"kill -USR1 $$", "signal: user defined signal 1", "exit status 138"},
		{"ulimit -c 0; kill -SEGV $$", "signal: segmentation fault", "exit status 139"},
		{"kill -64 $$", "signal: signal 64", "exit status 192"},
	} {
		c := withInit(Command("/bin/sh", "-c", test.script))
		c.Run()
		if got := fmt.Sprint(c.ProcessState); got != test.want {
			t.Errorf("%s: %s; want %s", test.script, got, test.want)
		}
		c = inPidNamespace(t, withInit(Command("/bin/sh", "-c", test.script)))
		c.Run()
		if got := fmt.Sprint(c.ProcessState); got != test.one {
			t.Errorf("%s as PID 1: %s; want %s", test.script, got, test.one)
		}
	}
}

func TestInitIsTheParent(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "echo $PPID; cat /proc/$PPID/comm"))
	out := outputOf(t, c)
	if want := fmt.Sprintf("%d\nsprog-init\n", c.Process.Pid); out != want {
		t.Errorf("parent = %q; want %q", out, want)
	}
	c = inPidNamespace(t, withInit(Command("/bin/sh", "-c", "echo $$ $PPID")))
	if got := outputOf(t, c); got != "2 1\n" {
		t.Errorf("pid and parent in a namespace = %q; want 2 1", got)
	}
}

// An orphan becomes the init's child, and none stays a zombie.
func TestInitReapsOrphans(t *testing.T) {
	const script = `
		(sh -c 'sleep 0.1; exec cut -d" " -f4 /proc/self/stat' &)
		for i in 1 2 3 4 5 6 7 8; do (true &); done
		i=0
		while [ "$(cat /proc/$PPID/task/$PPID/children)" != "$$ " ]; do
			i=$((i+1)); [ $i -lt 500 ] || exit 1; sleep 0.01
		done`
	c := withInit(Command("/bin/sh", "-c", script))
	out := outputOf(t, c)
	if want := strconv.Itoa(c.Process.Pid) + "\n"; out != want {
		t.Errorf("the orphan's parent = %q; want %q", out, want)
	}
}

func TestInitForwardsSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGWINCH, 34, 64} {
		// Whoever has no trap for it does not see a signal that is ignored by
		// default.
		script := fmt.Sprintf("trap 'exit 7' %d; echo ready; while :; do sleep 0.01; done", sig)
		c := withInit(Command("/bin/sh", "-c", script))
		startReady(t, c)
		if err := c.Process.Signal(sig); err != nil {
			t.Error(err)
		}
		c.Wait()
		if got := c.ProcessState.ExitCode(); got != 7 {
			t.Errorf("%v: %v; want exit status 7", sig, c.ProcessState)
		}
	}
}

// startReady starts a command and waits for its first line.
func startReady(t *testing.T, c *Cmd) *bufio.Reader {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	return lines
}

// What the terminal sends goes to the whole group, the program included: it
// must not get it twice.
func TestInitLeavesTheTerminalsSignals(t *testing.T) {
	requires(t, terminals)
	master, tty := newTerminal(t)
	c := withInit(Command("/bin/sh", "-c", "n=0; trap 'n=$((n+1))' INT; echo ready; while ! read x; do :; done; echo $n"))
	c.Stdin = tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out := startReady(t, c)
	io.WriteString(master, "\x03")
	time.Sleep(100 * time.Millisecond) // for a second one that ought not to come
	io.WriteString(master, "\n")
	line, _ := out.ReadString('\n')
	if err := c.Wait(); err != nil || line != "1\n" {
		t.Errorf("the program got SIGINT %q times, %v; want once", line, err)
	}
}

// The program must not get at the init, as which it may run as the same user.
func TestInitCannotBeTraced(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "readlink /proc/$$/exe >/dev/null && ! readlink /proc/$PPID/exe && ! cat /proc/$PPID/environ"))
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if got := outputOf(t, c); got != "" {
		t.Errorf("the program reads %q of the init", got)
	}
}

// stateFile is where an init tells the program's end.
const stateFile = "/memfd:sprog-state (deleted)"

// A pipe ends when the program closes it.
func TestInitHoldsNoFiles(t *testing.T) {
	c := withInit(Command("/bin/sh", "-c", "echo ready; exec >&- 2>&-; read x; exit 5"))
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := startReady(t, c)
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 { // it would not return
		t.Errorf("output = %q, %v; want its end", rest, err)
	}
	if os.Geteuid() == 0 { // the init is not dumpable
		wantFiles(t, c, "children")
	}
	in.Close()
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 5 {
		t.Errorf("%v; want exit status 5", c.ProcessState)
	}
}

// wantFiles looks whether an init holds, once it waits, the file of its state
// and this one of its own, and no others.
func wantFiles(t *testing.T, c *Cmd, name string) {
	t.Helper()
	want := []string{stateFile, fmt.Sprintf("/proc/%d/task/%[1]d/%s", c.Process.Pid, name)}
	eventually(t, fmt.Sprintf("the init holds %q", want), func() bool {
		return slices.Equal(slices.Sorted(maps.Values(links(fmt.Sprintf("/proc/%d/fd/", c.Process.Pid)))), want)
	})
}

// The program's descriptors are its own alone, and none of the init's.
func TestInitGivesExactlyTheFiles(t *testing.T) {
	givesExactlyTheFiles(t, withInit)
}

// givesExactlyTheFiles looks at the descriptors of a program that is started in
// a way.
func givesExactlyTheFiles(t *testing.T, by func(*Cmd) *Cmd) {
	t.Helper()
	c := by(helperCommand("fds"))
	c.ExtraFiles = []*os.File{nil, devNullFile(t)}
	var numbers []string
	for line := range strings.Lines(outputOf(t, c)) {
		number, _, _ := strings.Cut(line, " ")
		numbers = append(numbers, number)
	}
	if got := strings.Join(numbers, " "); got != "0 1 2 4" {
		t.Errorf("descriptors = %s; want 0 1 2 4", got)
	}
}

// What goes wrong in either stage is told like any other error.
func TestInitErrors(t *testing.T) {
	dir := brokenPrograms(t)
	for _, m := range missingThings(dir) {
		before := snapshot()
		err := withInit(m.cmd()).Run()
		if want := strings.ReplaceAll(m.want, "DIR", dir); err == nil || err.Error() != want {
			t.Errorf("missing %s: %v; want %s", m.what, err, want)
		}
		if leaks := before.leaks(); len(leaks) > 0 {
			t.Errorf("missing %s: left behind: %q", m.what, leaks)
		}
	}
}

// ignoring-children PROGRAM...: in a process that ignores SIGCHLD, whose
// children vanish without a status, start a program with an init, and one that
// does not exist.
var _ = helper("ignoring-children", func(args []string) int {
	signal.Ignore(syscall.SIGCHLD)
	c := withInit(Command(args[0], args[1:]...))
	c.Stdout = os.Stdout
	if err := c.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	for unix.Kill(c.Process.Pid, 0) == nil {
		time.Sleep(time.Millisecond)
	}
	for _, prepare := range []func(*Cmd) *Cmd{withInit, func(c *Cmd) *Cmd { return c }} {
		if err := prepare(&Cmd{Path: "/no/such/program"}).Run(); !errors.Is(err, syscall.ENOENT) {
			fmt.Println(err)
			return 1
		}
	}
	return 0
})

// The init needs the status of its children, the program inherits what the
// caller had.
func TestInitWhereChildrenAreIgnored(t *testing.T) {
	text := outputOf(t, helperCommand("ignoring-children", "/bin/cat", "/proc/self/status"))
	if got := fieldOf(text, "SigIgn"); got != "0000000000010000" {
		t.Errorf("SigIgn = %s; want SIGCHLD", got)
	}
	if got := outputOf(t, helperCommand("ignoring-children", "/bin/sh", "-c", "(true &); sh -c 'exit 7'; echo $?")); got != "7\n" {
		t.Errorf("output = %q; want 7", got)
	}
}

// perlComets are processes that each fork a child in a session of its own,
// write a dot and exit, again and again. Each ends by itself after some seconds.
const perlComets = `for i in 1 2 3 4; do perl -MPOSIX -e 'for (1..1500) { exit if fork; POSIX::setsid(); syswrite STDOUT, "."; select undef, undef, undef, 0.002 }' & done; `

// What is left when the program has ended is dead before the init ends, whose
// status is the program's.
func TestInitKillsTheRest(t *testing.T) {
	for _, test := range []struct {
		name, script, ready, want string
		needs                     []*requirement
	}{
		{"daemons", `for i in 1 2 3; do (setsid sh -c 'sleep 1000 & sleep 1000' &); done; echo ready; read x; exit 7`, "ready", "exit status 7", nil},
		{"double forks", `((sleep 1000 & sleep 1000) & sleep 0.1); echo ready; read x; exit 0`, "ready", "exit status 0", nil},
		{"stopped", `sleep 1000 & kill -STOP $!; echo ready; read x; exit 255`, "ready", "exit status 255", nil},
		{"deaf", `(trap '' TERM HUP INT; sleep 1000; sleep 1000) & echo ready; read x; exit 7`, "ready", "exit status 7", nil},
		{"by a signal", `sleep 1000 & echo ready; read x; kill -USR1 $$`, "ready", "signal: user defined signal 1", nil},
		{"killed", `sleep 1000 & echo ready; read x; kill -KILL $$`, "ready", "signal: killed", nil},
		{"deep", `n=0; run() { if [ $1 -gt 0 ]; then (run $(($1-1)) & sleep 1000) & fi; }; run 12; sleep 0.2; echo ready; read x; exit 7`, "ready", "exit status 7", nil},
		{"many", `i=0; while [ $i -lt 200 ]; do sleep 1000 & i=$((i+1)); done; echo ready; read x; exit 7`, "ready", "exit status 7", nil},
		{"comets", perlComets + `read x; exit 7`, inFlight, "exit status 7", []*requirement{tool("perl")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requires(t, test.needs...)
			c := withInit(Command("/bin/sh", "-c", test.script))
			killsRest(t, c, test.ready)
			if got := c.ProcessState.String(); got != test.want {
				t.Errorf("the init ends with %s; want %s", got, test.want)
			}
		})
	}
}

// killsRest starts a command, has it end once it has said a word, and looks what
// is left.
func killsRest(t *testing.T, c *Cmd, ready string) {
	t.Helper()
	mark := fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
	c.Env = append(os.Environ(), markVar+"="+mark)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	awaitTree(t, out, ready, mark)
	io.WriteString(in, "\n")
	c.Wait()
	if left := marked(t, mark); len(left) > 0 {
		t.Errorf("still there: %v", left)
		exec.Command("kill", append([]string{"-9"}, left...)...).Run()
	}
}

// linger UID: become another user and wait.
var _ = helper("linger", func(args []string) int {
	uid, _ := strconv.Atoi(args[0])
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("lingering %d\n", os.Getpid())
	io.ReadFull(os.Stdin, make([]byte, 1))
	return 0
})

// The init does not wait for ever for a process that it may not kill. The others
// are dead.
func TestInitMayNotKill(t *testing.T) {
	requires(t, asRoot)
	c := withInit(Command("/bin/sh", "-c", `"$0" linger 65534 <&3 >&4 & sleep 1000 & echo $!; read x; exit 7`, publicBinary(t)))
	c.Attr.Caps = &Caps{Permitted: CapSet{Drop: []string{"kill"}}} // of the init; the program has it again by its execve
	keep, toKeep := testPipe(t)
	said, toSay := testPipe(t)
	c.ExtraFiles = []*os.File{keep, toSay}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var lingering, sleeping int
	fmt.Fscanf(said, "lingering %d\n", &lingering)
	fmt.Fscan(out, &sleeping)
	in.Close()
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 7 {
		t.Errorf("%v; want exit status 7", c.ProcessState)
	}
	if err := unix.Kill(lingering, 0); err != nil {
		t.Errorf("the other user's process %d: %v; want it alive", lingering, err)
	}
	if err := unix.Kill(sleeping, 0); err != unix.ESRCH {
		t.Errorf("the init's own child %d: %v; want it dead", sleeping, err)
	}
	toKeep.Close()
}

func testPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// readAnother has an init read another file than the list of its children.
func readAnother(c *Cmd, path string) {
	c.inspect = func(_, second *program.Program) {
		for i := range second.Steps {
			s := &second.Steps[i]
			if s.Call == program.Openat && second.StrAt(s.Args[1]) == "thread-self/children" {
				s.Args[1] = second.Str(path)
			}
		}
	}
}

// Where the kernel has no such list, the init finds what is left all the same, and holds
// nothing that leads anywhere.
func TestInitWithoutTheList(t *testing.T) {
	sweep.Long(t)
	c := withInit(Command("/bin/sh", "-c", "echo ready; read x; sleep 1000 >/dev/null 2>&1 & echo $!; exit 7"))
	readAnother(c, "thread-self/no-such-file")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := startReady(t, c)
	if os.Geteuid() == 0 {
		wantFiles(t, c, "stat")
	}
	in.Close()
	var left int
	fmt.Fscan(out, &left)
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != 7 {
		t.Errorf("%v; want exit status 7", c.ProcessState)
	}
	if err := unix.Kill(left, unix.SIGKILL); err != unix.ESRCH {
		t.Errorf("the init has left its child: %v", err)
	}
}

// A list that is not of its children does not have the init kill others. Here it is
// that of this process, among whose children are the init and a bystander.
func TestInitKillsNobodyElse(t *testing.T) {
	sweep.Long(t)
	bystander := Command("/bin/sleep", "1000")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		bystander.Process.Kill()
		bystander.Wait()
	}()
	c := withInit(Command("/bin/sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!; exit 7"))
	readAnother(c, fmt.Sprintf("%d/task/%d/children", os.Getpid(), unix.Gettid()))
	var left int
	out, err := c.Output()
	fmt.Sscan(string(out), &left)
	if code := c.ProcessState.ExitCode(); code != 7 {
		t.Errorf("%v; want exit status 7", err)
	}
	if err := unix.Kill(left, unix.SIGKILL); err != unix.ESRCH {
		t.Errorf("the init has left its child: %v", err)
	}
	if err := unix.Kill(bystander.Process.Pid, 0); err != nil || statOf(bystander.Process.Pid).state == "Z" {
		t.Errorf("the init has killed another's child")
	}
}

// Root in a user namespace, with every capability there, cannot trace the init
// that started it, nor get at its memory or files: no filter of the program's
// binds an init. Without what keeps it out, it can.
func TestInitIsSafe(t *testing.T) {
	requires(t, userNamespaces)
	public := publicBinary(t)
	if os.Geteuid() == 0 {
		t.Run("root", func(t *testing.T) { initsAreSafe(t) })
	}
	t.Run("user", func(t *testing.T) {
		if os.Geteuid() != 0 || ownProcess(t, func(c *exec.Cmd) {
			c.Path, c.Dir = public, "/"
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}) {
			initsAreSafe(t)
		}
	})
}

func initsAreSafe(t *testing.T) {
	for name, sys := range map[string]syscall.SysProcAttr{
		"born into a user and a PID namespace": {Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS},
		"born into a user namespace":           {Cloneflags: unix.CLONE_NEWUSER},
		"that unshares its user namespace":     {Unshareflags: unix.CLONE_NEWUSER},
	} {
		sys.UidMappings, sys.GidMappings = idOf(0, os.Getuid()), idOf(0, os.Getgid())
		try := func(inspect func(_, second *program.Program)) string {
			c := helperCommand("trace-init")
			c.SysProcAttr, c.Attr, c.inspect = &sys, &Attr{Init: &Init{}}, inspect
			return outputOf(t, c)
		}
		if out := try(nil); out != "root\n" {
			t.Errorf("an init %s: root inside says %q; want only that it is root", name, out)
		}
		if out := try(func(_, second *program.Program) { stayDumpable(second) }); out != allOfInit {
			t.Errorf("an init %s that stays dumpable: root inside says %q; want %q", name, out, allOfInit)
		}
	}
}

// allOfInit is what trace-init says that may do all it tries.
const allOfInit = "root\nseize\nattach\nmemory\nfiles\ndescriptor\n"

// An init is not safe from those who have the right to trace whatever the
// caller's user namespace has executed.
func TestInitIsOpenToRootOutside(t *testing.T) {
	requires(t, asRoot)
	c := helperCommand("trace-init")
	c.Attr = &Attr{Init: &Init{}}
	if out := outputOf(t, c); out != allOfInit {
		t.Errorf("root in the init's user namespace says %q; want %q", out, allOfInit)
	}
}

// trace-init: print whether it is root, with CAP_SYS_PTRACE, and what it can do to its
// parent.
var _ = helper("trace-init", func([]string) int {
	runtime.LockOSThread() // it is a thread that traces
	if os.Geteuid() == 0 && kernel.HasCap(unix.CAP_SYS_PTRACE) {
		fmt.Println("root")
	}
	init := os.Getppid()
	if init == 1 { // of another PID namespace than the one that /proc shows
		if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
			fmt.Println(err)
		}
	}
	stopped := func(err error) bool {
		if err != nil {
			return false
		}
		unix.Wait4(init, nil, unix.WALL, nil)
		unix.PtraceDetach(init)
		return true
	}
	if err := unix.PtraceSeize(init); err == nil {
		unix.PtraceInterrupt(init)
		stopped(nil)
		fmt.Println("seize")
	}
	if stopped(unix.PtraceAttach(init)) {
		fmt.Println("attach")
	}
	const image = 0x400000
	buf := make([]byte, 4)
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	if _, err := unix.ProcessVMReadv(init, local, []unix.RemoteIovec{{Base: image, Len: len(buf)}}, 0); err == nil && strings.HasSuffix(string(buf), "ELF") {
		fmt.Println("memory")
	}
	if _, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", init)); err == nil {
		fmt.Println("files")
	}
	if pidfd, err := unix.PidfdOpen(init, 0); err == nil {
		if _, err := unix.PidfdGetfd(pidfd, 0, 0); err != unix.EPERM {
			fmt.Println("descriptor")
		}
	}
	return 0
})
