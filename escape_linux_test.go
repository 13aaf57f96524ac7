//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// An earlier program has left links in its root, to what a later start may have
// open while it follows a path there: CVE-2024-21626. Whatever else is asked
// for, the program begins inside of the root and gets no file of the host's, or
// the start fails.
func TestNoWayOut(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootWithProc(t)
	rootOfJail = root
	for range 10 {
		openProgram(t, "/") // which a child must not get
	}
	jail := newJail(t, root, unix.CLONE_NEWNS)
	for _, how := range []struct {
		name string
		lack kernel.Missing
		into func(*Cmd)
	}{
		{"chroot", 0, func(c *Cmd) { sys(c).Chroot = root }},
		{"chroot, without close_range", kernel.NoCloseRange, func(c *Cmd) { sys(c).Chroot = root }},
		{"chroot, another user", 0, func(c *Cmd) {
			sys(c).Chroot, sys(c).Credential = root, &syscall.Credential{Uid: 65534, Gid: 65534}
		}},
		{"mount namespace", 0, joiningJail(jail, MountNamespace)},
		{"mount and PID namespace", 0, joiningJail(newJail(t, root, unix.CLONE_NEWNS|unix.CLONE_NEWPID), MountNamespace|PIDNamespace)},
		{"mount namespace and chroot", 0, func(c *Cmd) {
			joiningJail(jail, MountNamespace)(c)
			sys(c).Chroot, attr(c).Program = "/way/", openProgram(t, root+"/bin/test")
		}},
	} {
		t.Run(how.name, func(t *testing.T) {
			lacked := kernel.Known.Lacks.Load()
			defer kernel.Known.Lacks.Store(lacked)
			kernel.Known.Learn(how.lack)
			for _, asked := range drawn(t, needingMuch) {
				t.Run(asked.name, func(t *testing.T) {
					requires(t, asked.needs...)
					escapes(t, root, func(t *testing.T, c *Cmd) {
						how.into(c)
						asked.prepare(t, c)
					})
				})
			}
		})
	}
}

// rootOfJail is the root that the programs of the test are to have.
var rootOfJail string

// needingMuch are attributes that take something of the host's into the child.
var needingMuch = []startCase{
	{"nothing", nil, func(*testing.T, *Cmd) {}},
	{"OOM score", nil, func(_ *testing.T, c *Cmd) { attr(c).OOMScoreAdj = new(500) }},
	{"ids of namespaces", nil, func(_ *testing.T, c *Cmd) { attr(c).ReportNamespaces = UTSNamespace | MountNamespace }},
	{"init", nil, func(_ *testing.T, c *Cmd) { attr(c).Init = &Init{} }},
	{"kernel parameter", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWNET
		attr(c).Sysctls = []Sysctl{{"net.ipv4.ip_default_ttl", "77"}}
	}},
	{"time offsets", []*requirement{enteringTime}, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWTIME
		attr(c).TimeOffsets = &TimeOffsets{}
	}},
	{"landlock", []*requirement{landlockABI(3)}, func(t *testing.T, c *Cmd) {
		attr(c).NoNewPrivs = true
		attr(c).Landlock = &Landlock{ABI: 3, Files: &LandlockFiles{Rules: []LandlockPath{{File: openProgram(t, rootOfJail), Rights: LandlockRead | LandlockExecute}}}}
	}},
	{"cgroup", []*requirement{cgroup2}, func(t *testing.T, c *Cmd) { sys(c).UseCgroupFD, sys(c).CgroupFD = true, int(newCgroup(t).Fd()) }},
	{"v1 cgroup", []*requirement{cgroupV1("freezer")}, func(t *testing.T, c *Cmd) { attr(c).CgroupV1 = []string{testCgroupV1(t, "freezer")} }},
	{"program by descriptor", nil, func(t *testing.T, c *Cmd) { attr(c).Program = openProgram(t, testBinary()) }},
	{"user namespace", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings, sys(c).Credential = oneID(0, 0), oneID(0, 0), nil
	}},
	{"no user namespaces", nil, func(_ *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWUSER
		sys(c).UidMappings, sys(c).GidMappings, sys(c).Credential = oneID(0, 0), oneID(0, 0), nil
		attr(c).ForbidUserNamespaces = true
	}},
	{"much", []*requirement{enteringTime}, func(t *testing.T, c *Cmd) {
		sys(c).Unshareflags |= unix.CLONE_NEWTIME | unix.CLONE_NEWNET
		attr(c).Init, attr(c).OOMScoreAdj, attr(c).ReportNamespaces = &Init{}, new(500), NamespaceKind(spec.AllKinds)
		attr(c).Sysctls = []Sysctl{{"net.ipv4.ip_default_ttl", "77"}}
		attr(c).TimeOffsets = &TimeOffsets{}
		attr(c).Files = append(attr(c).Files, File{FD: 30, File: openProgram(t, "/dev/null")})
	}},
}

