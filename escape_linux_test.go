//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
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

// A program that is a script for the interpreter /proc/self/exe is executed by
// whatever the process that starts it has executed: CVE-2019-5736. In another
// root that is not the caller's binary, which whoever prepares the program could
// open there, and write to.
func TestOwnBinaryStaysOutside(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootOfVictim(t)
	jail := newJail(t, root, unix.CLONE_NEWNS|unix.CLONE_NEWPID)
	inJail := joiningJail(jail, MountNamespace|PIDNamespace)
	for _, how := range []struct {
		name string
		into func(*Cmd)
	}{
		{"chroot", func(c *Cmd) { sys(c).Chroot = root }},
		{"chroot, another user", func(c *Cmd) {
			sys(c).Chroot, sys(c).Credential = root, &syscall.Credential{Uid: 65534, Gid: 65534}
		}},
		{"mount namespace", joiningJail(jail, MountNamespace)},
		{"mount and PID namespace", inJail},
		{"mount and PID namespace, and others", func(c *Cmd) {
			inJail(c)
			sys(c).Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS
		}},
		{"with an init", func(c *Cmd) { inJail(c); attr(c).Init = &Init{} }},
		{"program by descriptor", func(c *Cmd) {
			inJail(c)
			program := openProgram(t, root+"/bin/victim")
			attr(c).Program, c.ExtraFiles = program, []*os.File{program}
		}},
	} {
		c := &Cmd{Path: "/bin/victim"}
		how.into(c)
		out, _ := c.Output()
		told(t, how.name, string(out))
	}
	for _, how := range []string{"chroot", "mount"} {
		out, _ := helperCommand("exec-victim", how, root, strconv.Itoa(jail.pid)).Output()
		told(t, "exec into "+how, string(out))
	}
}

// told checks what a victim says of itself. It may as well not be there to say
// something.
func told(t *testing.T, what, out string) {
	t.Helper()
	if own := identityOf(testBinary()); strings.Contains(out, own) {
		t.Errorf("%s: the program is executed by the caller's binary, %s:\n%s", what, own, out)
	}
}

func identityOf(path string) string {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err.Error()
	}
	return identity(&st)
}

// /bin/victim: what the process has executed, and whether that can be written to.
var _ = helper("/bin/victim", func([]string) int {
	fmt.Println("executed is", identityOf("/proc/self/exe"))
	return 0
})

// exec-victim HOW ROOT PID: become /bin/victim in another root.
var _ = helper("exec-victim", func(args []string) int {
	c := &Cmd{Path: "/bin/victim", Stdout: os.Stdout, Stderr: os.Stderr}
	if args[0] == "chroot" {
		sys(c).Chroot = args[1]
	} else {
		pid, _ := strconv.Atoi(args[2])
		joiningJail(container{pid}, MountNamespace)(c)
	}
	fmt.Fprintln(os.Stderr, c.Exec())
	return 1
})

// rootOfVictim is a root with /bin/victim and a copy of the test's binary.
func rootOfVictim(t *testing.T) string {
	t.Helper()
	root := rootWithProc(t)
	binary, err := os.ReadFile(testBinary())
	if err == nil {
		err = os.Remove(root + "/bin/test") // which is a link
	}
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, root+"/bin/test", binary)
	writeProgram(t, root+"/bin/victim", []byte("#!/proc/self/exe\n"))
	return root
}

// The first process of a container looks at /proc/PID/exe of all that come in, with
// all rights of root's.
func TestOwnBinaryIsNotSeen(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	root := rootOfVictim(t)
	jail := helperCommand("thief", root, identityOf(testBinary()))
	jail.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	lines := startReady(t, jail)
	for _, init := range []*Init{nil, {}} {
		for range fewerEmulated(100) {
			c := &Cmd{Path: "/bin/test", Args: []string{"test", "hang", ""}, Attr: &Attr{Init: init}}
			attr(c).Join = []Namespace{{PID: jail.Process.Pid, Kinds: MountNamespace | PIDNamespace}}
			startReady(t, c)
			c.Process.Kill()
			c.Wait()
		}
	}
	jail.Process.Signal(syscall.SIGTERM)
	var met, found int
	line, err := lines.ReadString('\n')
	if _, scanErr := fmt.Sscan(line, &met, &found); err != nil || scanErr != nil {
		t.Fatalf("the first process says %q: %v", line, err)
	}
	jail.Wait()
	if met == 0 || found > 0 {
		t.Errorf("the first process has seen %d processes, and the caller's binary %d times; want some, and 0", met, found)
	}
	t.Logf("%d processes seen", met)
}

