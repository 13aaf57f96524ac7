//go:build amd64 || arm64

package sprog

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A container is a process in namespaces of its own. It is no child of this
// process, so that tests can look for children that are left behind.
type container struct {
	pid int
}

// newContainer starts one in new namespaces; with a user namespace among them
// where ids, an id map, is not nil.
func newContainer(t *testing.T, flags uintptr, ids []syscall.SysProcIDMap) container {
	t.Helper()
	adopts, _ := subreaper()
	unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, adopts, 0, 0, 0)
	args := []string{strconv.FormatUint(uint64(flags), 10)}
	for _, m := range ids {
		args = append(args, strconv.Itoa(m.ContainerID), strconv.Itoa(m.HostID), strconv.Itoa(m.Size))
	}
	out := outputOf(t, helperCommand("contain", args...))
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		t.Fatal(out, err)
	}
	t.Cleanup(func() { unix.Kill(pid, unix.SIGKILL) })
	return container{pid}
}

func subreaper() (on uintptr, err error) {
	var word int32
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&word)), 0)
	if errno != 0 {
		return 0, errno
	}
	return uintptr(word), nil
}

// contain FLAGS [INSIDE OUTSIDE COUNT]...: leave a process behind in new
// namespaces, with id maps if there are any, and print its number. It ends by
// itself after a while.
var _ = helper("contain", func(args []string) int {
	flags, _ := strconv.ParseUint(args[0], 10, 64)
	var ids []syscall.SysProcIDMap
	for ; len(args) > 3; args = args[3:] {
		var n [3]int
		for i := range n {
			n[i], _ = strconv.Atoi(args[i+1])
		}
		ids = append(ids, syscall.SysProcIDMap{ContainerID: n[0], HostID: n[1], Size: n[2]})
	}
	c := helperCommand("hang", "")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: uintptr(flags)}
	if ids != nil {
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = ids, ids
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.Process.Pid)
	return 0
})

// link is what the kernel calls a namespace of a process.
func link(t *testing.T, pid, kind string) string {
	t.Helper()
	name, err := os.Readlink("/proc/" + pid + "/ns/" + kind)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

const newKinds = syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID |
	syscall.CLONE_NEWNET | syscall.CLONE_NEWCGROUP

func pidFD(t *testing.T, pid int) *os.File {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	t.Cleanup(func() { f.Close() })
	return f
}

// The child of a start, as the caller sees it, is in every namespace of a
// container, whichever way they were named.
func TestJoinAll(t *testing.T) {
	requires(t, asRoot)
	for name, ids := range map[string][]syscall.SysProcIDMap{
		"": nil, "of other users": {{ContainerID: 0, HostID: 100000, Size: 1000}}, "of the same users": {{ContainerID: 0, HostID: 0, Size: 1000}},
	} {
		flags := uintptr(newKinds | syscall.CLONE_NEWTIME)
		box := newContainer(t, flags, ids)
		var paths []Namespace
		for _, k := range spec.NamespaceKinds {
			if k.Kind != spec.UserNamespace || ids != nil {
				paths = append(paths, Namespace{Kinds: NamespaceKind(k.Kind), Path: "/proc/" + strconv.Itoa(box.pid) + "/ns/" + k.File})
			}
		}
		for how, join := range map[string][]Namespace{
			"pid": {{PID: box.pid}}, "pidfd": {{PidFD: pidFD(t, box.pid)}}, "paths": paths,
			"pid but for the time": {{PID: box.pid, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}},
		} {
			for _, init := range []*Init{nil, {}} {
				t.Run("container "+name+" by "+how+map[bool]string{true: " with init"}[init != nil], func(t *testing.T) {
					joinAll(t, box, &Attr{Join: join, Init: init}, how)
				})
			}
		}
	}
}

func joinAll(t *testing.T, box container, attr *Attr, how string) {
	c := helperCommand("hang", "")
	c.Attr = attr
	pidfd := -1
	c.SysProcAttr = &syscall.SysProcAttr{PidFD: &pidfd}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	pid, theirs := strconv.Itoa(c.Process.Pid), strconv.Itoa(box.pid)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Error(line, err)
	}
	for _, k := range spec.NamespaceKinds {
		if k.Kind == spec.TimeNamespace && how == "pid but for the time" {
			continue
		}
		if got, want := link(t, pid, k.File), link(t, theirs, k.File); got != want {
			t.Errorf("%s of the child = %s; want %s", k.File, got, want)
		}
	}
	status := "/proc/" + pid + "/status"
	if got, want := procField(status, "PPid"), strconv.Itoa(os.Getpid()); got != want {
		t.Errorf("parent of the child = %s; want %s", got, want)
	}
	if numbers := strings.Fields(procField(status, "NSpid")); len(numbers) != 2 || numbers[0] != pid {
		t.Errorf("NSpid of the child = %q; want %s and a number inside", numbers, pid)
	}
	if pidfd < 0 {
		t.Error("no pidfd")
	} else if err := unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0); err != nil {
		t.Errorf("signal by the pidfd: %v", err)
	}
	c.Wait()
	if got := c.ProcessState.Sys().(syscall.WaitStatus); !got.Signaled() && attr.Init == nil {
		t.Errorf("the child ended with %v; want by a signal", got)
	}
}