// escapes starts a program in a root with each link that may lead out of it, as
// its working directory and as a file.
func escapes(t *testing.T, root string, prepare func(*testing.T, *Cmd)) {
	t.Helper()
	eachLink(t, root, func(asFile bool) (string, error) {
		c := followingWay(root, asFile)
		prepare(t, c)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, os.Stderr
		err := c.Run()
		return out.String(), err
	})
}

// eachLink makes the links, one after the other.
func eachLink(t *testing.T, root string, start func(asFile bool) (string, error)) {
	t.Helper()
	files := []string{"fd/3/.."}
	for fd := 3; fd <= 20; fd++ {
		files = append(files, "fd/"+strconv.Itoa(fd))
	}
	links := append([]string{"cwd", "root"}, drawn(t, files)...)
	started := 0
	for _, link := range links {
		way := root + "/way"
		os.Remove(way)
		if err := os.Symlink("/proc/self/"+link, way); err != nil {
			t.Fatal(err)
		}
		for _, asFile := range []bool{false, true} {
			out, err := start(asFile)
			if err != nil {
				continue
			}
			started++
			if out != "inside\n" {
				t.Errorf("a link to /proc/self/%s, as file %v: the program says %q; want inside", link, asFile, out)
			}
		}
	}
	if started == 0 {
		t.Error("no start has succeeded: the test proves nothing")
	}
}

// followingWay is a command that follows the link.
func followingWay(root string, asFile bool) *Cmd {
	var st unix.Stat_t
	unix.Stat(root, &st)
	c := &Cmd{Path: "/bin/test", Args: []string{"test", "inside", identity(&st)}}
	if asFile {
		attr(c).Files = []File{{FD: 40, Path: "/way", Flags: unix.O_NONBLOCK}}
	} else {
		c.Dir = "/way"
	}
	return c
}

// The same for a process that becomes the program, with the directory of a
// cgroup.
func TestNoWayOutOfExec(t *testing.T) {
	requires(t, asRoot, cgroup2)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootWithProc(t)
	for _, image := range []string{"by its thread", "by an image"} {
		t.Run(image, func(t *testing.T) {
			eachLink(t, root, func(asFile bool) (string, error) {
				c := helperCommand("exec-way", root, strconv.FormatBool(asFile), image)
				c.ExtraFiles = []*os.File{newCgroup(t)}
				c.Stderr = os.Stderr
				out, err := c.Output()
				return string(out), err
			})
		})
	}
}

// exec-way ROOT ASFILE HOW: become a program in ROOT, in the cgroup of descriptor 3.
var _ = helper("exec-way", func(args []string) int {
	c := followingWay(args[0], args[1] == "true")
	c.Stdout = os.Stdout
	sys(c).Chroot = args[0]
	sys(c).UseCgroupFD, sys(c).CgroupFD = true, 3
	if attr(c).OOMScoreAdj = new(500); args[2] == "by an image" {
		attr(c).THPDisable = THPDisableCompletely
	}
	c.Exec()
	return 1
})

