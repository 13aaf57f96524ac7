//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
)

// systemPrograms lets the system's programs run.
var systemPrograms = []LandlockPath{
	{Path: "/usr", Rights: LandlockRead | LandlockExecute},
	{Path: "/bin", Rights: LandlockRead | LandlockExecute},
	{Path: "/lib", Rights: LandlockRead | LandlockExecute},
	{Path: "/lib64", Rights: LandlockRead | LandlockExecute, Optional: true},
	{Path: "/etc", Rights: LandlockRead},
	{Path: "/dev/null", Rights: LandlockReadFile | LandlockWriteFile},
}

// lockedFiles is a restriction to the system's programs and what rules give.
func lockedFiles(abi int, rules ...LandlockPath) *Landlock {
	return &Landlock{ABI: abi, Files: &LandlockFiles{Rules: append(rules, systemPrograms...)}}
}

// lockedShell runs a script under Landlock, and returns what it prints and its
// complaints in the C locale.
func lockedShell(t *testing.T, l *Landlock, script string, args ...string) string {
	t.Helper()
	requires(t, tool("bash"))
	c := Command("/bin/bash", append([]string{"-c", script, "bash"}, args...)...)
	c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	c.Attr = &Attr{NoNewPrivs: true, Landlock: l}
	out, err := c.CombinedOutput()
	var exit *ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

// landlockDirs makes directories to allow and to keep.
func landlockDirs(t *testing.T) (in, out string) {
	t.Helper()
	dir := t.TempDir()
	in, out = filepath.Join(dir, "in"), filepath.Join(dir, "out")
	for _, d := range []string{in, out} {
		if err := errors.Join(os.MkdirAll(d+"/sub", 0o777), os.WriteFile(d+"/file", []byte("content\n"), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return in, out
}

func TestLandlockFiles(t *testing.T) {
	requires(t, landlockABI(5))
	for _, test := range []struct {
		name   string
		rights LandlockAccess
		script string // with $1 inside and $2 outside
		want   string
	}{
		{"read", LandlockRead, "cat $1/file; ls $1", "content\nfile\nsub\n"},
		{"read outside", LandlockRead, "cat $2/file", "cat: OUT/file: Permission denied\n"},
		{"list outside", LandlockRead, "ls $2", "ls: cannot open directory 'OUT': Permission denied\n"},
		{"write where reading is allowed", LandlockRead, "echo x >>$1/file", "bash: line 1: IN/file: Permission denied\n"},
		{"write", LandlockRead | LandlockWrite, "echo more >>$1/file; cat $1/file; touch $1/new; mkdir $1/dir; rm $1/new; rmdir $1/dir; ls $1", "content\nmore\nfile\nsub\n"},
		{"write outside", LandlockRead | LandlockWrite, "touch $2/new", "touch: cannot touch 'OUT/new': Permission denied\n"},
		{"make a directory outside", LandlockRead | LandlockWrite, "mkdir $2/new", "mkdir: cannot create directory 'OUT/new': Permission denied\n"},
		{"remove outside", LandlockRead | LandlockWrite, "rm -f $2/file", "rm: cannot remove 'OUT/file': Permission denied\n"},
		{"execute what can be read", LandlockRead, "cp /bin/true $1/true 2>&-; $1/file", "bash: line 1: IN/file: Permission denied\n"},
		{"rename between directories", LandlockRead | LandlockWrite, "mv $1/file $1/sub && ls $1/sub", "file\n"},
		{"link between directories", LandlockRead | LandlockWrite, "ln $1/file $1/sub/hard && ls $1/sub", "hard\n"},
		{"link between directories without the right", LandlockRead | LandlockWrite&^LandlockRefer, "ln $1/file $1/sub/hard",
			"ln: failed to create hard link 'IN/sub/hard' => 'IN/file': Invalid cross-device link\n"},
		{"link from outside", LandlockRead | LandlockWrite, "ln $2/file $1/hard",
			"ln: failed to create hard link 'IN/hard' => 'OUT/file': Invalid cross-device link\n"},
		{"truncate", LandlockRead | LandlockWrite, "truncate -s 3 $1/file; cat $1/file", "con"},
		{"truncate without the right", LandlockRead | LandlockWrite&^LandlockTruncate, ": >$1/file", "bash: line 1: IN/file: Permission denied\n"},
		{"devices", LandlockRead | LandlockWrite, "mkfifo $1/pipe; ln -s x $1/link; ls $1", "file\nlink\npipe\nsub\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, out := landlockDirs(t)
			l := lockedFiles(5, LandlockPath{Path: in, Rights: test.rights})
			got := strings.NewReplacer(in, "IN", out, "OUT").Replace(lockedShell(t, l, test.script, in, out))
			if got != test.want {
				t.Errorf("%s\nprinted %q\nwant    %q", test.script, got, test.want)
			}
		})
	}
}

// A rule for a file gives what a file can have of the rights.
func TestLandlockOneFile(t *testing.T) {
	requires(t, landlockABI(3))
	in, _ := landlockDirs(t)
	l := lockedFiles(3, LandlockPath{Path: in + "/file", Rights: LandlockRead | LandlockWrite})
	got := lockedShell(t, l, "echo x >$1/file; cat $1/file; ls $1", in)
	if want := "x\nls: cannot open directory '" + in + "': Permission denied\n"; got != want {
		t.Errorf("printed %q; want %q", got, want)
	}
}

// A file or directory that is open here can be the object of a rule, whatever
// its number is needed for in the child.
func TestLandlockOpenFile(t *testing.T) {
	requires(t, landlockABI(3))
	in, _ := landlockDirs(t)
	dir, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, init := range []*Init{nil, {}} {
		c := Command("/bin/cat", in+"/file", "/dev/fd/3")
		for range 12 {
			c.ExtraFiles = append(c.ExtraFiles, devNullFile(t))
		}
		c.Attr = &Attr{NoNewPrivs: true, Init: init, Landlock: lockedFiles(3,
			LandlockPath{File: dir, Rights: LandlockRead}, LandlockPath{File: c.ExtraFiles[5], Rights: LandlockReadFile})}
		if got := outputOf(t, c); got != "content\n" {
			t.Errorf("with init %v: printed %q; want content", init, got)
		}
	}
}

func TestLandlockIoctl(t *testing.T) {
	requires(t, landlockABI(5), terminals)
	for want, rights := range map[string]LandlockAccess{
		"Permission denied": LandlockRead,
		"":                  LandlockRead | LandlockIoctlDev,
	} {
		_, slave := newTerminal(t)
		l := lockedFiles(5, LandlockPath{Path: "/dev", Rights: rights | LandlockWriteFile})
		got := lockedShell(t, l, "stty -F $1 -a >/dev/null", pathwalk.RealPath(int(slave.Fd())))
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("rights %#x: stty says %q; want %q", rights, got, want)
		}
	}
}

// listening is a port of 127.0.0.1 that accepts connections.
func listening(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func TestLandlockConnect(t *testing.T) {
	requires(t, landlockABI(4))
	allowed, other := listening(t), listening(t)
	l := &Landlock{ABI: 4, Ports: &LandlockPorts{Rules: []LandlockPort{{uint16(allowed), LandlockConnectTCP}}}}
	const script = "exec 3<>/dev/tcp/127.0.0.1/$1 && echo connected"
	if got := lockedShell(t, l, script, strconv.Itoa(allowed)); got != "connected\n" {
		t.Errorf("to the port that is allowed: %q; want connected", got)
	}
	if got := lockedShell(t, l, script, strconv.Itoa(other)); !strings.Contains(got, "Permission denied") {
		t.Errorf("to another port: %q; want that it is denied", got)
	}
}

// bind PORT: bind a TCP socket.
var _ = helper("bind", func(args []string) int {
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return 0
	}
	l.Close()
	os.Stdout.WriteString("bound")
	return 0
})

func TestLandlockBind(t *testing.T) {
	requires(t, landlockABI(4))
	port := listening(t)
	for want, rule := range map[string]LandlockPort{
		"address already in use": {uint16(port), LandlockBindTCP},
		"permission denied":      {uint16(port), LandlockConnectTCP},
	} {
		c := helperCommand("bind", strconv.Itoa(port))
		c.Attr = &Attr{NoNewPrivs: true, Landlock: &Landlock{ABI: 4, Ports: &LandlockPorts{Rules: []LandlockPort{rule}}}}
		if got := outputOf(t, c); !strings.Contains(got, want) {
			t.Errorf("rule %v: %q; want %s", rule, got, want)
		}
	}
	c := helperCommand("bind", "0")
	c.Attr = &Attr{NoNewPrivs: true, Landlock: &Landlock{ABI: 4, Ports: &LandlockPorts{Rules: []LandlockPort{{0, LandlockBindTCP}}}}}
	if got := outputOf(t, c); got != "bound" {
		t.Errorf("port 0: %q; want bound", got)
	}
}

func TestLandlockSignals(t *testing.T) {
	requires(t, landlockABI(6))
	const script = "sleep 100 & kill -0 $! && echo own; kill $!; wait; kill -0 $1 && echo parent"
	self := strconv.Itoa(os.Getpid())
	for want, scopes := range map[string]LandlockScope{
		"own\nparent\n": LandlockScopeAbstractUnixSocket,
		"own\nbash: line 1: kill: (" + self + ") - Operation not permitted\n": LandlockScopeSignal,
	} {
		if got := lockedShell(t, &Landlock{Scopes: scopes}, script, self); got != want {
			t.Errorf("scopes %#x: printed %q; want %q", scopes, got, want)
		}
	}
}

// dialAbstract NAME: connect to an abstract socket.
var _ = helper("dial-abstract", func(args []string) int {
	c, err := net.Dial("unix", "@"+args[0])
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return 0
	}
	c.Close()
	os.Stdout.WriteString("connected")
	return 0
})

func TestLandlockAbstractSockets(t *testing.T) {
	requires(t, landlockABI(6))
	name := "sprog-test-" + strconv.Itoa(os.Getpid())
	l, err := net.Listen("unix", "@"+name)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for want, scopes := range map[string]LandlockScope{
		"connected":               LandlockScopeSignal,
		"operation not permitted": LandlockScopeAbstractUnixSocket,
	} {
		c := helperCommand("dial-abstract", name)
		c.Attr = &Attr{NoNewPrivs: true, Landlock: &Landlock{Scopes: scopes}}
		if got := outputOf(t, c); !strings.Contains(got, want) {
			t.Errorf("scopes %#x: %q; want %s", scopes, got, want)
		}
	}
}

// The init is not restricted: it passes signals on to the program, and does so
// from outside of its domain.
func TestLandlockBelowInit(t *testing.T) {
	requires(t, landlockABI(6), tool("bash"))
	in, out := landlockDirs(t)
	l := lockedFiles(6, LandlockPath{Path: in, Rights: LandlockRead})
	l.Scopes = LandlockScopeSignal
	c := Command("/bin/bash", "-c", "cat $1/file; cat $2/file; kill -0 $PPID", "bash", in, out)
	c.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	c.Attr = &Attr{NoNewPrivs: true, Init: &Init{}, Landlock: l}
	got, _ := c.CombinedOutput()
	for _, want := range []string{"content\n", out + "/file: Permission denied", "Operation not permitted"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("printed %q; want %q in it", got, want)
		}
	}
}