// An ordinary user joins the namespaces of a container of his own, whose user
// namespace gives the right to.
func TestJoinAsOrdinaryUser(t *testing.T) {
	requires(t, userNamespaces)
	if os.Geteuid() == 0 {
		public := publicBinary(t)
		if !ownProcess(t, func(c *exec.Cmd) {
			c.Path, c.Dir = public, "/"
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}) {
			return
		}
	}
	box := newContainer(t, newKinds, []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}})
	joinAll(t, box, &Attr{Join: []Namespace{{PID: box.pid, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}}}, "pid but for the time")

	for _, init := range []*Init{nil, {}} {
		c := Command("/bin/sh", "-c", "echo $(id -u) $$; grep CapEff /proc/self/status")
		c.Attr = &Attr{Join: []Namespace{{PID: box.pid}}, Init: init}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{NoSetGroups: true}}
		out, err := c.CombinedOutput()
		words := strings.Fields(string(out))
		if err != nil || len(words) != 4 || words[0] != "0" || words[1] == strconv.Itoa(c.Process.Pid) || words[3] == "0000000000000000" {
			t.Errorf("as root inside, with init %v: %q, %v; want user 0, another number than %d and capabilities", init, out, err, c.Process.Pid)
		}
	}
}

func TestBadJoins(t *testing.T) {
	join := func(list ...Namespace) func(*Cmd) { return by(&Attr{Join: list}) }
	ended := Command("/bin/true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	number := strconv.Itoa(ended.Process.Pid)
	wantRefused(t, []badStart{
		{"nothing", join(Namespace{}), syscall.EINVAL, "(Attr.Join[0]): needs one of Path, File, PID and PidFD"},
		{"two", join(Namespace{PID: 1, Path: "/x"}), syscall.EINVAL, "(Attr.Join[0]): needs one of Path, File, PID and PidFD"},
		{"no kind", join(Namespace{Path: "/x"}), syscall.EINVAL, "/x (Attr.Join[0]): needs the kind of the namespace in Kinds"},
		{"two kinds", join(Namespace{Path: "/x", Kinds: IPCNamespace | UTSNamespace}), syscall.EINVAL,
			"/x (Attr.Join[0]): needs the kind of the namespace in Kinds"},
		{"unknown kind", join(Namespace{PID: 1, Kinds: 3}), syscall.EINVAL, "0x3 (Attr.Join[0]): is no kind of namespace"},
		{"negative", join(Namespace{PID: -1}), syscall.EINVAL, "-1 (Attr.Join[0]): is no process"},
		{"twice", join(Namespace{PID: 1, Kinds: IPCNamespace | UTSNamespace}, Namespace{Path: "/x", Kinds: IPCNamespace}), syscall.EINVAL,
			"ipc (Attr.Join[1]): is joined twice"},
		{"all twice", join(Namespace{PID: 1}, Namespace{PID: 2}), syscall.EINVAL,
			"(Attr.Join[1]): names no kind, as another does: both would mean all"},
		{"NUL", join(Namespace{Path: "/x\x00", Kinds: IPCNamespace}), syscall.EINVAL, `"/x\x00" (Attr.Join[0]): contains a NUL byte`},
		{"no file", join(Namespace{Path: "/no/such", Kinds: IPCNamespace}), syscall.ENOENT,
			"open /no/such (Attr.Join[0]): no such file or directory"},
		{"no process", join(Namespace{PID: ended.Process.Pid}), syscall.ESRCH, "pidfd_open " + number + " (Attr.Join[0]): no such process"},
		{"no namespace", join(Namespace{Path: "/dev/null", Kinds: IPCNamespace}), syscall.EINVAL,
			"setns /dev/null (Attr.Join[0]): invalid argument (/dev/null is no namespace: those are files such as /proc/PID/ns/net)"},
		{"PID namespace, and a new one", func(c *Cmd) {
			c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: PIDNamespace}}}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
		}, syscall.EINVAL, "CLONE_NEWPID (SysProcAttr.Cloneflags): cannot be combined with joining a PID namespace (Attr.Join): a process changes its own once"},
		{"mount namespace, traced", func(c *Cmd) {
			c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: MountNamespace}}}
			c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		}, syscall.EINVAL, "(Attr.Join): cannot be combined with SysProcAttr.Ptrace: its second stage would be traced"},
		{"mount namespace, and a listener", by(&Attr{NoNewPrivs: true, Seccomp: notifying("mkdir"), Join: []Namespace{{PID: 1, Kinds: MountNamespace}}}), syscall.EINVAL,
			"SCMP_ACT_NOTIFY (Attr.Seccomp): cannot be combined with Attr.Join: its listener is handed over in memory, which a second stage does not share"},
		{"user namespace, and a mapped one", func(c *Cmd) {
			c.Attr = &Attr{Join: []Namespace{{PID: 1, Kinds: UserNamespace}}}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot}
		}, syscall.EINVAL, "user (Attr.Join): cannot be combined with id maps of a new user namespace: from outside of the joined one they cannot be written"},
	})
}

