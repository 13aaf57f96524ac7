//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/sweep"
)

// withoutVar holds the system calls that a test process does without.
const withoutVar = "SPROG_TEST_WITHOUT"

var callNumbers = map[string]uint32{
	"clone3": unix.SYS_CLONE3, "close_range": unix.SYS_CLOSE_RANGE,
	"pidfd_open": unix.SYS_PIDFD_OPEN, "execveat": unix.SYS_EXECVEAT, "pidfd_getfd": unix.SYS_PIDFD_GETFD,
	"userfaultfd": unix.SYS_USERFAULTFD, "memfd_create": unix.SYS_MEMFD_CREATE,
	"open_tree": unix.SYS_OPEN_TREE, "fsopen": unix.SYS_FSOPEN, "move_mount": unix.SYS_MOVE_MOUNT, "mount_setattr": unix.SYS_MOUNT_SETATTR, "openat2": unix.SYS_OPENAT2,
}

var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// doWithout has the kernel answer ENOSYS to the calls, in all threads and for
// all that they start, as old kernels and the filters of containers do. Other
// filters answer EPERM: NAME=EPERM.
func doWithout(t *testing.T, names []string) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	filterThread(t, names, unix.SECCOMP_FILTER_FLAG_TSYNC)
}

// filterThread does it for the calling thread, which stays that of the
// goroutine.
func filterThread(t *testing.T, names []string, flags uintptr) {
	t.Helper()
	runtime.LockOSThread()
	const offsetOfNr, offsetOfArch = 0, 4
	answer := func(v uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: v} }
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	skipUnless := func(v uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: v}
	}
	filter := []unix.SockFilter{load(offsetOfArch), skipUnless(auditArch[runtime.GOARCH]), load(offsetOfNr)}
	for _, name := range names {
		errno := unix.ENOSYS
		name, eperm := strings.CutSuffix(name, "=EPERM")
		if eperm {
			errno = unix.EPERM
		}
		if _, known := callNumbers[name]; !known {
			t.Fatalf("no number of %s", name)
		}
		filter = append(filter, skipUnless(callNumbers[name]), answer(unix.SECCOMP_RET_ERRNO|uint32(errno)))
	}
	filter = append(filter, answer(unix.SECCOMP_RET_ALLOW))
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		t.Skip("needs seccomp filters: ", errno)
	}
}

// TestWithout compares what starts come to where the kernel lacks calls with
// what they come to where it has them all.
func TestWithout(t *testing.T) {
	if os.Getenv(insideVar) == t.Name() {
		startsWithout(t)
		return
	}
	by := sweep.Seed()
	want := resultsWithout(t, "", by)
	if len(want) == 0 {
		t.Skip("no results")
	}
	for _, names := range sweep.DrawnBy(t, by, []string{
		"clone3", "close_range", "pidfd_open", "execveat", "memfd_create", "clone3,close_range,pidfd_open,execveat",
		"close_range=EPERM,pidfd_open=EPERM,execveat=EPERM,memfd_create=EPERM",
	}) {
		t.Run(names, func(t *testing.T) {
			got := resultsWithout(t, names, by)
			if len(got) != len(want) {
				t.Errorf("%d results; want %d", len(got), len(want))
			}
			for name, w := range want {
				if strings.Contains(names, "clone3") && (name == "cgroup" || name == "everything") {
					w = "SysProcAttr.CgroupFD: CLONE_INTO_CGROUP needs clone3, Linux 5.7"
				}
				if strings.Contains(names, "memfd_create") && (name == "table" || name == "table of another user") {
					w = got[name] // below
					if !strings.HasPrefix(w, "Attr.Files[") || !strings.HasSuffix(w, "]: there is no memfd_create, Linux 3.17, or the seccomp filter in force denies it, and nothing else cannot be written to") {
						t.Errorf("%s: %q; want a file with inline data refused", name, w)
					}
				}
				if only, missing := difference(got[name], w); got[name] != w {
					t.Errorf("%s: got %q; want %q", name, only, missing)
				}
			}
		})
	}
}