// What cannot be executed under the rules is said to be so, with the reason.
func TestLandlockExecuteHint(t *testing.T) {
	requires(t, landlockABI(1))
	in, _ := landlockDirs(t)
	writeProgram(t, in+"/script", []byte("#!/bin/sh\n"))
	interp := interpreterOf(t, "/bin/true")
	if interp == "" {
		t.Skip("/bin/true is not dynamically linked")
	}
	real, err := filepath.EvalSymlinks("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	const refused = ": execve: permission denied (no Landlock rule gives "
	for _, test := range []struct {
		path  string
		rules []LandlockPath
		want  string
	}{
		{"/bin/true", []LandlockPath{{Path: in, Rights: LandlockRead}}, refused + "LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE for /bin/true)"},
		{"/bin/true", []LandlockPath{{Path: "/", Rights: LandlockExecute}}, refused + "LANDLOCK_ACCESS_FS_READ_FILE for /bin/true)"},
		{"/bin/true", []LandlockPath{{Path: real, Rights: LandlockReadFile | LandlockExecute}},
			refused + "LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE for " + interp + ", which /bin/true names)"},
		{in + "/script", []LandlockPath{{Path: in, Rights: LandlockRead | LandlockExecute}},
			refused + "LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE for /bin/sh, which " + in + "/script names)"},
	} {
		c := &Cmd{Path: test.path, Attr: &Attr{NoNewPrivs: true, Landlock: &Landlock{ABI: 1, Files: &LandlockFiles{Rules: test.rules}}}}
		err := c.Run()
		if want := "sprog: start " + test.path + test.want; err == nil || err.Error() != want {
			t.Errorf("Run() = %v\nwant    %s", err, want)
		}
		if !errors.Is(err, syscall.EACCES) || c.Birth.Landlock != nil {
			t.Errorf("Run() = %v, Birth.Landlock = %v; want EACCES, and nothing applied", err, c.Birth.Landlock)
		}
	}
}

// The rules are made with the child's credentials, in its root.
func TestLandlockInRoot(t *testing.T) {
	requires(t, asRoot, landlockABI(1))
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}}
	c.Attr = &Attr{NoNewPrivs: true, Landlock: lockedFiles(1, LandlockPath{Path: dir + "/x", Rights: LandlockRead})}
	want := "sprog: start /bin/true: openat " + dir + "/x (Attr.Landlock.Files.Rules[0]): permission denied (user 65534 may not search "
	if err := c.Run(); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Run() = %v; want %s", err, want)
	}
	root := newRoot(t)
	c = inRoot(t, root, "", "/bin/test", "true")
	c.Env = []string{helperEnv}
	c.Attr = &Attr{NoNewPrivs: true, Landlock: &Landlock{ABI: 1, Files: &LandlockFiles{Rules: []LandlockPath{
		{Path: "/", Rights: LandlockRead | LandlockExecute}, {Path: root, Rights: LandlockRead, Optional: true},
	}}}}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}

