//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// calls NUMBER[,ARG...]...: make system calls, and print the result of each, or E
// and the errno.
var _ = helper("calls", func(list []string) int {
	for _, word := range list {
		var args [7]uintptr
		for i, s := range strings.Split(word, ",") {
			n, err := strconv.ParseUint(s, 0, 64)
			if err != nil {
				return 2
			}
			args[i] = uintptr(n)
		}
		r, _, errno := syscall.RawSyscall6(args[0], args[1], args[2], args[3], args[4], args[5], args[6])
		if errno != 0 {
			fmt.Printf("E%d ", errno)
			continue
		}
		fmt.Printf("%d ", r)
	}
	return 0
})

// results are what calls answer under a filter; see the helper.
func results(t *testing.T, s *Seccomp, calls ...string) string {
	t.Helper()
	c := helperCommand("calls", calls...)
	c.Attr = &Attr{NoNewPrivs: true, Seccomp: s}
	return strings.TrimSpace(outputOf(t, c))
}

// unused is a call that a filter decides about in these tests. Without one it
// answers EINVAL.
const unused = unix.SYS_REMAP_FILE_PAGES

func rule(action SeccompAction, errno *uint16, args ...SeccompArg) SeccompRule {
	return SeccompRule{Names: []string{"remap_file_pages"}, Args: args, Action: action, Errno: errno}
}

func TestSeccompErrno(t *testing.T) {
	call := strconv.Itoa(unused)
	for _, test := range []struct {
		rule SeccompRule
		want string
	}{
		{rule(SeccompErrno, nil), "E1"},
		{rule(SeccompErrno, new(uint16(38))), "E38"},
		{rule(SeccompErrno, new(uint16(4094))), "E4094"},
		{rule(SeccompErrno, new(uint16(0))), "0"},
		{rule(SeccompTrace, nil), "E38"},
		{rule(SeccompLog, nil), "E22"},
		{rule(SeccompAllow, nil), "E22"},
	} {
		if got := results(t, &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{test.rule}}, call); got != test.want {
			t.Errorf("%v: %s; want %s", test.rule, got, test.want)
		}
	}
}

// The kernel's view of arguments: 64 bits, without sign.
func TestSeccompArguments(t *testing.T) {
	const big = 1 << 40
	for _, test := range []struct {
		op          SeccompOp
		value, mask uint64
		denied      []uint64
		others      []uint64
	}{
		{SeccompEQ, big + 5, 0, []uint64{big + 5}, []uint64{5, big, big + 4, 2*big + 5}},
		{SeccompNE, big + 5, 0, []uint64{5, big, 2*big + 5}, []uint64{big + 5}},
		{SeccompGT, big + 5, 0, []uint64{big + 6, 2 * big, ^uint64(0)}, []uint64{big + 5, 6, big}},
		{SeccompGE, big + 5, 0, []uint64{big + 5, big + 6, 2 * big}, []uint64{big + 4, 6}},
		{SeccompLT, big + 5, 0, []uint64{big + 4, 0, 99}, []uint64{big + 5, 2 * big, ^uint64(0)}},
		{SeccompLE, big + 5, 0, []uint64{big + 5, big, 99}, []uint64{big + 6, 2 * big}},
		{SeccompMaskedEQ, big | 1, big | 3, []uint64{big | 1, big | 5, 3*big | 0x11}, []uint64{1, big, big | 3, big | 2}},
	} {
		s := &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{rule(SeccompErrno, new(uint16(99)), SeccompArg{3, test.op, test.value, test.mask})}}
		var calls, want []string
		for i, arg := range append(slices.Clone(test.denied), test.others...) {
			calls = append(calls, fmt.Sprintf("%d,7,7,7,%d", unused, arg))
			want = append(want, map[bool]string{true: "E99", false: "E22"}[i < len(test.denied)])
		}
		if got := results(t, s, calls...); got != strings.Join(want, " ") {
			t.Errorf("%v %#x, %#x: %s; want %s", test.op, test.value, test.mask, got, want)
		}
	}
}