// difference is what only one of two descriptions has.
func difference(a, b string) (onlyA, onlyB []string) {
	fieldsA, fieldsB := strings.Split(a, ","), strings.Split(b, ",")
	lacks := func(list []string) func(string) bool { return func(s string) bool { return !slices.Contains(list, s) } }
	keep := func(list []string, f func(string) bool) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !f(s) })
	}
	return keep(fieldsA, lacks(fieldsB)), keep(fieldsB, lacks(fieldsA))
}

const resultMark = "RESULT "

// resultsWithout runs the starts in a process that lacks the calls.
func resultsWithout(t *testing.T, names, seed string) map[string]string {
	t.Helper()
	parent, _, _ := strings.Cut(t.Name(), "/")
	c := exec.Command(testBinary(), append(passedFlags(), "-test.v", "-test.run=^"+parent+"$")...)
	c.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, helperVar+"=") })
	c.Env = append(c.Env, insideVar+"="+parent, withoutVar+"="+names, sweep.SeedVar+"="+seed)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		if line, ok := strings.CutPrefix(s.Text(), resultMark); ok {
			name, result, _ := strings.Cut(line, "\t")
			results[name] = result
		}
	}
	return results
}

func startsWithout(t *testing.T) {
	program := publicBinary(t)
	given := make(chan os.Signal, 1)
	signal.Notify(given, unix.SIGUSR1, unix.SIGTERM, unix.SIGCHLD, syscall.Signal(40))
	signal.Ignore(unix.SIGUSR2, unix.SIGTSTP, syscall.Signal(41))
	openLeaks(t)
	doWithout(t, strings.FieldsFunc(os.Getenv(withoutVar), func(r rune) bool { return r == ',' }))
	result := func(name, text string) { fmt.Printf("\n%s%s\t%s\n", resultMark, name, text) }

	result("all at once", startAtOnce())
	out, err := Command("/bin/cat", "/proc/self/status").Output()
	result("signals", fmt.Sprintf("%s %s %s %v", fieldOf(string(out), "SigIgn"), fieldOf(string(out), "SigCgt"), fieldOf(string(out), "SigBlk"), err))
	const ignored = 1<<(unix.SIGUSR2-1) | 1<<(unix.SIGTSTP-1) | 1<<(41-1)
	if text := string(out); fieldOf(text, "SigIgn") != fmt.Sprintf("%016x", ignored) || fieldOf(text, "SigCgt") != fmt.Sprintf("%016x", 0) {
		t.Errorf("the child has the signals\n%s\nwant the ignored %016x, and no handlers", out, ignored)
	}
	for _, s := range sweep.DrawnBy(t, os.Getenv(sweep.SeedVar), startCases()) {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			if s.name == "ptrace" {
				t.Skip("it stops")
			}
			c := s.cmd(t)
			if strings.Contains(os.Getenv(withoutVar), ",") {
				c.Trace = new(Trace)
				defer func() { checkTimes(t, c.Trace) }()
			}
			result(s.name, describedBy(t, c, program))
		})
	}
	waitForMany(t)
}

// openLeaks opens descriptors that a child could inherit by mistake.
func openLeaks(t *testing.T) {
	leak := func(n int) {
		if err := unix.Dup2(2, n); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(n) })
	}
	for n := range 300 {
		leak(600 + n)
	}
	leak(5000)
}

// startAtOnce has several starts find out at the same time what is missing.
func startAtOnce() string {
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		all.Go(func() { errs[i] = (&Cmd{Path: "/bin/true"}).Run() })
	}
	all.Wait()
	return fmt.Sprint(errs)
}