// Without no_new_privs it takes CAP_SYS_ADMIN.
func TestLandlockPrivileges(t *testing.T) {
	requires(t, asRoot, landlockABI(1))
	c := &Cmd{Path: "/bin/true", Attr: &Attr{Landlock: lockedFiles(1)}}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
	c = &Cmd{Path: "/bin/true", Attr: &Attr{Landlock: lockedFiles(1)}}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	const want = "sprog: start /bin/true: (Attr.Landlock): needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which a user other than root lacks"
	if err := c.Run(); err == nil || err.Error() != want || !errors.Is(err, unix.EPERM) {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

// A program that is a descriptor is restricted as well.
func TestLandlockProgramByDescriptor(t *testing.T) {
	requires(t, landlockABI(1))
	real, err := filepath.EvalSymlinks("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(real)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Program: f, Landlock: lockedFiles(1)}}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
	c = &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Program: f, Landlock: &Landlock{ABI: 1, Files: &LandlockFiles{}}}}
	want := "permission denied (no Landlock rule gives LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_FS_READ_FILE for " + real + ")"
	if err := c.Run(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

// The caller can trace a program that is restricted.
func TestLandlockTraced(t *testing.T) {
	requires(t, landlockABI(1))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Ptrace: true}, Attr: &Attr{NoNewPrivs: true, Landlock: lockedFiles(1)}}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	end(t, c)
}

func init() {
	looks["makes"] = func(dir string) string {
		f, err := os.CreateTemp(dir, "sprog-test")
		if err == nil {
			f.Close()
			os.Remove(f.Name())
			return "made"
		}
		return errnoOf(err)
	}
	looks["connects"] = func(port string) string {
		_, err := net.Dial("tcp", "127.0.0.1:"+port)
		return errnoOf(err)
	}
}

// errnoOf is the text of the errno in an error.
func errnoOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	return "no errno"
}

