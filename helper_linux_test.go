//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"debug/elf"
	"encoding/binary"
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

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pty"
	"github.com/sprog-dev/sprog/internal/sweep"
)

// The helper programs that many tests use.
var (
	_ = helper("true", func([]string) int { return 0 })

	// exit STATUS [TEXT]: print TEXT to standard error and exit.
	_ = helper("exit", func(args []string) int {
		status, _ := strconv.Atoi(args[0])
		fmt.Fprint(os.Stderr, strings.Join(args[1:], " "))
		return status
	})

	// die SIGNAL: die of a signal.
	_ = helper("die", func(args []string) int {
		sig, _ := strconv.Atoi(args[0])
		syscall.Kill(os.Getpid(), syscall.Signal(sig))
		return stay()
	})

	_ = helper("echo", func(args []string) int {
		fmt.Println(strings.Join(args, " "))
		return 0
	})

	// both OUT ERR...: print one word to standard output and one to standard
	// error in turn.
	_ = helper("both", func(args []string) int {
		for i, word := range args {
			fmt.Fprintln([]*os.File{os.Stdout, os.Stderr}[i%2], word)
		}
		return 0
	})

	_ = helper("cat", func([]string) int {
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	})

	// flood N [STATUS]: print N bytes to standard error.
	_ = helper("flood", func(args []string) int {
		n, _ := strconv.Atoi(args[0])
		w := bufio.NewWriter(os.Stderr)
		for i := range n {
			w.WriteByte('a' + byte(i%26))
		}
		w.Flush()
		return 3
	})

	// yes: print until it is no longer possible.
	_ = helper("yes", func([]string) int {
		for {
			if _, err := os.Stdout.WriteString("y\n"); err != nil {
				return 1
			}
		}
	})

	_ = helper("env", func(args []string) int {
		for _, kv := range os.Environ() {
			if !strings.HasPrefix(kv, helperVar) {
				fmt.Println(kv)
			}
		}
		return 0
	})

	// argv: print the quoted arguments, the program's name included.
	_ = helper("argv", func(args []string) int {
		fmt.Printf("%q\n", os.Args)
		return 0
	})

	// fds: print each open descriptor and what it refers to. One that is
	// close-on-exec is not inherited but the helper's own.
	_ = helper("fds", func([]string) int {
		for fd := range 1024 {
			flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
			if errno != 0 || flags&syscall.FD_CLOEXEC != 0 {
				continue
			}
			to, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
			fmt.Println(fd, to)
		}
		return 0
	})

	// modes: print the descriptors among 0, 1, 2 that are non-blocking.
	_ = helper("modes", func([]string) int {
		for fd := range 3 {
			flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFL, 0)
			if flags&syscall.O_NONBLOCK != 0 {
				fmt.Println(fd)
			}
		}
		return 0
	})

	// hang HOW: say "ready", then stay. HOW is "" to die of signals, "exit0"
	// to exit with success on SIGINT, "deaf" to ignore it.
	_ = helper("hang", func(args []string) int {
		ints := make(chan os.Signal, 1)
		switch args[0] {
		case "exit0":
			signal.Notify(ints, os.Interrupt)
		case "deaf":
			signal.Ignore(os.Interrupt)
		}
		fmt.Println("ready")
		select {
		case <-ints:
			return 0
		case <-time.After(20 * time.Minute):
			return 9
		}
	})

	// orphan: leave a process behind that holds standard output and error
	// open until it cannot write to them any more.
	_ = helper("orphan", func([]string) int {
		p, err := os.StartProcess(testBinary(), []string{"x", "pester"}, &os.ProcAttr{
			Files: []*os.File{nil, os.Stdout, os.Stderr},
		})
		if err != nil {
			return 1
		}
		p.Release()
		return 0
	})
	_ = helper("pester", func([]string) int {
		for range 6000 {
			if _, err := os.Stdout.WriteString("."); err != nil {
				return 1
			}
			time.Sleep(10 * time.Millisecond)
		}
		return 0
	})
)

// stay waits until the process is killed. A program without cgo that waits for
// nothing at all ends instead: the runtime takes it for a deadlock.
func stay() int {
	for {
		time.Sleep(time.Hour)
	}
}

// insideVar holds the name of the test that a test process is for.
const insideVar = "SPROG_TEST_INSIDE"

