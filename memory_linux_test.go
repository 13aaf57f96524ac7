//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/program"
)

// A process that holds a capability starts programs in user namespaces, while another
// of the same user's, which has none, tries to read its memory through
// the children: it owns those namespaces as well. Without what keeps it out, it does.
func TestMemoryIsSafe(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, uid := range []uint32{65534, 0} {
		memoryIsSafe(t, uid, "net_bind_service", "setfcap") // root needs the other for its map
	}
}

// So does one that holds none, where Yama lets no process trace others than its own descendants.
func TestMemoryIsSafeUnderYama(t *testing.T) {
	if os.Getpid() != 1 {
		requires(t, restrictingYama)
	}
	if alone(t) {
		memoryIsSafe(t, 65534)
	}
}

var restrictingYama = &requirement{what: "kernel.yama.ptrace_scope = 1", works: func() error {
	scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	if err == nil && strings.TrimSpace(string(scope)) != "1" {
		err = fmt.Errorf("it is %s", scope)
	}
	return err
}}

// alone runs the test as root in a PID namespace, whose processes are its own.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getpid() != 1 {
		requires(t, asRoot, userNamespaces)
		public := publicBinary(t)
		return ownProcess(t, func(c *exec.Cmd) {
			c.Path = public
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
		})
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	return true
}

// memoryIsSafe has a process of the user's with those capabilities start programs.
func memoryIsSafe(t *testing.T, uid uint32, caps ...string) {
	t.Helper()
	guarded := max(fewer(300), 20)
	for how := range launches {
		if n := raided(t, uid, caps, how, "guarded", guarded); n != 0 {
			t.Errorf("a process of user %d got at the memory of another, which started a program with %s, %d times; want 0", uid, how, n)
		}
		if how == "init" || testing.Short() {
			continue // in an init nothing of it is, guarded or not; and in an emulator the raid takes minutes
		}
		if n := raided(t, uid, caps, how, "open", 10000); n == 0 {
			t.Errorf("a process of user %d did not get at the memory of another that was open to it, which started a program with %s: the test proves nothing", uid, how)
		}
	}
}

// launches are ways into a user namespace.
var launches = map[string]func(*Cmd){
	"maps":          intoUserNamespace(0, nil),
	"PID namespace": intoUserNamespace(unix.CLONE_NEWPID, nil),
	"no maps": func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	},
	"own maps": func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot}
	},
	"init": intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{}}),
}

// raided has a process of the user's start a program many times while another
// one tries to get at its memory, or until it has. It returns how often it has.
func raided(t *testing.T, uid uint32, caps []string, how, standing string, starts int) (found int) {
	t.Helper()
	launcher := talkTo(t, uid, caps, "launch-guarded", how, standing)
	defer launcher.end()
	raid := talkTo(t, uid, nil, "raid", launcher.hears(t))
	defer raid.end()
	raider := spy(raid.talk)
	met := 0
	for range starts {
		fmt.Fprintln(launcher.in)
		if said := launcher.hears(t); said != "started" {
			t.Fatalf("%s, %s: %s", how, standing, said)
		}
		denied, got := raider.asked()
		met += denied + got
		if found += got; found > 0 {
			break
		}
	}
	if met == 0 {
		t.Errorf("%s: the raider never met a child", how)
	}
	t.Logf("user %d, %s, %s: %d tries, %d successful", uid, how, standing, met, found)
	return found
}

// A talk is with a helper that answers a line for each that it reads.
type talk spy

type helperTalk struct {
	talk
	c *Cmd
}

func (h helperTalk) end() { h.in.Close(); h.c.Wait() }

func (s talk) hears(t *testing.T) string {
	t.Helper()
	if !s.out.Scan() {
		t.Fatal("the helper has ended")
	}
	return s.out.Text()
}