var facetsOfLandlock = []facet{
	{name: "Landlock", needs: []*requirement{landlockABI(4)},
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			l := &Landlock{ABI: 4, Files: &LandlockFiles{Rules: []LandlockPath{everywhere}}, Ports: &LandlockPorts{}}
			if r.IntN(2) == 0 {
				l.Files.Rules = append(l.Files.Rules, LandlockPath{File: devNullFile(t), Rights: LandlockRead | LandlockWrite})
			}
			attr(c).NoNewPrivs, attr(c).Landlock = true, l
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"makes:/tmp": "permission denied", "connects:9": "permission denied"}
		}},
}

// pretendLandlock has the kernel's answer about Landlock be another one.
func pretendLandlock(t *testing.T, k kernel.Landlock) {
	t.Helper()
	before := kernel.Known.Landlock.Ask()
	kernel.Known.Landlock.Store(&k)
	t.Cleanup(func() { kernel.Known.Landlock.Store(&before) })
}

// Each right needs the ABI that it came with.
func TestLandlockStrict(t *testing.T) {
	all := &LandlockFiles{Rules: []LandlockPath{everywhere}}
	for _, test := range []struct {
		kernel   kernel.Landlock
		landlock Landlock
		want     string
	}{
		{kernel.Landlock{Errno: unix.ENOSYS}, Landlock{ABI: 1, Files: all}, "(Attr.Landlock): this kernel has no Landlock"},
		{kernel.Landlock{Errno: unix.EOPNOTSUPP}, Landlock{ABI: 1, Files: all},
			"(Attr.Landlock): Landlock is disabled on this machine: the kernel's parameter lsm= does not list it"},
		{kernel.Landlock{Errno: unix.EPERM}, Landlock{ABI: 1, Files: all},
			"(Attr.Landlock): Landlock is refused: landlock_create_ruleset: operation not permitted"},
		{kernel.Landlock{ABI: 1}, Landlock{ABI: 7, Files: all},
			"LANDLOCK_ACCESS_FS_REFER (Attr.Landlock.Files): needs Landlock ABI 2, Linux 5.19; this kernel has ABI 1" +
				" (Attr.Landlock.ABI 1 asks for the rights that this kernel has, and Attr.Landlock.BestEffort for those that each kernel has)"},
		{kernel.Landlock{ABI: 7}, Landlock{Files: all},
			"LANDLOCK_ACCESS_FS_RESOLVE_UNIX (Attr.Landlock.Files): needs Landlock ABI 9, Linux 7.1; this kernel has ABI 7" +
				" (Attr.Landlock.ABI 7 asks for the rights that this kernel has, and Attr.Landlock.BestEffort for those that each kernel has)"},
		{kernel.Landlock{ABI: 3}, Landlock{ABI: 3, Ports: &LandlockPorts{Handled: LandlockConnectTCP}},
			"LANDLOCK_ACCESS_NET_CONNECT_TCP (Attr.Landlock.Ports): needs Landlock ABI 4, Linux 6.7; this kernel has ABI 3"},
		{kernel.Landlock{ABI: 9}, Landlock{ABI: 9, Ports: &LandlockPorts{Handled: LandlockBindUDP}},
			"LANDLOCK_ACCESS_NET_BIND_UDP (Attr.Landlock.Ports): needs Landlock ABI 10, Linux 7.2; this kernel has ABI 9"},
		{kernel.Landlock{ABI: 5}, Landlock{ABI: 5, Scopes: LandlockScopeSignal},
			"LANDLOCK_SCOPE_SIGNAL (Attr.Landlock.Scopes): needs Landlock ABI 6, Linux 6.12; this kernel has ABI 5"},
		{kernel.Landlock{ABI: 6}, Landlock{ABI: 6, Files: all, Log: LandlockLogNewExecOn},
			"LANDLOCK_RESTRICT_SELF_LOG_NEW_EXEC_ON (Attr.Landlock.Log): needs Landlock ABI 7, Linux 6.15; this kernel has ABI 6"},
	} {
		t.Run(test.want, func(t *testing.T) {
			pretendLandlock(t, test.kernel)
			err := (&Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Landlock: &test.landlock}}).Run()
			if want := "sprog: start /bin/true: " + test.want; err == nil || err.Error() != want {
				t.Errorf("Run() = %v\nwant    %s", err, want)
			}
			if unsupported := errors.Is(err, errors.ErrUnsupported); unsupported != (test.kernel.Errno != unix.EPERM) {
				t.Errorf("Run() = %v; want errors.ErrUnsupported", err)
			}
		})
	}
}