// The caller's own namespaces are left out, among them the user namespace,
// which the kernel would not let it join.
func TestJoinOwn(t *testing.T) {
	c := Command("/bin/true")
	c.Attr = &Attr{Join: []Namespace{{PID: os.Getpid()}}}
	if err := c.Run(); err != nil {
		t.Error(err)
	}
}

var facetsOfJoining = []facet{
	{name: "joined namespaces", needs: []*requirement{asRoot},
		without: []string{"namespaces at birth", "namespaces unshared", "user namespace", "setgroups as it is"},
		draw: func(_ *rand.Rand, t *testing.T, c *Cmd) {
			box := newContainer(t, newKinds&^syscall.CLONE_NEWPID, nil)
			attr(c).Join = []Namespace{{PID: box.pid, Kinds: NetworkNamespace | IPCNamespace | UTSNamespace}}
		},
		expect: func(c *Cmd) map[string]string {
			want := map[string]string{}
			for _, kind := range []string{"net", "ipc", "uts"} {
				inside := "/proc/" + strconv.Itoa(c.Attr.Join[0].PID) + "/ns/" + kind
				want["link:/proc/self/ns/"+kind], _ = os.Readlink(inside)
			}
			return want
		}},
	{name: "joined PID namespace", needs: []*requirement{asRoot},
		without: []string{"PID namespace", "user namespace", "setgroups as it is", "joined namespaces"},
		draw: func(_ *rand.Rand, t *testing.T, c *Cmd) {
			box := newContainer(t, unix.CLONE_NEWPID, nil)
			attr(c).Join = []Namespace{{PidFD: pidFD(t, box.pid), Kinds: PIDNamespace}}
		},
		expect: func(*Cmd) map[string]string { return newNamespace("pid") }},
}

// An ordinary user joins the namespaces of a program of his by its init, which nobody
// may trace who has no right to trace all that is of root's.
func TestJoinByInit(t *testing.T) {
	requires(t, userNamespaces)
	public := publicBinary(t)
	if os.Geteuid() == 0 && !ownProcess(t, func(c *exec.Cmd) {
		c.Path, c.Dir = public, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}) {
		return
	}
	const tell = "readlink /proc/self/ns/user /proc/self/ns/pid"
	c := Command("/bin/sh", "-c", "echo ready; "+tell+"; read line")
	intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{}})(c)
	c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = idOf(0, os.Getuid()), idOf(0, os.Getgid())
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	lines := startReady(t, c)
	defer func() { in.Close(); c.Wait() }()
	user, _ := lines.ReadString('\n')
	pids, _ := lines.ReadString('\n')

	_, err = os.Readlink("/proc/" + spec.Itoa(c.Process.Pid) + "/ns/user")
	if !os.IsPermission(err) {
		t.Errorf("the namespaces of the init are open to its user: %v", err)
	}
	joins := Command("/bin/sh", "-c", tell)
	joins.Attr = &Attr{Join: []Namespace{{PID: c.Process.Pid}}}
	if got := outputOf(t, joins); got != user+pids || !strings.HasPrefix(user, "user:") {
		t.Errorf("who joins them is in %q; want %q", got, user+pids)
	}
}

// secretFile is in the name of a file that only the launcher has open, and is
// what a page of its memory begins with.
const secretFile = "sprog-secret"

// Root in a namespace gets at nothing of the launcher's through the processes
// that join, neither its memory nor its files, however often it tries. Without
// the step that keeps it out, it does.
func TestJoinIsSafe(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	const oneStage = NamespaceKind(spec.AllKinds) &^ (MountNamespace | TimeNamespace)
	if n := spiedOn(t, oneStage, nil, max(fewer(300), 20), func(*program.Program) {}); n != 0 {
		t.Errorf("root inside got at the launcher %d times; want 0", n)
	}
	for _, init := range []*Init{nil, {}} {
		if n := spiedOn(t, 0, init, max(fewer(100), 10), func(*program.Program) {}); n != 0 {
			t.Errorf("root inside got at the launcher through the second stage %d times; want 0", n)
		}
	}
	if n := spiedOn(t, oneStage, nil, 3000, stayDumpable); n == 0 {
		t.Error("root inside did not get at the launcher though it was dumpable: the test proves nothing")
	}
}