// thief ROOT BINARY: be in a jail, and look all the time whether a process has
// executed BINARY, until SIGTERM. Print how many processes were seen.
var _ = helper("thief", func(args []string) int {
	if err := enterJail(args[0], func() error { return unix.Mount("proc", args[0]+"/proc", "proc", 0, "") }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	fmt.Println("ready")
	seen, found := map[int]bool{}, 0
	for len(ended) == 0 {
		for _, pid := range visible() {
			exe := "/proc/" + strconv.Itoa(pid) + "/exe"
			if is := identityOf(exe); is == args[1] {
				found++
			} else if strings.Contains(is, ":") {
				seen[pid] = true
			}
			if f, err := os.OpenFile(exe, os.O_WRONLY, 0); err == nil {
				var st unix.Stat_t
				if unix.Fstat(int(f.Fd()), &st) == nil && identity(&st) == args[1] {
					found++
				}
				f.Close()
			}
		}
	}
	fmt.Println(len(seen), found)
	return 0
})

// where: print the working directory, and what is in it and in the root.
var _ = helper("where", func([]string) int {
	wd, err := syscall.Getwd()
	fmt.Println(wd, err)
	for _, dir := range []string{".", "/"} {
		list, err := os.ReadDir(dir)
		if err != nil {
			fmt.Print(err)
		}
		for _, e := range list {
			fmt.Print(e.Name(), " ")
		}
		fmt.Println()
	}
	return 0
})

// newRoot makes a directory with the test binary as /bin/test in it, and with
// the libraries that it needs when it is built with -race, and /sub/marker.
func newRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{testBinary(): "/bin/test"}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if f := strings.Fields(line); len(f) > 5 && strings.Contains(f[5], ".so") {
			files[f[5]] = f[5]
		}
	}
	if interp := interpreterOf(t, testBinary()); interp != "" {
		files[interp] = interp
	}
	for from, to := range files {
		copyFile(t, from, dir+to)
	}
	if err := os.MkdirAll(dir+"/sub/marker", 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func interpreterOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return pathwalk.ELFInterpreter(f)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		t.Fatal(err)
	}
	if os.Link(from, to) == nil {
		return
	}
	src, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err == nil {
		_, err = io.Copy(dst, src)
	}
	if err == nil {
		err = dst.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inRoot is a command that runs in a root, by someone who may do that.
func inRoot(t *testing.T, root, dir, prog string, args ...string) *Cmd {
	t.Helper()
	c := &Cmd{Path: prog, Args: append([]string{"test"}, args...), Dir: dir}
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if c.SysProcAttr.Cloneflags = privileged(t, 0); c.SysProcAttr.Cloneflags != 0 {
		c.SysProcAttr.UidMappings = oneID(0, os.Geteuid())
	}
	return c
}

func TestChroot(t *testing.T) {
	root := newRoot(t)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var top string
	for _, e := range entries {
		top += e.Name() + " "
	}
	for _, test := range []struct{ dir, wd, here string }{
		{"", "/", top}, // os/exec leaves the working directory outside
		{"/", "/", top},
		{"sub", "/sub", "marker "},
		{"/sub/../..", "/", top},
	} {
		want := test.wd + " <nil>\n" + test.here + "\n" + top + "\n"
		if got := outputOf(t, inRoot(t, root, test.dir, "/bin/test", "where")); got != want {
			t.Errorf("Dir %q: got\n%swant\n%s", test.dir, got, want)
		}
	}
}

// Without Dir the program must not be left where it can reach the rest of the
// host's files.
func TestChrootWithoutDirEndsInside(t *testing.T) {
	root, outside := newRoot(t), t.TempDir()
	if err := os.Mkdir(outside+"/secret", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(outside)
	better(t, func(of func(*Cmd) runner) error {
		var out strings.Builder
		c := inRoot(t, root, "", "/bin/test", "where")
		c.Stdout = &out
		if err := of(c).Run(); err != nil {
			return err
		}
		if strings.Contains(out.String(), "secret") {
			return fmt.Errorf("the program sees\n%s", out.String())
		}
		return nil
	})
}

// A relative Chroot is relative to the parent's directory, and a relative
// program to the new root.
func TestChrootRelative(t *testing.T) {
	root := newRoot(t)
	t.Chdir(filepath.Dir(root))
	got := outputOf(t, inRoot(t, filepath.Base(root), "", "bin/test", "where"))
	if !strings.HasPrefix(got, "/ <nil>\n") {
		t.Errorf("working directory: %s; want /", got)
	}
}

// The credentials are those of the program, the root is changed before.
func TestChrootAsAnotherUser(t *testing.T) {
	requires(t, asRoot)
	c := inRoot(t, newRoot(t), "", "/bin/test", "where")
	c.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	if got := outputOf(t, c); !strings.HasPrefix(got, "/ <nil>\n") {
		t.Errorf("working directory: %s; want /", got)
	}
}

func TestChrootWithoutPrivilege(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may do that")
	}
	c := Command("/bin/true")
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: "/"}
	err := c.Run()
	if want := "sprog: start /bin/true: chroot / (SysProcAttr.Chroot): operation not permitted" +
		" (it takes CAP_SYS_CHROOT, which an ordinary user has in a new user namespace: CLONE_NEWUSER in SysProcAttr.Cloneflags)"; !errors.Is(err, syscall.EPERM) || err.Error() != want {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}