// What best effort leaves out is told, and the program runs.
func TestLandlockBestEffort(t *testing.T) {
	requires(t, landlockABI(7))
	const allFiles = 1<<17 - 1
	asked := Landlock{
		BestEffort: true, Scopes: LandlockScopeSignal, Log: LandlockLogNewExecOn,
		Files: &LandlockFiles{Rules: []LandlockPath{everywhere}}, Ports: &LandlockPorts{},
	}
	everything := LandlockSet{allFiles, 15, LandlockScopeSignal, LandlockLogNewExecOn}
	for _, test := range []struct {
		kernel  kernel.Landlock
		applied LandlockSet
		reason  string
	}{
		{kernel.Landlock{Errno: unix.ENOSYS}, LandlockSet{}, "this kernel has no Landlock"},
		{kernel.Landlock{ABI: 1}, LandlockSet{Files: 1<<13 - 1}, ""},
		{kernel.Landlock{ABI: 3}, LandlockSet{Files: 1<<15 - 1}, ""},
		{kernel.Landlock{ABI: 4}, LandlockSet{Files: 1<<15 - 1, Ports: 3}, ""},
		{kernel.Landlock{ABI: 7}, LandlockSet{1<<16 - 1, 3, LandlockScopeSignal, LandlockLogNewExecOn}, ""},
	} {
		t.Run(fmt.Sprint("ABI ", test.kernel.ABI), func(t *testing.T) {
			pretendLandlock(t, test.kernel)
			c := &Cmd{Path: "/bin/true", Attr: &Attr{NoNewPrivs: true, Landlock: &asked}}
			if err := c.Run(); err != nil {
				t.Fatal(err)
			}
			want := &LandlockResult{test.kernel.ABI, test.reason, test.applied, without(everything, test.applied)}
			if got := c.Birth.Landlock; !reflect.DeepEqual(got, want) {
				t.Errorf("Birth.Landlock = %+v; want %+v", got, want)
			}
		})
	}
}