// publicBinary is a copy of the test binary that every user can execute.
func publicBinary(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sprog-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	data, err := os.ReadFile(testBinary())
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	path := filepath.Join(dir, "program")
	if err == nil {
		err = os.WriteFile(path, data, 0o755)
	}
	if err == nil {
		err = os.Chmod(path, 0o755) // whatever the umask
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// describedBy has a command run the helper that describes itself, and returns
// the description, or the error.
func describedBy(t *testing.T, c *Cmd, program string) string {
	t.Helper()
	out := describeItself(t, c, program)
	err := c.Start()
	var e *StartError
	if errors.As(err, &e) && e.Hint != "" {
		return e.Field + ": " + e.Hint
	}
	if err != nil {
		return canonical(err.Error())
	}
	err = c.Wait()
	closePidFD(c)
	return canonical(fmt.Sprintf("%s %v", contents(t, out), err))
}

// describeItself makes the program of a command the helper that describes
// itself to a file, the last of ExtraFiles.
func describeItself(t *testing.T, c *Cmd, program string) (out *os.File) {
	t.Helper()
	out = tempFile(t)
	c.ExtraFiles = append(slices.Clone(c.ExtraFiles), out)
	c.Path, c.Env = program, []string{helperEnv, "A=1"}
	if c.Attr != nil && c.Attr.Program != nil {
		attr := *c.Attr
		attr.Program = openProgram(t, program)
		if i := slices.Index(c.ExtraFiles, c.Attr.Program); i >= 0 {
			c.ExtraFiles[i] = attr.Program
		}
		c.Attr = &attr
	}
	c.Args = append([]string{"program", "describe"}, describing(2+len(c.ExtraFiles))...)
	return out
}

var cwdField = regexp.MustCompile(`"Cwd":"[^"]*"`)

var changing = regexp.MustCompile(`/tmp/[^" ]*|/proc/\d+|pts/\d+|sprog-[-a-z0-9]+`)

// canonical leaves out of a description what differs from one start to the
// next.
func canonical(s string) string {
	s = strings.ReplaceAll(s, "/dev/null", "/null") // as the kernel says once the mount is gone
	return changing.ReplaceAllString(strings.Join(strings.Fields(s), " "), "X")
}

// waitForMany waits for many children at once.
func waitForMany(t *testing.T) {
	before, _ := used()
	var all sync.WaitGroup
	var inputs []interface{ Close() error }
	for range max(fewer(300), 100) {
		c := &Cmd{Path: "/bin/cat"}
		in, err := c.StdinPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Error(err)
			break
		}
		inputs = append(inputs, in)
		all.Go(func() {
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	if now, _ := used(); now > before+40 {
		t.Errorf("%d threads while %d children are waited for, and %d before", now, len(inputs), before)
	}
	for _, in := range inputs {
		in.Close()
	}
	all.Wait()
}

// A filter can be loaded when starts have succeeded already. It denies clone3
// to this thread alone: the C library's threads need it.
func TestFilterAfterTheFirstStart(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	if err := (&Cmd{Path: "/bin/true"}).Run(); err != nil {
		t.Fatal(err)
	}
	filterThread(t, []string{"clone3=EPERM", "close_range=EPERM", "execveat=EPERM", "memfd_create=EPERM"}, 0)
	for name, attr := range map[string]*Attr{"plain": nil, "init": {Init: &Init{}}, "image": {OOMScoreAdj: new(1000)}} {
		if err := (&Cmd{Path: "/bin/true", Attr: attr}).Run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWTIME}}).Start()
	if want := "(CLONE_NEWTIME needs clone3, Linux 5.6)"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("a time namespace: %v; want %s", err, want)
	}
}

// A memfd is missing, and so is every directory for what stands in for it: the
// start says what it needs.
func TestNoFileForTheSecondStage(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} }) {
		return
	}
	doWithout(t, []string{"memfd_create"})
	for _, dir := range []string{"/dev/shm", "/var/tmp", "/tmp"} {
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_NOEXEC, ""); err != nil && err != unix.ENOENT { // not every machine has all
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", "/tmp")
	err := (&Cmd{Path: "/bin/true", Attr: &Attr{Init: &Init{}}}).Start()
	want := "sprog: start /bin/true: open second stage (Attr.Init): memfd_create: function not implemented (" +
		"there is no memfd_create, Linux 3.17, or the seccomp filter in force denies it, and no file without a name can be made and executed in /dev/shm, /tmp or /var/tmp instead)"
	if err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

// A start with flags that the kernel refuses says nothing about the kernel.
func TestRefusedFlagsProveNothing(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	err := (&Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWIPC | unix.CLONE_SYSVSEM}}).Start()
	// Without the right to a namespace the kernel does not look further.
	if !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.EPERM) {
		t.Errorf("error %v; want EINVAL or EPERM", err)
	}
	if err := (&Cmd{Path: "/bin/true"}).Run(); err != nil {
		t.Error(err)
	}
	if lacks := kernel.Known.Lacks.Load(); lacks != 0 || !kernel.Known.Clone3Works.Load() {
		t.Errorf("the kernel is taken to lack %#b", lacks)
	}
}