// The first rule that matches decides, and all conditions of a rule must hold.
func TestSeccompOrder(t *testing.T) {
	is := func(i int, v uint64) SeccompArg { return SeccompArg{Index: i, Op: SeccompEQ, Value: v} }
	s := &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{
		rule(SeccompErrno, new(uint16(91)), is(0, 1), is(1, 2)),
		rule(SeccompErrno, new(uint16(92)), is(0, 1)),
		rule(SeccompErrno, new(uint16(93)), is(1, 2)),
		rule(SeccompErrno, new(uint16(94)), is(2, 2)),
	}}
	const want = "E91 E92 E93 E94 E22"
	var calls []string
	for _, args := range []string{"1,2,2", "1,1,2", "2,2,2", "2,1,2", "2,1,1"} {
		calls = append(calls, strconv.Itoa(unused)+","+args)
	}
	if got := results(t, s, calls...); got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// Programs of the system feel it, and die of it.
func TestSeccompKills(t *testing.T) {
	for _, action := range []SeccompAction{SeccompKillProcess, SeccompKillThread, SeccompTrap} {
		c := Command("/bin/mkdir", "/nonexistent/x")
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{
			{Names: []string{"mkdir", "mkdirat"}, Action: action},
		}}}
		var exit *ExitError
		if err := c.Run(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGSYS {
			t.Errorf("%v: %v; want death by SIGSYS", action, err)
		}
	}
}

func TestSeccompInPrograms(t *testing.T) {
	for program, want := range map[string]string{
		"mkdir": "mkdir: cannot create directory '/nonexistent/x': Function not implemented",
		"chmod": "chmod: changing permissions of '/dev/null': Operation not permitted",
	} {
		s := deny(38, "mkdir", "mkdirat")
		s.Rules = append(s.Rules, SeccompRule{Names: []string{"chmod", "fchmodat", "fchmodat2"}, Action: SeccompErrno})
		c := Command("/bin/sh", "-c", `case $1 in mkdir) mkdir /nonexistent/x;; *) chmod 666 /dev/null; esac 2>&1; :`, "sh", program)
		c.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: s}
		if got := strings.TrimSpace(outputOf(t, c)); got != want {
			t.Errorf("%s says %q; want %q", program, got, want)
		}
	}
}

// A program by its descriptor is executed by another call.
func TestSeccompProgramByDescriptor(t *testing.T) {
	f, err := os.Open("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Program: f, Seccomp: deny(1, "execve")}}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}

// Filters stack: the strictest wins, whichever comes first.
func TestSeccompPrograms(t *testing.T) {
	before, _ := strconv.Atoi(procField("/proc/self/status", "Seccomp_filters"))
	first, err1 := deny(91, "remap_file_pages").Program()
	second, err2 := deny(92, "remap_file_pages").Program()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	call := strconv.Itoa(unused)
	for _, test := range []struct {
		s       *Seccomp
		filters int
		want    string
	}{
		{&Seccomp{Programs: [][]byte{first}}, 1, "E91"},
		{&Seccomp{Programs: [][]byte{first, second}}, 2, "E92"},
		{&Seccomp{Programs: [][]byte{second, first}}, 2, "E91"},
		{&Seccomp{Programs: [][]byte{first, allowing(1)}, Default: SeccompAllow}, 3, "E91"},
	} {
		if got := results(t, test.s, call); got != test.want {
			t.Errorf("%d filters: %s; want %s", test.filters, got, test.want)
		}
		c := Command("/bin/cat", "/proc/self/status")
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: test.s}
		status := outputOf(t, c)
		if mode, n := fieldOf(status, "Seccomp"), fieldOf(status, "Seccomp_filters"); mode != "2" || n != "" && n != strconv.Itoa(before+test.filters) {
			t.Errorf("Seccomp %s, Seccomp_filters %s; want 2 and %d", mode, n, before+test.filters)
		}
	}
}

// An init is not filtered.
func TestSeccompLeavesTheInit(t *testing.T) {
	c := Command("/bin/sh", "-c", "grep ^Seccomp: /proc/self/status /proc/$PPID/status")
	c.Attr = &Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: &Seccomp{Default: SeccompAllow}}
	want := regexp.MustCompile(`/proc/self/status:Seccomp:\t2\n/proc/\d+/status:Seccomp:\t` + procField("/proc/self/status", "Seccomp") + `\n`)
	if got := outputOf(t, c); !want.MatchString(got) {
		t.Errorf("%q; want %v", got, want)
	}
}