func stayDumpable(p *program.Program) {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Call == program.Prctl && s.Args[0].Value == unix.PR_SET_DUMPABLE {
			s.Args[1] = compile.Num(1)
		}
	}
}

// spiedOn starts a program in a container many times while root there spies, or
// until that has found something. It returns what it found.
func spiedOn(t *testing.T, kinds NamespaceKind, init *Init, starts int, weaken func(*program.Program)) (found int) {
	t.Helper()
	box := newContainer(t, newKinds, []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}})
	spy := newSpy(t, box)
	met := 0
	for n := 0; n < starts || met == 0 && n < 10000; n++ {
		c := Command("/bin/true")
		c.Attr = &Attr{Join: []Namespace{{PID: box.pid, Kinds: kinds}}, Init: init}
		c.inspect = func(first, _ *program.Program) { weaken(first) }
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		denied, got := spy.asked()
		met += denied + got
		if found += got; found > 0 {
			break
		}
	}
	if met == 0 {
		t.Error("the spy never met a process on its way in")
	}
	t.Logf("%d tries, %d successful", met, found)
	return found
}

// A spy is root in a container.
type spy struct {
	in  *os.File
	out *bufio.Scanner
}

// newSpy sends a spy into a container, who is told where in this process's
// memory the secret is.
func newSpy(t *testing.T, box container) spy {
	t.Helper()
	secret, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(secret) })
	copy(secret, secretFile)
	f, err := os.CreateTemp(t.TempDir(), secretFile)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	c := helperCommand("spy", strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&secret[0]))), 16), testBinary())
	c.Path = publicBinary(t) // that is not the name of the launcher's file
	c.Attr = &Attr{Join: []Namespace{{PID: box.pid}}}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{NoSetGroups: true}}
	c.Stdin, c.Stderr = r, os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close(); c.Wait() })
	s := spy{w, bufio.NewScanner(out)}
	s.out.Scan() // that it is ready
	return s
}

// asked returns how often the spy was denied something, and how often it found
// something, since it was asked before.
func (s spy) asked() (denied, got int) {
	fmt.Fprintln(s.in)
	s.out.Scan()
	fmt.Sscan(s.out.Text(), &denied, &got)
	return denied, got
}

// spy ADDRESS PROGRAM: try all the time to get at the memory and the files of other
// processes. For each line read, print how often that was denied and how often
// it found the secret. It touches none but those that its own /proc shows.
var _ = helper("spy", func(args []string) int {
	address, _ := strconv.ParseUint(args[0], 16, 64)
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	asked := make(chan bool)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			asked <- true
		}
		close(asked)
	}()
	var p prying
	fmt.Println("ready")
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
				p.files("/proc/"+strconv.Itoa(pid), args[1])
			}
		}
	}
})

// visible are the processes that the spy sees, but itself and the first.
func visible() (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 1 && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A prying counts what was tried.
type prying struct{ denied, got int }

func (p *prying) count(text string, err error) {
	switch {
	case strings.Contains(text, secretFile):
		p.got++
	case errors.Is(err, os.ErrPermission):
		p.denied++
	}
}

// Memory tries three ways to read the secret.
func (p *prying) memory(pid int, address uintptr) {
	buf := make([]byte, len(secretFile))
	local := []unix.Iovec{{Base: &buf[0], Len: uint64(len(buf))}}
	_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: address, Len: len(buf)}}, 0)
	p.count(string(buf), err)

	clear(buf)
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/mem")
	if err == nil {
		f.ReadAt(buf, int64(address))
		f.Close()
	}
	p.count(string(buf), err)

	clear(buf)
	err = unix.PtraceSeize(pid)
	if err == nil {
		unix.PtraceInterrupt(pid)
		unix.Wait4(pid, nil, unix.WALL, nil)
		unix.PtracePeekData(pid, address, buf)
		unix.PtraceDetach(pid)
	}
	p.count(string(buf), err)
}

// files tries to find the launcher's files, its program among them.
func (p *prying) files(proc, program string) {
	files, err := os.ReadDir(proc + "/fd")
	p.count("", err)
	for _, f := range files {
		to, err := os.Readlink(proc + "/fd/" + f.Name())
		p.count(to, err)
	}
	for _, link := range []string{"/exe", "/cwd", "/root"} {
		to, err := os.Readlink(proc + link)
		if to == program {
			to = secretFile
		}
		p.count(to, err)
	}
}