// Where /proc is that of another PID namespace, or is not there, nobody is killed
// by a number of it, and nothing is said to have been done that was not.
func TestForeignProc(t *testing.T) {
	requires(t, userNamespaces, realProcessor) // numbers are taken too slowly otherwise
	for _, proc := range []string{"old", "none"} {
		for name := range foreignChecks {
			t.Run(proc+"/"+name, func(t *testing.T) {
				t.Parallel()
				// Below this process's own, outside: their numbers are those of strangers inside.
				strangers := Command("/bin/sh", "-c", "sleep 1000 & echo $!; wait")
				out := startReading(t, strangers)
				var child int
				fmt.Fscan(out, &child)
				defer exec.Command("kill", "-9", strconv.Itoa(child)).Run()
				var said []byte
				var err error
				for range 10 {
					c := helperCommand("elsewhere", proc, name, strconv.Itoa(strangers.Process.Pid), strconv.Itoa(child))
					inNewPIDNamespace(c)
					if said, err = c.CombinedOutput(); err == nil || !bytes.Contains(said, []byte(numberTaken)) {
						break
					}
				}
				if err != nil {
					t.Errorf("%v\n%s", err, said)
				}
			})
		}
	}
}

// startReading starts a command that is killed at the end of the test, and
// returns its output.
func startReading(t *testing.T, c *Cmd) io.Reader {
	t.Helper()
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
	return out
}

// inNewPIDNamespace has a command be PID 1 of a new namespace, with the old /proc.
func inNewPIDNamespace(c *Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
}

// elsewhere PROC CHECK PARENT CHILD: be PID 1 and run a check, in which the command has
// the number PARENT and a bystander has the number CHILD.
var _ = helper("elsewhere", func(args []string) int {
	parent, _ := strconv.Atoi(args[2])
	child, _ := strconv.Atoi(args[3])
	if err := runElsewhere(args[0], foreignChecks[args[1]], parent, child); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
})

func runElsewhere(proc string, check foreignCheck, parent, child int) error {
	last, err := os.OpenFile("/proc/sys/kernel/ns_last_pid", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	missing := ownproc.ErrForeign
	if proc == "none" {
		missing = ownproc.ErrNotMounted
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return err
		}
		if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
			return err
		}
	}
	if err := ownproc.Missing(); err != missing {
		return fmt.Errorf("ownproc.Missing() = %v; want %v", err, missing)
	}
	hold, in, err := os.Pipe()
	if err != nil {
		return err
	}
	bystander, err := startAs(last, child, func() *Cmd {
		c := Command("/bin/cat")
		c.Stdin = hold
		return c
	})
	if err != nil {
		return err
	}
	c, err := startAs(last, parent, check.command)
	if err := check.judge(c, err, missing); err != nil {
		return err
	}
	in.Close()
	if err := bystander.Wait(); err != nil {
		return fmt.Errorf("a bystander: %v", err)
	}
	return aloneHere()
}