// Where the program cannot be executed and the filter denies the child even its
// exit, the start ends all the same, and says what failed.
func TestSeccompDeniesTheExit(t *testing.T) {
	for _, action := range []SeccompAction{SeccompErrno, SeccompTrap, SeccompKillProcess} {
		for _, in := range []*Init{nil, {}} {
			c := &Cmd{Path: "/nonexistent/program", Attr: &Attr{NoNewPrivs: true, Init: in, Seccomp: &Seccomp{
				Default: action, Rules: []SeccompRule{{Names: []string{"execve"}, Action: SeccompAllow}},
			}}}
			const want = "sprog: start /nonexistent/program: execve: no such file or directory (/nonexistent does not exist)"
			err := c.Run()
			var e *StartError
			if err == nil || err.Error() != want || !errors.As(err, &e) || e.Signal != 0 {
				t.Errorf("%v, init %v: Run() = %v; want %s", action, in != nil, err, want)
			}
		}
	}
}

// What the kernel refuses comes with the reason.
func TestSeccompHints(t *testing.T) {
	denying := func(name string) []byte {
		p, err := deny(1, name).Program()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	bad := append([]byte{0x28, 0, 0, 0, 0, 0, 0, 0}, allowing(1)...) // half a word is not to be had
	for _, test := range []struct {
		s    *Seccomp
		want string
	}{
		{&Seccomp{Programs: [][]byte{bad}}, "seccomp (Attr.Seccomp.Programs[0]): invalid argument (the kernel does not take the program"},
		{&Seccomp{Programs: [][]byte{denying("prctl"), allowing(1)}},
			"prctl SECCOMP_MODE_FILTER (Attr.Seccomp.Programs[1]): operation not permitted (a filter in force may have answered: it must let the call pass that sets another one)"},
		{&Seccomp{Programs: [][]byte{denying("execve")}},
			"execve: operation not permitted (the filter of Attr.Seccomp may have answered: it holds for execve already)"},
	} {
		c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Seccomp: test.s}}
		if err := c.Run(); err == nil || !strings.HasPrefix(err.Error(), "sprog: start /bin/true: "+test.want) {
			t.Errorf("Run() = %v; want %s", err, test.want)
		}
	}
}