// inside ROOT: say whether the root is the directory ROOT, by device and number,
// the working directory and descriptor 40 are below it, and that is no file of a cgroup.
var _ = helper("inside", func(args []string) int {
	var st unix.Stat_t
	var fs unix.Statfs_t
	switch err := unix.Stat("/", &st); {
	case unix.Fstatfs(40, &fs) == nil && (fs.Type == unix.CGROUP_SUPER_MAGIC || fs.Type == unix.CGROUP2_SUPER_MAGIC):
		fmt.Println("the file is one of a cgroup")
	case err != nil || identity(&st) != args[0]:
		fmt.Println("the root is", identity(&st), err)
	case isOfStart(40):
		fmt.Println("the file is one of the start's own")
	case topOf(unix.AT_FDCWD) != args[0]:
		fmt.Println("the working directory is below", topOf(unix.AT_FDCWD))
	case unix.Fstat(40, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR && topOf(40) != args[0]:
		fmt.Println("the file is below", topOf(40))
	default:
		fmt.Println("inside")
	}
	return 0
})

// isOfStart reports whether a descriptor is of a pipe that is not the program's standard
// output, or of a file without a name. Root opens those all the same.
func isOfStart(fd int) bool {
	var st, out unix.Stat_t
	if os.Getuid() == 0 || unix.Fstat(fd, &st) != nil || unix.Fstat(1, &out) != nil || st.Ino == out.Ino {
		return false
	}
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFIFO || kind == unix.S_IFREG && st.Nlink == 0
}

func identity(st *unix.Stat_t) string { return fmt.Sprint(st.Dev, ":", st.Ino) }

// topOf is the directory that ".." leads to in the end.
func topOf(fd int) (top string) {
	for path := "."; ; path = ".." {
		var st unix.Stat_t
		next, err := unix.Openat(fd, path, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err == nil {
			err = unix.Fstat(next, &st)
		}
		if err != nil {
			return err.Error()
		}
		if path == ".." && identity(&st) == top {
			return top
		}
		fd, top = next, identity(&st)
	}
}

// rootWithProc is a root with the test's binary and a proc file system in it.
func rootWithProc(t *testing.T) string {
	t.Helper()
	root := newRoot(t)
	if err := os.MkdirAll(root+"/proc", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", root+"/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(root+"/proc", unix.MNT_DETACH) })
	return root
}

// newJail is a process in namespaces of its own, the root of whose mount
// namespace is root. Its /proc may be a fake.
func newJail(t *testing.T, root string, flags uintptr, fake ...string) container {
	t.Helper()
	c := helperCommand("jail", append([]string{root}, fake...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	startReady(t, c)
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	return container{c.Process.Pid}
}

func joiningJail(box container, kinds NamespaceKind) func(*Cmd) {
	return func(c *Cmd) { attr(c).Join = []Namespace{{PID: box.pid, Kinds: kinds}} }
}

// jail ROOT [fake]: be in a jail and wait.
var _ = helper("jail", func(args []string) int {
	mountProc := func() error { return unix.Mount("proc", args[0]+"/proc", "proc", 0, "") }
	if len(args) > 1 {
		mountProc = func() error { return fakeProc(args[0] + "/proc") }
	}
	if err := enterJail(args[0], mountProc); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println("ready")
	return stay()
})

// enterJail makes a directory the root of this process's mount namespace, with a /proc.
func enterJail(root string, mountProc func() error) error {
	for _, do := range []func() error{
		func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") },
		func() error { return unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, "") },
		mountProc,
		func() error { return unix.Chdir(root) },
		func() error { return unix.PivotRoot(".", ".") },
		func() error { return unix.Unmount(".", unix.MNT_DETACH) },
		func() error { return unix.Chdir("/") },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}