// aloneHere waits for all but PID 1 to be gone, which this process is.
func aloneHere() error {
	for range 1000 {
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 && err != unix.EINTR {
				break
			}
		}
		if unix.Kill(-1, 0) == unix.ESRCH {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
	return errors.New("other processes are left")
}

// numberTaken is said where a number is not to be had: a thread of this process has it for as long as the process lives.
const numberTaken = "no process came to have the number"

// startAs starts a command with a number. Threads of this process take numbers, too: on a busy machine nearly always.
func startAs(last *os.File, number int, command func() *Cmd) (*Cmd, error) {
	for range 200 {
		if _, err := last.WriteAt([]byte(strconv.Itoa(number-1)), 0); err != nil {
			return nil, err
		}
		c := command()
		if err := c.Start(); err != nil {
			return c, err
		}
		if c.Process.Pid == number || c.Attr != nil && c.Attr.Join != nil {
			return c, nil
		}
		c.Process.Kill()
		c.Wait()
	}
	return nil, fmt.Errorf("%s %d", numberTaken, number)
}

// A foreignCheck is a command, and what has to be so of it where there is no /proc of
// its own.
type foreignCheck struct {
	command func() *Cmd
	judge   func(c *Cmd, startErr, missing error) error
}

var foreignChecks = map[string]foreignCheck{
	"KillTree":           {func() *Cmd { return Command("/bin/sleep", "1000") }, killedAlone},
	"KillTree, init":     {func() *Cmd { return withInit(Command("/bin/sleep", "1000")) }, killedAlone},
	"timeout":            {func() *Cmd { return endingBy(Command("/bin/sleep", "1000"), Ending{Timeout: soon}) }, timedOutAlone},
	"timeout, grace":     {func() *Cmd { return endingBy(Command("/bin/sleep", "1000"), Ending{Timeout: soon, Grace: never}) }, timedOutAlone},
	"timeout, init":      {func() *Cmd { return endingBy(withInit(Command("/bin/sleep", "1000")), Ending{Timeout: soon}) }, timedOutAlone},
	"timeout, told init": {func() *Cmd { return endingBy(withInit(leaving("sleep 1000")), Ending{Timeout: soon, Grace: never}) }, timedOutWithAll},
	"init":               {func() *Cmd { return withInit(leaving("exit 7")) }, leftNothing},
	"id map":             {func() *Cmd { return withOneID(Command("/bin/true")) }, refusedToMap},
	"join":               {joinsInner, joinedInner},
	"CPU time":           {func() *Cmd { return endingBy(Command("/bin/true"), Ending{CPUTime: never}) }, refusedForProc},
}

// failures are what Ending.Failed is called with.
var failures = make(chan error, 1)

func endingBy(c *Cmd, e Ending) *Cmd {
	e.Failed = func(err error) { failures <- err }
	c.Ending = &e
	return c
}

// leaving is a shell that leaves daemons behind.
func leaving(end string) *Cmd {
	return Command("/bin/sh", "-c", "for i in 1 2 3; do (setsid sh -c 'sleep 1000 & sleep 1000' &); done; "+end)
}

func killedAlone(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	reach, err := c.KillTree()
	c.Wait()
	if reach != ReachProcess || !errors.Is(err, missing) || c.Result().Reach != ReachProcess {
		return fmt.Errorf("KillTree() = %v, %v (in the result: %v); want %v, %v", reach, err, c.Result().Reach, ReachProcess, missing)
	}
	return nil
}

func timedOutAlone(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	err = c.Wait()
	failed := <-failures
	if r := c.Result(); !errors.Is(err, ErrTimeout) || r.Reach != ReachProcess || !errors.Is(failed, missing) {
		return fmt.Errorf("Wait() = %v, reach %v, told %v; want %v, %v, %v", err, r.Reach, failed, ErrTimeout, ReachProcess, missing)
	}
	return nil
}

// The init itself finds what is left.
func timedOutWithAll(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	err = c.Wait()
	if r := c.Result(); !errors.Is(err, ErrTimeout) || r.Reach != ReachDescendants {
		return fmt.Errorf("Wait() = %v, reach %v; want %v, %v", err, r.Reach, ErrTimeout, ReachDescendants)
	}
	return nil
}

func leftNothing(c *Cmd, err, missing error) error {
	if err != nil {
		return err
	}
	c.Wait()
	if r := c.Result(); r.ExitCode != 7 || r.Left != 0 {
		return fmt.Errorf("exit code %d, left %d; want 7, 0", r.ExitCode, r.Left)
	}
	return nil
}

func withOneID(c *Cmd) *Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
	return c
}

func refusedToMap(c *Cmd, err, missing error) error {
	if !errors.Is(err, missing) {
		return fmt.Errorf("Start() = %v; want %v", err, missing)
	}
	return nil
}