// talkTo starts a helper as a user, with those capabilities and no others.
func talkTo(t *testing.T, uid uint32, caps []string, name string, args ...string) helperTalk {
	t.Helper()
	c := helperCommand(name, args...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	exactly := CapSet{Drop: []string{"all"}, Add: caps}
	c.Attr = &Attr{Caps: &Caps{Bounding: exactly, Inheritable: exactly, Ambient: exactly}}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return helperTalk{talk{in.(*os.File), bufio.NewScanner(out)}, c}
}

// launch-guarded HOW STANDING: print where in memory a secret is. For each line read, start a
// program that way, as a process that is open to others of its user's if STANDING
// is "open".
var _ = helper("launch-guarded", func(args []string) int {
	secret, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	copy(secret, secretFile)
	if args[1] == "open" {
		is := launch.OwnStanding()
		launch.OwnStanding = func() compile.Standing { return compile.Standing{Root: is.Root} }
	}
	fmt.Println(strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&secret[0]))), 16))
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		c := &Cmd{Path: "/bin/true", Dir: "/" + strings.Repeat("proc/../", 500)} // that takes some time
		launches[args[0]](c)
		if err := c.Run(); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("started")
	}
	return 0
})

// raid ADDRESS: try all the time to get at the memory of the processes that /proc
// shows. For each line read, print how often that was denied and how often it
// found the secret.
var _ = helper("raid", func(args []string) int {
	address, _ := strconv.ParseUint(args[0], 16, 64)
	asked := make(chan bool)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			asked <- true
		}
		close(asked)
	}()
	runtime.LockOSThread() // it is a thread that traces
	var p prying
	for {
		select {
		case _, more := <-asked:
			if !more {
				return 0
			}
			fmt.Println(p.denied, p.got)
			p = prying{}
		default:
			for _, pid := range visible() {
				p.memory(pid, uintptr(address))
			}
		}
	}
})

// standingAs makes starts, and plans, those of a process of that standing.
func standingAs(t *testing.T, s compile.Standing) {
	before := launch.OwnStanding
	t.Cleanup(func() { launch.OwnStanding = before })
	launch.OwnStanding = func() compile.Standing { return s }
}

// A traced child has one stage, whoever may not trace its parent.
func TestGuardedButTraced(t *testing.T) {
	requires(t, userNamespaces)
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	standingAs(t, guardedUser)
	c := &Cmd{Path: "/bin/true"}
	intoUserNamespace(0, nil)(c)
	c.SysProcAttr.Ptrace = true
	if _, second := stepsOf(t, c); second != nil {
		t.Errorf("the start has a second stage of %d steps; want none", len(second))
	}
}

// A cgroup namespace has the child's cgroup for its root, whichever process enters it.
func TestLateCgroupNamespace(t *testing.T) {
	requires(t, asRoot, userNamespaces, cgroup2, namespace("cgroup"))
	group := newCgroup(t)
	c := Command("/bin/cat", "/proc/self/cgroup")
	intoUserNamespace(unix.CLONE_NEWCGROUP, &Attr{Init: &Init{}})(c)
	c.SysProcAttr.UseCgroupFD, c.SysProcAttr.CgroupFD = true, int(group.Fd())
	if out := outputOf(t, c); !strings.HasSuffix(out, "0::/\n") {
		t.Errorf("the cgroups are %s; want 0::/ among them", out)
	}
}

// A user namespace that is unshared and written by a child that changes credentials does not
// depend on what other starts do to the memory.
func TestOwnMapsBesideCredentials(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	standingAs(t, compile.Standing{})
	c := Command("/bin/cat", "/proc/self/uid_map")
	c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot, Credential: &syscall.Credential{NoSetGroups: true}}
	second := false
	c.inspect = func(_, p *program.Program) { second = p != nil }
	if out := strings.Join(strings.Fields(outputOf(t, c)), " "); out != "0 0 1" || !second {
		t.Errorf("the map is %q, with a second stage: %v; want 0 0 1, true", out, second)
	}
}

// coresAre makes starts, and plans, those of a process with that limit on core files.
func coresAre(t *testing.T, limit unix.Rlimit, possible bool) {
	before := launch.CoreLimit
	t.Cleanup(func() { launch.CoreLimit = before })
	launch.CoreLimit = func() (unix.Rlimit, bool) { return limit, possible }
}

// coreFiles are left in the working directory.
var coreFiles = &requirement{what: "core files in the working directory", works: func() error {
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err == nil && strings.ContainsAny(string(pattern), "/|@") {
		err = syscall.EOPNOTSUPP
	}
	if most := coresLimit(); err == nil && most < 1<<30 && raisingLimits.works() != nil {
		err = fmt.Errorf("the hard limit on them is %d", most)
	}
	return err
}}