// without is what the other set lacks.
func without(s, o LandlockSet) LandlockSet {
	return LandlockSet{s.Files &^ o.Files, s.Ports &^ o.Ports, s.Scopes &^ o.Scopes, s.Log &^ o.Log}
}

// The kernel denies what an older ABI has and allows what it lacks.
func TestLandlockOlderABI(t *testing.T) {
	requires(t, landlockABI(3))
	in, _ := landlockDirs(t)
	pretendLandlock(t, kernel.Landlock{ABI: 2})
	l := lockedFiles(0, LandlockPath{Path: in, Rights: LandlockRead | LandlockWriteFile})
	l.BestEffort = true
	if got := lockedShell(t, l, ": >$1/file; cat $1/file; touch $1/new", in); got != "touch: cannot touch '"+in+"/new': Permission denied\n" {
		t.Errorf("printed %q; want that the file was truncated, and nothing made", got)
	}
}

// A log flag alone makes no domain.
func TestLandlockNothingLeft(t *testing.T) {
	pretendLandlock(t, kernel.Landlock{ABI: 7})
	res, err := (&Landlock{Ports: &LandlockPorts{Handled: LandlockBindUDP}, Log: LandlockLogNewExecOn, BestEffort: true}).spec().Resolve(kernel.Known.Landlock.Ask())
	if err != nil || res.Applied != (spec.LandlockSet{}) {
		t.Errorf("resolve = %v, %v; want nothing applied", res, err)
	}
}

func TestLandlockSetNames(t *testing.T) {
	for want, set := range map[string]LandlockSet{
		"nothing": {},
		"LANDLOCK_ACCESS_FS_EXECUTE|LANDLOCK_ACCESS_NET_BIND_TCP|LANDLOCK_SCOPE_SIGNAL": {Files: LandlockExecute, Ports: LandlockBindTCP, Scopes: LandlockScopeSignal},
	} {
		if got := set.String(); got != want {
			t.Errorf("String = %s; want %s", got, want)
		}
	}
}