// inner is a process with a host name of its own, and what a command says that joins it.
var inner struct {
	box *Cmd
	out *os.File
}

func joinsInner() *Cmd {
	if inner.box == nil {
		inner.box = Command("/bin/sleep", "1000")
		inner.box.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS}
		inner.box.Attr = &Attr{Hostname: "inner"}
		if err := inner.box.Start(); err != nil {
			fmt.Println(err)
		}
	}
	c := Command("/bin/uname", "-n")
	c.Attr = &Attr{Join: []Namespace{{PID: inner.box.Process.Pid, Kinds: UTSNamespace}}}
	out, in, err := os.Pipe()
	if err != nil {
		fmt.Println(err)
	}
	c.Stdout, inner.out = in, out
	return c
}

// joinedInner: a number of the caller's means that process, whatever /proc calls it.
func joinedInner(c *Cmd, err, missing error) error {
	defer inner.box.Wait()
	defer inner.box.Process.Kill()
	if missing == ownproc.ErrNotMounted {
		if err == nil {
			return errors.New("a namespace was joined without /proc")
		}
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.Wait(); err != nil {
		return err
	}
	name := make([]byte, 64)
	n, _ := inner.out.Read(name)
	if string(name[:n]) != "inner\n" {
		return fmt.Errorf("the host's name is %q; want inner", name[:n])
	}
	return nil
}

func refusedForProc(c *Cmd, err, missing error) error {
	if err == nil || !strings.Contains(err.Error(), "(Ending.CPUTime): cannot be kept without Attr.Cgroup: "+missing.Error()) {
		return fmt.Errorf("Start() = %v; want that the limit cannot be kept", err)
	}
	return nil
}

// The numbers are foreign even if this process happens to have the same number in both namespaces.
func TestForeignProcOfTheSameNumber(t *testing.T) {
	requires(t, userNamespaces)
	c := helperCommand("coincide")
	inNewPIDNamespace(c)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// coincide: have children, until one has the number here that it has outside.
var _ = helper("coincide", func([]string) int {
	last, err := os.OpenFile("/proc/sys/kernel/ns_last_pid", os.O_WRONLY, 0)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	next, before := 1000, 0
	for range 2000 {
		last.WriteAt([]byte(strconv.Itoa(next-1)), 0)
		out, err := helperCommand("say-proc").Output()
		var own, there int
		var said string
		if _, scanErr := fmt.Sscanf(string(out), "%d %d %q", &own, &there, &said); err != nil || scanErr != nil {
			fmt.Println(string(out), err, scanErr)
			return 1
		}
		if said != ownproc.ErrForeign.Error() {
			fmt.Println(string(out))
			return 1
		}
		if own == there {
			return 0
		}
		next, before = there+(there-before), there // threads take numbers as well, about as many as before
	}
	fmt.Println("no process came to have the same number twice")
	return 1
})

// say-proc: print the own number, that in /proc, and what is missing there.
var _ = helper("say-proc", func([]string) int {
	there, _ := os.Readlink("/proc/self")
	fmt.Printf("%d %s %q\n", os.Getpid(), there, fmt.Sprint(ownproc.Missing()))
	return 0
})

// fakes are files of a /proc that are written to in a start, or executed.
var fakes = []string{
	"self/uid_map", "self/gid_map", "self/setgroups", "self/oom_score_adj", "self/timens_offsets",
	"thread-self/attr/exec", "thread-self/attr/apparmor/exec", "thread-self/children", "thread-self/stat",
	"sys/net/ipv4/ip_default_ttl", "sys/user/max_user_namespaces",
}

// A container has put files of its own where it has its /proc. What a start
// that joins it sets all the same is set, or the start fails; nothing is
// written to those files (CVE-2019-16884, CVE-2025-52881), and none is executed.
func TestFakeProc(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootWithProc(t)
	box := newJail(t, root, unix.CLONE_NEWNS, "fake")
	proc := "/proc/" + strconv.Itoa(box.pid) + "/root/proc/"
	for _, lack := range []kernel.Missing{0, kernel.NoExecveat, kernel.NoCloseRange} {
		for _, asked := range settingByProc {
			t.Run(fmt.Sprint(asked.name, " without ", lack), func(t *testing.T) {
				requires(t, asked.needs...)
				lacked := kernel.Known.Lacks.Load()
				defer kernel.Known.Lacks.Store(lacked)
				kernel.Known.Learn(lack)
				c := &Cmd{Path: "/bin/test", Args: []string{"test", "hang", ""}, Stderr: os.Stderr}
				joiningJail(box, MountNamespace)(c)
				asked.prepare(t, c)
				startReady(t, c)
				defer func() { c.Process.Kill(); c.Wait() }()
				asked.check(t, strconv.Itoa(c.Process.Pid))
				filepath.WalkDir(proc, func(path string, d os.DirEntry, err error) error {
					if err == nil && !d.IsDir() && !strings.HasPrefix(path, proc+"self/fd/") && contentsOf(path) != "" {
						t.Errorf("%s was written to: %q", path, contentsOf(path))
						os.Truncate(path, 0)
					}
					return err
				})
				if exists(proc + "executed") {
					t.Error("a file of the container's was executed in place of the program or its second stage")
					os.Remove(proc + "executed")
				}
			})
		}
	}
}

// settingByProc are attributes that a file in /proc sets, and that show there.
var settingByProc = []struct {
	startCase
	check func(t *testing.T, pid string)
}{
	{startCase{"user namespace", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
	}}, shows("uid_map", "0 0 1")},
	{startCase{"user namespace and init", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
		attr(c).Init = &Init{}
	}}, shows("gid_map", "0 0 1")},
	{startCase{"no user namespaces", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
		attr(c).ForbidUserNamespaces = true
	}}, shows("setgroups", "deny")},
	{startCase{"OOM score", nil, func(_ *testing.T, c *Cmd) { attr(c).OOMScoreAdj = new(500) }}, shows("oom_score_adj", "500")},
	{startCase{"time offsets", []*requirement{enteringTime}, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWTIME
		attr(c).TimeOffsets = &TimeOffsets{Boottime: 1e12}
	}}, shows("timens_offsets", "monotonic 0 0 boottime 1000 0")},
	{startCase{"kernel parameter", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWNET
		attr(c).Sysctls = []Sysctl{{"net.ipv4.ip_default_ttl", "77"}}
	}}, func(t *testing.T, pid string) {
		n, _ := strconv.Atoi(pid)
		joined := &Attr{Join: []Namespace{{PID: n, Kinds: NetworkNamespace}}}
		if got := printed(t, nil, joined, "/bin/cat", "/proc/sys/net/ipv4/ip_default_ttl"); got != "77\n" {
			t.Errorf("net.ipv4.ip_default_ttl of the program is %q; want 77", got)
		}
	}},
	{startCase{"init", nil, func(_ *testing.T, c *Cmd) { attr(c).Init = &Init{} }}, shows("comm", "sprog-init")},
}

// shows checks what the caller's /proc shows of a process.
func shows(file, want string) func(*testing.T, string) {
	return func(t *testing.T, pid string) {
		t.Helper()
		if got := strings.Join(strings.Fields(contentsOf("/proc/"+pid+"/"+file)), " "); got != want {
			t.Errorf("%s of the process is %q; want %q", file, got, want)
		}
	}
}

// fakeProc makes files with the names of those in /proc, and programs with the names
// of its descriptors.
func fakeProc(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	for fd := range 40 {
		if err := os.MkdirAll(dir+"/self/fd", 0o777); err != nil {
			return err
		}
		script := "#!/bin/test fake\n"
		if err := os.WriteFile(dir+"/self/fd/"+strconv.Itoa(fd), []byte(script), 0o777); err != nil {
			return err
		}
	}
	for _, name := range fakes {
		if err := os.MkdirAll(filepath.Dir(dir+"/"+name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(dir+"/"+name, nil, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// fake: leave a mark.
var _ = helper("fake", func([]string) int {
	os.WriteFile("/proc/executed", nil, 0o666)
	return 0
})