// ownProcess runs the test in a process of its own, for what cannot be taken
// back: a filter, a limit, a user. It is called first thing in a test, and
// reports whether this is that process; elsewhere the test is over then. The
// process is started by os/exec, after prepare has had its way with it.
func ownProcess(t *testing.T, prepare func(*exec.Cmd)) bool {
	t.Helper()
	if os.Getenv(insideVar) == t.Name() {
		return true
	}
	out, err := testProcess(t, prepare).CombinedOutput()
	last := strings.Split(t.Name(), "/")
	switch {
	case err != nil:
		t.Errorf("in a process of its own: %v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP: "+t.Name()+" "):
		t.Skipf("in a process of its own:\n%s", out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Errorf("%s did not run in a process of its own:\n%s", last[len(last)-1], out)
	case testing.Verbose():
		t.Logf("%s", out)
	}
	return false
}

// testProcess is a command that runs this test alone, and the like.
func testProcess(t *testing.T, prepare func(*exec.Cmd)) *exec.Cmd {
	var pattern []string
	for _, part := range strings.Split(t.Name(), "/") {
		pattern = append(pattern, "^"+regexp.QuoteMeta(part)+"$")
	}
	c := exec.Command(testBinary(), append(passedFlags(), "-test.v", "-test.run="+strings.Join(pattern, "/"))...)
	c.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, helperVar+"=") || strings.HasPrefix(kv, insideVar+"=")
	})
	c.Env = append(c.Env, insideVar+"="+t.Name())
	if prepare != nil {
		prepare(c)
	}
	return c
}

// passedFlags are the flags of this process that others need as well.
func passedFlags() []string {
	if testing.Short() {
		return []string{"-test.short"}
	}
	return nil
}

// A tiny is a program that begins with its first instruction: a static ELF file
// of a few system calls. Whatever runs Go or C code first gives the parent time
// to look.
type tiny []tinyCall

// A tinyCall is a system call with arguments of 32 bits. The zero value is an
// instruction that no processor has.
type tinyCall struct {
	nr   uint32
	args [4]uint32
}

// Parts of such programs.
var (
	crash      = tinyCall{}
	newSession = tinyCall{nr: unix.SYS_SETSID}
	ownGroup   = tinyCall{nr: unix.SYS_SETPGID}
	stopGroup  = tinyCall{nr: unix.SYS_KILL, args: [4]uint32{0, uint32(unix.SIGSTOP)}}
	plainFork  = tinyCall{nr: unix.SYS_CLONE, args: [4]uint32{uint32(unix.SIGCHLD)}}
)

func exitWith(code uint32) tinyCall {
	return tinyCall{nr: unix.SYS_EXIT_GROUP, args: [4]uint32{code}}
}

// tinyFile makes an executable file of the calls and returns its path.
func tinyFile(t testing.TB, calls ...tinyCall) string {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // for programs of other users
		t.Fatal(err)
	}
	path := filepath.Join(dir, "tiny")
	if err := os.WriteFile(path, tiny(calls).file(), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func (p tiny) file() []byte {
	const base, header = 0x400000, 120
	code := p.code()
	size := uint64(header + len(code))
	file := []byte(elfFile(binary.LittleEndian, elf.ET_EXEC, ownMachine(), elfHeader{kind: 1, address: base, size: size}, string(code)))
	binary.LittleEndian.PutUint64(file[24:], base+header)
	binary.LittleEndian.PutUint64(file[112:], 0x1000)
	return file
}

func (p tiny) code() (b []byte) {
	for _, c := range p {
		if runtime.GOARCH == "arm64" {
			b = c.arm64(b)
		} else {
			b = c.amd64(b)
		}
	}
	return b
}

func (c tinyCall) amd64(b []byte) []byte {
	if c == crash {
		return append(b, 0x0f, 0x0b) // ud2
	}
	le := binary.LittleEndian
	b = le.AppendUint32(append(b, 0xb8), c.nr)            // mov eax
	b = le.AppendUint32(append(b, 0xbf), c.args[0])       // mov edi
	b = le.AppendUint32(append(b, 0xbe), c.args[1])       // mov esi
	b = le.AppendUint32(append(b, 0xba), c.args[2])       // mov edx
	b = le.AppendUint32(append(b, 0x41, 0xba), c.args[3]) // mov r10d
	return append(b, 0x0f, 0x05)                          // syscall
}

func (c tinyCall) arm64(b []byte) []byte {
	le := binary.LittleEndian
	if c == crash {
		return le.AppendUint32(b, 0) // udf
	}
	move := func(reg, value uint32) {
		b = le.AppendUint32(b, 0xd2800000|value&0xffff<<5|reg) // movz
		b = le.AppendUint32(b, 0xf2a00000|value>>16<<5|reg)    // movk, lsl 16
	}
	move(8, c.nr)
	for i, a := range c.args {
		move(uint32(i), a)
	}
	return le.AppendUint32(b, 0xd4000001) // svc
}

// drawn are the cases of a sweep that are run this time, in their order.
func drawn[T any](t *testing.T, all []T) []T {
	t.Helper()
	if strings.HasPrefix(os.Getenv(insideVar), t.Name()+"/") { // this process is for one of them
		return all
	}
	return sweep.Drawn(t, all)
}

// fewer is a number of tries, of n with the whole sweeps.
func fewer(n int) int { return fewerEmulated(sweep.Fewer(n)) }

// fewerEmulated is a number of tries that takes a while on an emulated processor: a fifth of n there. The tries are for
// what another processor shows as well.
func fewerEmulated(n int) int {
	if emulated() {
		n = (n + 4) / 5
	}
	return n
}

// emulated reports whether the processor is one that script/vm emulates.
func emulated() bool { return os.Getenv("SPROG_TEST_EMULATED") != "" }

// slowly is a time that is enough for what processes do in d elsewhere.
func slowly(d time.Duration) time.Duration {
	if emulated() {
		d *= 5
	}
	return d
}

// realProcessor is for a test that goes through what other tests go through in another way.
var realProcessor = &requirement{what: "a processor that is not emulated", works: func() error {
	if emulated() {
		return errors.New("it takes too long")
	}
	return nil
}}

// What a program started with some attributes sees of itself is read from the
// kernel, by programs that are not part of this package.

// printed runs a program with attributes and returns what it prints.
func printed(t *testing.T, sys *syscall.SysProcAttr, attr *Attr, prog string, args ...string) string {
	t.Helper()
	c := Command(prog, args...)
	c.SysProcAttr, c.Attr = sys, attr
	return outputOf(t, c)
}

func outputOf(t *testing.T, c *Cmd) string {
	t.Helper()
	var diagnostics strings.Builder
	c.Stderr = &diagnostics
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", c, err, out, diagnostics.String())
	}
	return string(out)
}