func TestBadLandlock(t *testing.T) {
	closedFile := tempFile(t)
	closedFile.Close()
	bad := func(name string, l Landlock, want string) badStart {
		return badStart{name, by(&Attr{NoNewPrivs: true, Landlock: &l}), syscall.EINVAL, want}
	}
	rule := func(p LandlockPath) Landlock {
		return Landlock{ABI: 1, Files: &LandlockFiles{Rules: []LandlockPath{everywhere, p}}}
	}
	list := []badStart{
		bad("nothing", Landlock{Log: LandlockLogNewExecOn}, "(Attr.Landlock): restricts nothing: it needs Files, Ports or Scopes"),
		bad("ABI", Landlock{ABI: 11, Scopes: 1}, "11 (Attr.Landlock.ABI): is no version that sprog knows: 1 to 10"),
		bad("negative ABI", Landlock{ABI: -1, Scopes: 1}, "-1 (Attr.Landlock.ABI): is no version that sprog knows: 1 to 10"),
		bad("ABI without ports", Landlock{ABI: 3, Ports: &LandlockPorts{}}, "3 (Attr.Landlock.ABI): has no rights to ports: 4 is the first that has"),
		bad("scope", Landlock{Scopes: 5}, "0x4 (Attr.Landlock.Scopes): is no scope"),
		bad("log", Landlock{Scopes: 1, Log: 8}, "0x8 (Attr.Landlock.Log): is no flag of the log"),
		bad("right", Landlock{Files: &LandlockFiles{Handled: 1 << 17}}, "0x20000 (Attr.Landlock.Files.Handled): is no right to files"),
		bad("port right", Landlock{Ports: &LandlockPorts{Handled: 16}}, "0x10 (Attr.Landlock.Ports.Handled): is no right to ports"),
		bad("no path", rule(LandlockPath{Rights: 1}), "(Attr.Landlock.Files.Rules[1]): has neither Path nor File"),
		bad("two paths", rule(LandlockPath{Path: "/x", File: os.Stdin, Rights: 1}), "/dev/stdin (Attr.Landlock.Files.Rules[1]): has both Path and File"),
		bad("NUL", rule(LandlockPath{Path: "/\x00", Rights: 1}), `"/\x00" (Attr.Landlock.Files.Rules[1]): contains a NUL byte`),
		bad("no rights", rule(LandlockPath{Path: "/x"}), "/x (Attr.Landlock.Files.Rules[1]): gives no right that is handled"),
		bad("not handled", rule(LandlockPath{Path: "/x", Rights: LandlockTruncate}), "/x (Attr.Landlock.Files.Rules[1]): gives no right that is handled"),
		bad("unknown rights", rule(LandlockPath{Path: "/x", Rights: 1<<40 | 1}), "/x (Attr.Landlock.Files.Rules[1]): 0x10000000000 is no right to files"),
		bad("port", Landlock{Ports: &LandlockPorts{Rules: []LandlockPort{{80, 0}}}}, "port 80 (Attr.Landlock.Ports.Rules[0]): gives no right that is handled"),
		bad("unknown port right", Landlock{Ports: &LandlockPorts{Rules: []LandlockPort{{80, 32}}}}, "port 80 (Attr.Landlock.Ports.Rules[0]): 0x20 is no right to ports"),
	}
	wantRefused(t, list)

	requires(t, landlockABI(1))
	wantRefused(t, []badStart{
		{"missing", by(&Attr{NoNewPrivs: true, Landlock: new(rule(LandlockPath{Path: "/no/such", Rights: LandlockRead}))}), syscall.ENOENT,
			"openat /no/such (Attr.Landlock.Files.Rules[1]): no such file or directory (/no does not exist)"},
		{"no directory", by(&Attr{NoNewPrivs: true, Landlock: new(rule(LandlockPath{Path: "/dev/null", Rights: LandlockReadDir}))}), syscall.EINVAL,
			"landlock_add_rule /dev/null (Attr.Landlock.Files.Rules[1]): invalid argument (the rights are about directories, and it is none)"},
		{"closed", by(&Attr{NoNewPrivs: true, Landlock: new(rule(LandlockPath{File: closedFile, Rights: LandlockReadFile}))}), os.ErrClosed,
			closedFile.Name() + " (Attr.Landlock.Files.Rules[1]): file already closed"},
	})
}

func TestLandlockNeedsNoNewPrivs(t *testing.T) {
	requires(t, unprivileged)
	wantRefused(t, []badStart{{"ordinary user", by(&Attr{Landlock: lockedFiles(1)}), syscall.EPERM,
		"(Attr.Landlock): needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which this process lacks"}})
}