// coresLimit is the hard limit on core files.
func coresLimit() uint64 {
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_CORE, &limit)
	return limit.Max
}

// A child that dies before it executes leaves no core file, but at its first and its
// last step.
func TestNoCoreFile(t *testing.T) {
	requires(t, coreFiles)
	if !ownProcess(t, nil) {
		return
	}
	allowCores(t)
	for name, prepare := range map[string]func(*Cmd){
		"a plain start": func(*Cmd) {},
		"a directory and limits": func(c *Cmd) {
			c.Dir, c.Attr = ".", &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 1 << 20, Max: 1 << 30}}}
		},
		"a second stage": func(c *Cmd) { withSecond(c) },
	} {
		var left []string
		c := &Cmd{Path: "/bin/true"}
		prepare(c)
		steps, _ := stepsOf(t, c)
		for i, s := range steps {
			if dies(t, c, i) {
				left = append(left, s.Call.String())
			}
		}
		last := steps[len(steps)-1].Call.String()
		if want := []string{"prlimit64", last}; strings.Join(left, " ") != strings.Join(want, " ") {
			t.Errorf("%s: the steps that leave a core file are %v; want %v, the first and the last", name, left, want)
		}
	}
}

// Memory that another user might reach is dumped by no step.
func TestNoCoreFileOfOthers(t *testing.T) {
	requires(t, coreFiles, asRoot, userNamespaces)
	if !ownProcess(t, nil) {
		return
	}
	allowCores(t)
	for name, sys := range map[string]*syscall.SysProcAttr{
		"a change of the user": {Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
		"a user namespace":     {Cloneflags: unix.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot},
	} {
		c := &Cmd{Path: "/bin/true", SysProcAttr: sys}
		steps, _ := stepsOf(t, c)
		for i, s := range steps {
			if dies(t, c, i) {
				t.Errorf("%s: %v leaves a core file", name, s.Call)
			}
		}
	}
}

// The program has the limit that it was to have.
func TestCoreLimit(t *testing.T) {
	const most = 8192
	requires(t, &requirement{what: "a hard limit on core files", works: func() error {
		if coresLimit() < most && raisingLimits.works() != nil {
			return syscall.EPERM
		}
		return nil
	}})
	if !ownProcess(t, nil) {
		return
	}
	const mine = "Max core file size 4096 8192 bytes"
	for _, test := range []struct {
		attr *Attr
		want string
	}{
		{nil, mine},
		{&Attr{THPDisable: THPDisableCompletely}, mine},
		{&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 0, Max: 0}}}, "Max core file size 0 0 bytes"},
		{&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 5, Max: 7}}}, "Max core file size 5 7 bytes"},
		{&Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_CORE, Cur: 5, Max: 7}}, Init: &Init{}}, "Max core file size 5 7 bytes"},
	} {
		for _, piped := range []bool{false, true} {
			limit := unix.Rlimit{Cur: 4096, Max: most}
			if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
				t.Fatal(err)
			}
			coresAre(t, limit, piped)
			c := Command("/bin/grep", "core file", "/proc/self/limits")
			c.Attr = test.attr
			if got := strings.Join(strings.Fields(outputOf(t, c)), " "); got != test.want {
				t.Errorf("guarded %v, with %+v: %s; want %s", piped, test.attr, got, test.want)
			}
		}
	}
}

// allowCores has this process leave core files, in a directory of its own.
func allowCores(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	most := coresLimit()
	if raisingLimits.works() == nil {
		most = unix.RLIM_INFINITY
	}
	limit := unix.Rlimit{Cur: most, Max: most}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
}

// dies has the child of a start die at a step, and reports whether that has left a core file.
func dies(t *testing.T, c *Cmd, step int) bool {
	t.Helper()
	c = again(c)
	c.inspect = func(first, _ *program.Program) { first.Fault = &program.Fault{Step: step, Die: true} }
	if err := c.Start(); err == nil {
		end(t, c) // nobody came by
		return false
	}
	cores, _ := filepath.Glob("core*")
	for _, file := range cores {
		os.Remove(file)
	}
	return len(cores) > 0
}
