//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
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
	by := seed()
	want := resultsWithout(t, "", by)
	if len(want) == 0 {
		t.Skip("no results")
	}
	for _, names := range drawnAgain(t, by, []string{
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
	c.Env = append(c.Env, insideVar+"="+parent, withoutVar+"="+names, seedVar+"="+seed)
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
	for _, s := range drawnAgain(t, os.Getenv(seedVar), startCases()) {
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
	want := "sprog: start /bin/true: open second stage (Attr.Init): memfd_create: function not implemented (" + explain.NoMemfd +
		", and no file without a name can be made and executed in /dev/shm, /tmp or /var/tmp instead)"
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