func TestBadSeccomp(t *testing.T) {
	by := func(s *Seccomp) func(*Cmd) { return by(&Attr{NoNewPrivs: true, Seccomp: s}) }
	one := func(r SeccompRule) func(*Cmd) { return by(&Seccomp{Default: SeccompAllow, Rules: []SeccompRule{r}}) }
	few, file := []string{"read"}, tempFile(t)
	wantRefused(t, []badStart{
		{"nothing", by(&Seccomp{}), syscall.EINVAL, "(Attr.Seccomp): has neither rules nor a program"},
		{"no default", by(&Seccomp{Rules: []SeccompRule{{Names: few, Action: SeccompAllow}}}), syscall.EINVAL, "(Attr.Seccomp.Default): has no action"},
		{"default", by(&Seccomp{Default: 77}), syscall.EINVAL, "(Attr.Seccomp.Default): has no action"},
		{"default errno", by(&Seccomp{Default: SeccompAllow, DefaultErrno: new(uint16(1))}), syscall.EINVAL, "(Attr.Seccomp.Default): SCMP_ACT_ALLOW has no errno"},
		{"unknown name", one(SeccompRule{Names: []string{"read", "raed"}, Action: SeccompLog}), syscall.EINVAL, `(Attr.Seccomp.Rules[0]): "raed" is no system call`},
		{"no name", one(SeccompRule{Action: SeccompLog}), syscall.EINVAL, "(Attr.Seccomp.Rules[0]): names no system call"},
		{"no action", one(SeccompRule{Names: few}), syscall.EINVAL, "(Attr.Seccomp.Rules[0]): has no action"},
		{"errno", one(SeccompRule{Names: few, Action: SeccompErrno, Errno: new(uint16(4096))}), syscall.EINVAL, "(Attr.Seccomp.Rules[0]): 4096 is no errno"},
		{"argument", one(SeccompRule{Names: few, Action: SeccompLog, Args: []SeccompArg{{Index: 6, Op: SeccompEQ}}}), syscall.EINVAL,
			"(Attr.Seccomp.Rules[0]): a system call has no argument 6: they are 0 to 5"},
		{"operator", one(SeccompRule{Names: few, Action: SeccompLog, Args: []SeccompArg{{}}}), syscall.EINVAL,
			"(Attr.Seccomp.Rules[0]): the condition on argument 0 has no operator"},
		{"architecture", by(&Seccomp{Default: SeccompAllow, Archs: []string{"x86_64", "aarch64", "SCMP_ARCH_S390X"}}), syscall.EINVAL,
			`(Attr.Seccomp.Archs): "SCMP_ARCH_S390X" is none of the architectures x86_64, x86, x32, aarch64, arm`},
		{"BadArch", by(&Seccomp{Default: SeccompAllow, BadArch: SeccompNotify}), syscall.EINVAL,
			"(Attr.Seccomp.BadArch): SCMP_ACT_NOTIFY is not for calls of other architectures"},
		{"not this architecture", by(&Seccomp{Default: SeccompAllow, Archs: []string{"x86"}}), syscall.EINVAL,
			"(Attr.Seccomp): denies execve, which executes the program"},
		{"denies execve", by(&Seccomp{Default: SeccompErrno, Rules: []SeccompRule{{Names: few, Action: SeccompAllow}}}), syscall.EINVAL,
			"(Attr.Seccomp): denies execve, which executes the program"},
		{"kills execve", one(SeccompRule{Names: []string{"execve"}, Action: SeccompKillThread}), syscall.EINVAL,
			"(Attr.Seccomp): denies execve, which executes the program"},
		{"denies execveat", func(c *Cmd) {
			c.Attr = &Attr{NoNewPrivs: true, Program: file, Seccomp: deny(1, "execveat")}
		}, syscall.EINVAL, "(Attr.Seccomp): denies execveat, which executes the program"},
		{"notifies execve", one(SeccompRule{Names: []string{"execve"}, Action: SeccompNotify}), syscall.EINVAL,
			"(Attr.Seccomp): has execve answered by the listener, which nobody can read before the program is executed"},
		{"WaitKillable", by(&Seccomp{Default: SeccompAllow, WaitKillable: true}), syscall.EINVAL,
			"(Attr.Seccomp.WaitKillable): needs a rule with SCMP_ACT_NOTIFY"},
		{"empty program", by(&Seccomp{Programs: [][]byte{allowing(1), {}}}), syscall.EINVAL, "(Attr.Seccomp.Programs[1]): is empty"},
		{"odd program", by(&Seccomp{Programs: [][]byte{make([]byte, 9)}}), syscall.EINVAL, "(Attr.Seccomp.Programs[0]): has 9 bytes, which is no multiple of 8"},
		{"long program", by(&Seccomp{Programs: [][]byte{allowing(4097)}}), syscall.EINVAL,
			"(Attr.Seccomp.Programs[0]): has 4097 instructions; the kernel takes 4096"},
		{"endless program", by(&Seccomp{Programs: [][]byte{make([]byte, 8)}}), syscall.EINVAL, "(Attr.Seccomp.Programs[0]): does not end in a return"},
		{"listener and Init", func(c *Cmd) { c.Attr = &Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: notifying("read")} }, syscall.EINVAL,
			"SCMP_ACT_NOTIFY (Attr.Seccomp): cannot be combined with Attr.Init: its listener is handed over in memory, which a second stage does not share"},
		{"listener and Ptrace", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
			c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("read")}
		}, syscall.EINVAL, "SCMP_ACT_NOTIFY (Attr.Seccomp): cannot be combined with SysProcAttr.Ptrace: a traced child could stop before its listener is handed over"},
	})
}

