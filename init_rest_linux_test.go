//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/program"
)

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
			if s.Call == program.Openat && second.StrAt(s.Args[1]) == compile.ChildrenFile {
				s.Args[1] = second.Str(path)
			}
		}
	}
}

// Where the kernel has no such list, the init finds what is left all the same, and holds
// nothing that leads anywhere.
func TestInitWithoutTheList(t *testing.T) {
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