// selfStatus is /proc/self/status of a program with these attributes.
func selfStatus(t *testing.T, sys *syscall.SysProcAttr) string {
	t.Helper()
	return printed(t, sys, nil, "/bin/cat", "/proc/self/status")
}

// wantStatus compares lines of /proc/self/status.
func wantStatus(t *testing.T, sys *syscall.SysProcAttr, want map[string]string) {
	t.Helper()
	text := selfStatus(t, sys)
	for name, value := range want {
		if got := fieldOf(text, name); got != value {
			t.Errorf("%s = %q; want %q", name, got, value)
		}
	}
}

// A procStat is a part of /proc/PID/stat.
type procStat struct {
	state                                     string
	pid, ppid, pgrp, session, terminal, tpgid int
}

func parseStat(text string) procStat {
	w := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	n := make([]int, 8)
	for i := 1; i < 7; i++ {
		n[i], _ = strconv.Atoi(w[i])
	}
	pid, _ := strconv.Atoi(text[:strings.IndexByte(text, ' ')])
	return procStat{w[0], pid, n[1], n[2], n[3], n[4], n[5]}
}

// statOf is the stat of a process, which must exist.
func statOf(pid int) procStat {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		panic(err)
	}
	return parseStat(string(b))
}

// selfStat is /proc/self/stat of a program with these attributes.
func selfStat(t *testing.T, sys *syscall.SysProcAttr) procStat {
	t.Helper()
	return parseStat(printed(t, sys, nil, "/bin/cat", "/proc/self/stat"))
}

// newTerminal makes a pseudo-terminal. Neither end becomes the controlling
// terminal of this process.
func newTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		master.Close()
		slave.Close()
	})
	return master, slave
}

// A requirement is something that a test needs and that not every machine or
// user has. A test that lacks one is skipped; but where the machine has every
// sign of having it, that it does not work is an error.
type requirement struct {
	what string
	// works tries it.
	works func() error
	// expected looks, in another way, whether it should work. Nil stands for
	// a requirement where trying is the only way to know.
	expected func() bool
}

// requires skips the test unless all requirements are met.
func requires(t testing.TB, list ...*requirement) {
	t.Helper()
	for _, r := range list {
		err := r.works()
		if err == nil {
			continue
		}
		if r.expected != nil && r.expected() {
			t.Fatalf("%s should work here: %v", r.what, err)
		}
		t.Skipf("needs %s: %v", r.what, err)
	}
}