// Without no_new_privs it takes CAP_SYS_ADMIN, which another user has not.
func TestSeccompPrivileges(t *testing.T) {
	c := &Cmd{Path: "/bin/true", Attr: &Attr{Seccomp: deny(1, "ptrace")}}
	want := "sprog: start /bin/true: (Attr.Seccomp): needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which this process lacks"
	if os.Geteuid() == 0 {
		requires(t, asRoot)
		if err := c.Run(); err != nil {
			t.Error(err)
		}
		want = "sprog: start /bin/true: (Attr.Seccomp): needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which a user other than root lacks"
		c = &Cmd{Path: c.Path, Attr: c.Attr, SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}}
	}
	if err := c.Run(); err == nil || err.Error() != want || !errors.Is(err, unix.EPERM) {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

// In a user namespace of its own a process has the right.
func TestSeccompInUserNamespace(t *testing.T) {
	requires(t, userNamespaces)
	c := Command("/bin/cat", "/proc/self/status")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
	c.Attr = &Attr{Seccomp: deny(1, "ptrace")}
	if status := outputOf(t, c); fieldOf(status, "Seccomp") != "2" || fieldOf(status, "NoNewPrivs") != "0" {
		t.Errorf("Seccomp %s, NoNewPrivs %s; want 2 and 0", fieldOf(status, "Seccomp"), fieldOf(status, "NoNewPrivs"))
	}
}

// A notification and its answer: struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	nr, arch   uint32
	ip         uint64
	args       [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

// listen answers notifications until no process is left.
func listen(f *os.File, reply func(notification) answer) error {
	for {
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, 10000); err == unix.EINTR {
			continue
		} else if err != nil {
			return err
		}
		if fds[0].Revents&unix.POLLIN == 0 {
			if fds[0].Revents&unix.POLLHUP == 0 {
				return fmt.Errorf("events %#x", fds[0].Revents)
			}
			return nil
		}
		var n notification
		if _, _, errno := syscall.Syscall(unix.SYS_IOCTL, f.Fd(), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); errno != 0 {
			return errno
		}
		a := reply(n)
		a.id = n.id
		if _, _, errno := syscall.Syscall(unix.SYS_IOCTL, f.Fd(), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a))); errno != 0 {
			return errno
		}
	}
}

// listenAndWait answers what a command's program calls until its end. Before
// Linux 6.11 the listener learns of that when the process has been waited for.
func listenAndWait(c *Cmd, reply func(notification) answer) error {
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	return errors.Join(listen(c.Birth.SeccompListener, reply), <-ended)
}