var (
	asRoot = &requirement{
		what: "root",
		works: func() error {
			if os.Geteuid() != 0 {
				return syscall.EPERM
			}
			return nil
		},
	}
	raisingLimits = &requirement{
		what: "CAP_SYS_RESOURCE",
		works: func() error {
			set, err := strconv.ParseUint(procField("/proc/self/status", "CapEff"), 16, 64)
			if err == nil && set>>unix.CAP_SYS_RESOURCE&1 == 0 {
				err = syscall.EPERM
			}
			return err
		},
	}
	userNamespaces = &requirement{
		what:     "user namespaces",
		works:    sync.OnceValue(tryUserNamespace),
		expected: userNamespacesAllowed,
	}
	cgroup2 = &requirement{
		what: "a writable cgroup2 file system",
		works: sync.OnceValue(func() error {
			dir, err := os.MkdirTemp(cgroup2Mount(), "sprog-test")
			if err == nil {
				err = os.Remove(dir)
			}
			return err
		}),
		expected: func() bool { return cgroup2Mount() != "" && unix.Access(cgroup2Mount(), unix.W_OK) == nil },
	}
	terminals = &requirement{
		what: "pseudo-terminals",
		works: func() error {
			master, slave, err := pty.Open()
			if err == nil {
				master.Close()
				slave.Close()
			}
			return err
		},
		expected: func() bool { return unix.Access("/dev/ptmx", unix.R_OK|unix.W_OK) == nil },
	}
	// That of BusyBox knows few sets.
	setpriv = &requirement{
		what: "setpriv of util-linux",
		works: func() error {
			out, err := exec.Command("setpriv", "--version").CombinedOutput()
			if err == nil && !strings.Contains(string(out), "util-linux") {
				err = errors.New("another one")
			}
			return err
		},
	}
	keyrings = &requirement{
		what: "keyrings",
		works: func() error {
			_, err := unix.KeyctlInt(unix.KEYCTL_GET_KEYRING_ID, unix.KEY_SPEC_PROCESS_KEYRING, 1, 0, 0)
			return err
		},
		expected: func() bool { return exists("/proc/keys") },
	}
	fuse = &requirement{
		what: "FUSE",
		works: func() error {
			fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err == nil {
				unix.Close(fd)
			}
			return err
		},
		expected: func() bool { return os.Geteuid() == 0 && unix.Access("/dev/fuse", unix.F_OK) == nil },
	}
)

// tool requires a program that is found in PATH.
func tool(name string) *requirement {
	return &requirement{what: "the program " + name, works: func() error {
		_, err := exec.LookPath(name)
		return err
	}}
}

// linux requires a version of the kernel, or a later one.
func linux(major, minor int) *requirement {
	return &requirement{what: fmt.Sprintf("Linux %d.%d", major, minor), works: func() error {
		if name, _, _, known := kernel.Release(); !known || kernel.OlderThan(major, minor) {
			return errors.New("this is " + name)
		}
		return nil
	}}
}

// namespace requires a kind of namespace, by its name in /proc/self/ns.
func namespace(name string) *requirement {
	return &requirement{what: name + " namespaces", works: func() error {
		_, err := os.Lstat("/proc/self/ns/" + name)
		return err
	}}
}

// tryUserNamespace uses os/exec: it is not what is tested.
func tryUserNamespace() error {
	c := exec.Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
	}
	return c.Run()
}

// userNamespacesAllowed looks at the settings that are known to forbid them.
func userNamespacesAllowed() bool {
	for file, forbids := range map[string]string{
		"/proc/sys/user/max_user_namespaces":                     "0",
		"/proc/sys/kernel/unprivileged_userns_clone":             "0",
		"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1",
	} {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == forbids {
			return false
		}
	}
	// A seccomp filter, as containers have, is not looked into.
	return procField("/proc/self/status", "Seccomp") == "0" && exists("/proc/self/ns/user")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// procField returns the value of "Name: value" in a file of that form.
func procField(file, name string) string {
	b, _ := os.ReadFile(file)
	return fieldOf(string(b), name)
}

// fieldOf returns the value of the line "name: value", with single spaces.
func fieldOf(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	return ""
}

// cgroup2Mount is where the cgroup2 hierarchy is mounted, or "".
var cgroup2Mount = sync.OnceValue(func() string {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if w := strings.Fields(s.Text()); len(w) > 3 && w[2] == "cgroup2" && !strings.HasPrefix(w[3], "ro") {
			return w[1]
		}
	}
	return ""
})

// newCgroup makes a cgroup for the test and returns its directory, opened.
func newCgroup(t *testing.T) *os.File {
	t.Helper()
	dir, err := os.MkdirTemp(cgroup2Mount(), cgroupsOf(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		if err := os.Remove(dir); err != nil {
			t.Errorf("the cgroup %s is not empty: %v", filepath.Base(dir), err)
		}
	})
	return f
}