// The caller decides about calls: a result, an error, or that it is made.
func TestSeccompListener(t *testing.T) {
	s := notifying("remap_file_pages")
	c := helperCommand("calls", fmt.Sprintf("%d,1,77", unused), fmt.Sprintf("%d,2,88", unused), fmt.Sprintf("%d,3,99", unused))
	var out strings.Builder
	c.Stdout = &out
	c.Attr = &Attr{NoNewPrivs: true, Seccomp: s}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Birth.SeccompListener.Close()
	err := listenAndWait(c, func(n notification) answer {
		switch {
		case n.nr != unused || int(n.pid) != c.Process.Pid:
			t.Errorf("notification %+v", n)
		case n.args[0] == 1:
			return answer{val: int64(n.args[1])}
		case n.args[0] == 2:
			return answer{errno: -int32(n.args[1])}
		}
		return answer{flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "77 E88 E22 "; out.String() != want {
		t.Errorf("the calls answered %q; want %q", out.String(), want)
	}
}

// A listener that is closed answers ENOSYS.
func TestSeccompListenerClosed(t *testing.T) {
	c := helperCommand("calls", strconv.Itoa(unused))
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c.Stdout, c.Attr = out, &Attr{NoNewPrivs: true, Seccomp: notifying("remap_file_pages")}
	err = c.Start()
	out.Close()
	if err != nil {
		t.Fatal(err)
	}
	c.Birth.SeccompListener.Close()
	got := make([]byte, 10)
	n, _ := in.Read(got)
	if err := c.Wait(); err != nil || string(got[:n]) != "E38 " {
		t.Errorf("%q, %v; want E38", got[:n], err)
	}
}

// A child with a real-time policy, of its own or its parent's, does not keep the
// CPU that its parent needs to take its listener.
func TestSeccompListenerOfRealTime(t *testing.T) {
	requires(t, realTime)
	if !ownProcess(t, nil) {
		return
	}
	one := new(unix.CPUSet)
	one.Set(firstCPU(t))
	for _, tid := range tasks(t) { // all threads share one CPU
		if err := unix.SchedSetaffinity(tid, one); err != nil {
			t.Fatal(err)
		}
	}
	asked := &Scheduler{Policy: SchedRR, Priority: 7}
	start := func(name string, s *Scheduler, policy uint32) {
		c := &Cmd{Path: "/bin/cat", Attr: &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir"), Scheduler: s}}
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		attr, err := unix.SchedGetAttr(c.Process.Pid, 0)
		if err != nil || attr.Policy != policy || attr.Priority != 7 {
			t.Errorf("%s: the program has the policy %+v, %v; want %d with priority 7", name, attr, err, policy)
		}
		in.Close()
		err = errors.Join(listenAndWait(c, func(notification) answer { return answer{} }), c.Birth.SeccompListener.Close())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Whoever spins until the kernel throttles him has used 950 ms.
		if used := c.ProcessState.UserTime(); used > 500*time.Millisecond {
			t.Errorf("%s: the child has used %v of CPU time", name, used)
		}
	}
	start("asked for", asked, unix.SCHED_RR)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: 7}, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetAttr(0, &unix.SchedAttr{}, 0)
	start("inherited", nil, unix.SCHED_FIFO)
}

func tasks(t *testing.T) (tids []int) {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		tid, _ := strconv.Atoi(e.Name())
		tids = append(tids, tid)
	}
	return tids
}

func firstCPU(t *testing.T) int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	for cpu := 0; ; cpu++ {
		if set.IsSet(cpu) {
			return cpu
		}
	}
}

// Many starts at once get each its own listener.
func TestSeccompListenersAtOnce(t *testing.T) {
	done := make(chan error)
	const n = 20
	for range n {
		go func() {
			c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}}
			err := c.Start()
			if err == nil {
				err = errors.Join(listenAndWait(c, func(notification) answer { return answer{} }), c.Birth.SeccompListener.Close())
			}
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A kernel without pidfd_getfd cannot hand a listener over, and one without
// userfaultfd not from a child that must not spin.
func TestSeccompListenerWithoutCalls(t *testing.T) {
	requires(t, realTime)
	if !ownProcess(t, nil) {
		return
	}
	doWithout(t, []string{"userfaultfd"})
	attr := &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir"), Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 1}}
	failsCleanly(t, attr, "sprog: start /bin/true: userfaultfd listener (Attr.Seccomp): function not implemented "+
		"(with a real-time policy a listener needs it, Linux 5.11, and a filter in force may have answered)")
	doWithout(t, []string{"pidfd_getfd"})
	attr.Scheduler = nil
	failsCleanly(t, attr, "sprog: start /bin/true: pidfd_getfd listener (Attr.Seccomp): function not implemented (a listener needs pidfd_getfd, Linux 5.6)")
}

// failsCleanly checks the error of a start, and that nothing is left of it.
func failsCleanly(t *testing.T, attr *Attr, want string) {
	t.Helper()
	before := snapshot()
	if err := (&Cmd{Path: "/bin/true", Attr: attr}).Run(); err == nil || err.Error() != want {
		t.Errorf("Run() = %v; want %s", err, want)
	}
	if leaks := before.leaks(); len(leaks) > 0 {
		t.Errorf("left behind: %q", leaks)
	}
}

// A child whose parent is gone does not turn in circles for ever. Here it does
// not tell its parent, and has counted nearly to the end.
func TestSeccompChildGivesUp(t *testing.T) {
	c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}}
	c.inspect = func(p, _ *program.Program) {
		i := slices.IndexFunc(p.Steps, func(s program.Step) bool { return s.Call == program.Seccomp })
		p.Steps[i].Out[0] = program.Ref{}
		p.SetWord(p.Steps[i+1].Args[0], 1<<32-1000)
	}
	var e *StartError
	if err := c.Run(); !errors.As(err, &e) || e.Signal != syscall.SIGSEGV {
		t.Errorf("Run() = %v; want death by SIGSEGV", err)
	}
}

func TestSeccompTexts(t *testing.T) {
	for a := SeccompAllow; a <= SeccompNotify; a++ {
		var got SeccompAction
		if err := got.UnmarshalText([]byte(a.String())); err != nil || got != a {
			t.Errorf("%v: %v, %v", a, got, err)
		}
	}
	for o := SeccompNE; o <= SeccompMaskedEQ; o++ {
		var got SeccompOp
		if err := got.UnmarshalText([]byte(o.String())); err != nil || got != o {
			t.Errorf("%v: %v, %v", o, got, err)
		}
	}
	var a SeccompAction
	if err := a.UnmarshalText([]byte("SCMP_ACT_KILL")); err != nil || a != SeccompKillThread {
		t.Errorf("SCMP_ACT_KILL is %v, %v", a, err)
	}
	for _, bad := range []string{"", "ALLOW", "SCMP_ACT_", "SCMP_ACT_allow", "SCMP_CMP_EQ "} {
		var o SeccompOp
		if a.UnmarshalText([]byte(bad)) == nil || o.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is an action, or an operator", bad)
		}
	}
}

// killSetsid has the kernel kill whoever calls setsid(2): the calling thread's
// children, and the thread itself, which must not be used for anything else.
func killSetsid() error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_SETSID},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}

// killed-by-filter WAY: start a program whose start calls setsid, where that
// is deadly, and say how it went.
var _ = helper("killed-by-filter", func(args []string) int {
	runtime.LockOSThread()
	if err := killSetsid(); err != nil {
		fmt.Println("no filter:", err)
		return 3
	}
	c := Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	r := ways[args[0]](c)
	err := r.Start()
	if err == nil {
		r.Wait()
	}
	var se *StartError
	if errors.As(err, &se) {
		fmt.Println(se.Signal == syscall.SIGSYS, se.Step, se.Field)
	}
	fmt.Println(err)
	return 0
})

// A filter, as containers have them, that kills the child on its way is
// reported with the call that it did not allow.
func TestKilledByAFilter(t *testing.T) {
	if !exists("/proc/sys/kernel/seccomp") {
		t.Skip("needs seccomp filters")
	}
	for way, want := range map[string]string{
		"sprog": "true setsid SysProcAttr.Setsid\n" +
			"sprog: start /bin/true: setsid (SysProcAttr.Setsid): killed by SIGSYS before the program was executed (a seccomp filter in force kills for setsid)\n",
		"os/exec": "<nil>\n", // as if it had been started
	} {
		c := helperCommand("killed-by-filter", way)
		if got := outputOf(t, c); got != want && !(way == "os/exec" && mended[t.Name()]) {
			t.Errorf("%s: %s; want %s", way, strings.TrimSpace(got), want)
		}
	}
}
