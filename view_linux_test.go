//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pty"
	"github.com/sprog-dev/sprog/internal/slowfile"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// mountedOver are the mounts below a directory, as this process sees them.
func mountedOver(dir string) (list []string) {
	for _, m := range mountsIn(contentsOf("/proc/self/mountinfo")) {
		if strings.HasPrefix(m.at, dir+"/") {
			list = append(list, m.at)
		}
	}
	return list
}

// A seenMount is a line of mountinfo.
type seenMount struct {
	at, root, kind string
	flags          []string
	spread         string // of its propagation
}

func mountsIn(text string) (list []seenMount) {
	for line := range strings.Lines(text) {
		before, after, _ := strings.Cut(line, " - ")
		f := strings.Fields(before)
		if len(f) < 6 {
			continue
		}
		list = append(list, seenMount{f[4], f[3], strings.Fields(after)[0], strings.Split(f[5], ","), strings.Join(f[6:], " ")})
	}
	return list
}

// mountsOf are the mounts that a program with the view sees.
func mountsOf(t *testing.T, prepare func(*Cmd)) map[string]seenMount {
	t.Helper()
	all := map[string]seenMount{}
	for _, m := range mountsIn(seen(t, prepare, "cat /proc/self/mountinfo")) {
		all[m.at] = m
	}
	return all
}

// seen is what a shell script in a view prints, errors included.
func seen(t *testing.T, prepare func(*Cmd), script string) string {
	t.Helper()
	out, err := scriptIn(t, prepare, script).CombinedOutput()
	if err != nil && !errors.As(err, new(*ExitError)) {
		t.Fatal(err)
	}
	return string(out)
}

// scriptIn is a shell script in a view, by whoever runs the test.
func scriptIn(t *testing.T, prepare func(*Cmd), script string) *Cmd {
	t.Helper()
	c := Command("/bin/sh", "-c", script)
	prepare(c)
	if c.Dir == "/" {
		c.Dir = ""
	}
	if c.SysProcAttr.Cloneflags&syscall.CLONE_NEWUSER != 0 {
		requires(t, userNamespaces)
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = uidToRoot, gidToRoot
	} else {
		requires(t, asRoot)
	}
	return c
}

// withHost is an empty root with the system's programs.
func withHost(mounts ...Mount) func(*Cmd) {
	return viewed(&Root{Empty: true}, append(append(fromHost(), Mount{Target: "/proc", Proc: &Proc{}}), mounts...)...)
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q; want %q", what, got, want)
	}
}

// An empty root has what was put there and nothing else.
func TestViewOfNothing(t *testing.T) {
	requires(t, userNamespaces, freshProc)
	got := seen(t, withHost(), "ls / /etc; pwd; cat /etc/passwd")
	for _, have := range []string{"bin", "usr", "proc", "cat: /etc/passwd: No such file or directory"} {
		if !strings.Contains(got, have) {
			t.Errorf("the program sees\n%s; want %s in it", got, have)
		}
	}
	for _, not := range []string{"home", "tmp", "root", "sys"} {
		if slices.Contains(strings.Split(got, "\n"), not) {
			t.Errorf("the program sees /%s:\n%s", not, got)
		}
	}
	for at, m := range mountsOf(t, withHost()) {
		if m.spread != "" {
			t.Errorf("%s is %q; want it private", at, m.spread)
		}
	}
}

// A read-only host cannot be written to, but for the holes.
func TestViewOfReadOnlyHost(t *testing.T) {
	requires(t, mountSetattr)
	dir, other := t.TempDir(), t.TempDir()
	got := seen(t, viewed(&Root{Host: true, Flags: MountReadOnly | MountNoSUID}, Mount{Bind: dir}, Mount{Target: "/tmp/..nothing", Mask: true}),
		fmt.Sprintf("echo a >%s/a; echo b >%s/b; ls %[1]s %[2]s", dir, other))
	if want := fmt.Sprintf("/bin/sh: 1: cannot create %s/b: Read-only file system\n%s:\na\n\n%s:\n", other, dir, other); got != want {
		t.Errorf("got %q; want %q", got, want)
	}
	wantText(t, "outside", contentsOf(dir+"/a"), "a\n")
	for at, m := range mountsOf(t, viewed(&Root{Host: true, Flags: MountReadOnly | MountNoSUID}, Mount{Bind: dir})) {
		if ro := slices.Contains(m.flags, "ro") && slices.Contains(m.flags, "nosuid"); ro == (at == dir) {
			t.Errorf("%s has %q", at, m.flags)
		}
	}
}

// Sources are the caller's, whatever earlier mounts put at their place, and the order of mounts
// is that of placing.
func TestViewTakesBeforeItPlaces(t *testing.T) {
	requires(t, freshProc)
	dir := t.TempDir()
	must(os.WriteFile(dir+"/file", []byte("file"), 0o644))
	got := seen(t, viewed(nil, Mount{Target: dir, Tmpfs: &Tmpfs{}}, Mount{Target: dir + "/back", Bind: dir}, Mount{Target: "/proc", Proc: &Proc{}}),
		fmt.Sprintf("ls %s; cat %[1]s/back/file; ls -d /proc/[0-9]* | head -1; pwd", dir))
	here, _ := os.Getwd()
	wantText(t, "the view", got, "back\nfile/proc/1\n"+here+"\n")
}

// Nothing of a view reaches the caller's file systems without Create.
func TestViewLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	for name, mounts := range map[string][]Mount{
		"bind":     {{Bind: dir}, {Target: dir + "/new", Tmpfs: &Tmpfs{}}},
		"data":     {{Target: dir + "/new", Data: []byte("x")}},
		"file":     {{Target: dir + "/new", Bind: "/etc/passwd"}},
		"symlink":  {{Target: dir + "/new", Symlink: "x"}},
		"overlay":  {{Target: dir + "/new", Overlay: &Overlay{Lower: []string{"/no/such"}, Private: true}, Optional: true}, {Target: dir + "/new/x", Tmpfs: &Tmpfs{}}},
		"by links": {{Target: dir + "/link/new", Dir: true}},
	} {
		c := scriptIn(t, viewed(nil, mounts...), "true")
		err := c.Run()
		if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.EOPNOTSUPP) {
			t.Errorf("%s: Run() = %v; want ENOENT", name, err)
		}
		if list, _ := os.ReadDir(dir); len(list) != 0 {
			t.Errorf("%s: the start has left %v", name, list)
		}
	}
	// A link in an empty root that leads into a bind does not get something made there, either.
	c := scriptIn(t, viewed(&Root{Empty: true}, append(fromHost(), Mount{Target: "/d", Bind: dir}, Mount{Target: "/l", Symlink: "d"}, Mount{Target: "/l/new", Tmpfs: &Tmpfs{}})...), "true")
	if err := c.Run(); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("Run() = %v; want ENOENT", err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("the start has left %v", list)
	}
	seen(t, viewed(nil, Mount{Target: dir + "/a/b", Tmpfs: &Tmpfs{}, Create: true}, Mount{Target: dir + "/a/f", Bind: "/etc/passwd", Create: true}), "true")
	link := Mount{Target: dir + "/l", Symlink: "there"}
	if err := scriptIn(t, viewed(nil, link), "true").Run(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "unless Create") {
		t.Errorf("Run() = %v; want ENOENT and what Create does", err)
	}
	must(os.Symlink("there", dir+"/l"))
	seen(t, viewed(nil, link), "true") // the same one may be there
	for _, other := range []Mount{{Target: dir + "/l", Symlink: "other"}, {Target: dir + "/a", Symlink: "there"}} {
		for _, other.Create = range []bool{false, true} {
			if err := scriptIn(t, viewed(nil, other), "true").Run(); !errors.Is(err, syscall.EEXIST) || !strings.Contains(err.Error(), "something else is there") {
				t.Errorf("a link where something else is: Run() = %v; want EEXIST", err)
			}
		}
	}
	for path, mode := range map[string]os.FileMode{"a": os.ModeDir | 0o755, "a/b": os.ModeDir | 0o755, "a/f": 0o444} {
		if st, err := os.Stat(filepath.Join(dir, path)); err != nil || st.Mode() != mode {
			t.Errorf("with Create, %s is %v, %v; want %v", path, st, err, mode)
		}
	}
}

// What does not exist is left out where that is allowed, and told of.
func TestViewLeavesOut(t *testing.T) {
	requires(t, mountSetattr)
	for _, init := range []*Init{nil, {}} {
		c := scriptIn(t, withHost(Mount{Bind: "/no/such", Optional: true}, Mount{Target: "/here", Bind: "/etc", Optional: true},
			Mount{Target: "/x", Overlay: &Overlay{Lower: []string{"/no", "/such"}}, Optional: true}, Mount{Target: "/none", Flags: MountReadOnly, Optional: true},
			Mount{Target: "/no/such/below", Dir: true}), "ls -d /no/such /here/passwd /x /no/such/below; true")
		requires(t, freshProc)
		c.Attr.Init = init
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		first := len(fromHost()) + 1
		var optional []int
		for i, m := range fromHost() {
			if m.Optional && !exists(m.Bind) {
				optional = append(optional, i)
			}
		}
		if want := append(optional, first, first+2, first+3); c.Birth.View == nil || !slices.Equal(c.Birth.View.LeftOut, want) {
			t.Errorf("Birth.View = %+v; want %v left out", c.Birth.View, want)
		}
		if want := "/here/passwd\n/no/such\n/no/such/below\n"; !strings.HasSuffix(string(out), want) {
			t.Errorf("the program sees\n%s; want %s", out, want)
		}
	}
	c := scriptIn(t, viewed(nil, Mount{Target: "/tmp", Bind: "/no/such"}), "true")
	if err := c.Run(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "open_tree /no/such (Attr.Mounts[0])") {
		t.Errorf("Run() = %v; want ENOENT of /no/such", err)
	}
}

// Each kind of source is what it says.
func TestViewSources(t *testing.T) {
	requires(t, mountSetattr)
	requires(t, userNamespaces, freshProc, userOverlays)
	dir, mode := t.TempDir(), uint32(0o640)
	must(os.Mkdir(dir+"/sub", 0o755))
	must(os.WriteFile(dir+"/low", []byte("low"), 0o644))
	view := withHost(
		Mount{Target: "/dev", Dev: &Dev{}}, Mount{Target: "/data", Data: []byte("content\n"), Mode: &mode}, Mount{Target: "/empty", Data: []byte{}},
		Mount{Target: "/over", Overlay: &Overlay{Lower: []string{dir}, Private: true}}, Mount{Target: "/small", Tmpfs: &Tmpfs{Size: 4096, Mode: &mode}},
		Mount{Target: "/mq", Kernel: KernelMqueue}, Mount{Target: "/masked", Bind: dir}, Mount{Target: "/masked/sub", Mask: true}, Mount{Target: "/masked/low", Mask: true},
		Mount{Target: "/deep/er", Symlink: "../data"}, Mount{Target: "/ro", Bind: dir, Flags: MountReadOnly}, Mount{Target: "/not/there", Mask: true})
	for script, want := range map[string]string{
		"cat /data /deep/er; stat -c %a /data /empty; cat /empty":                               "content\ncontent\n640\n600\n",
		"echo up >/over/low; echo new >/over/new; cat /over/low /over/new":                      "up\nnew\n",
		"stat -c %a /small; head -c 8192 /dev/zero >/small/f 2>&-; stat -c %s /small/f":         "640\n4096\n",
		"stat -fc %T /mq /small /over /proc":                                                    "mqueue\ntmpfs\noverlayfs\nproc\n",
		"cat /masked/low; ls /masked/sub; echo x >/masked/sub/y; stat -c %t:%T /masked/low":     "/bin/sh: 1: cannot create /masked/sub/y: Read-only file system\n1:3\n",
		"echo x >/ro/y; cat /ro/low":                                                            "/bin/sh: 1: cannot create /ro/y: Read-only file system\nlow",
		"echo x >/dev/null; head -c 3 /dev/zero | wc -c; readlink /dev/fd; stat -c %a /dev/shm": "3\n/proc/self/fd\n1777\n",
		"ls /dev": "core\nfd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n",
		"test -c /dev/ptmx && echo a terminal; ls /dev/pts": "a terminal\nptmx\n",
		"ls -d /proc/[0-9]* | head -1; cat /proc/1/comm":    "/proc/1\nsh\n",
	} {
		wantText(t, script, seen(t, view, script), want)
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 || contentsOf(dir+"/low") != "low" {
		t.Errorf("the private overlay has changed %v", list)
	}
}

// A program that may write to a file with given content gets little memory by it.
func TestViewDataIsLimited(t *testing.T) {
	requires(t, mountSetattr)
	dir, long := t.TempDir(), make([]byte, 3<<20)
	got := seen(t, viewed(nil, Mount{Target: dir, Tmpfs: &Tmpfs{}}, Mount{Target: dir + "/long", Data: long}, Mount{Target: dir + "/f", Data: []byte("content\n")}, Mount{Target: dir, Flags: MountNoExec}),
		fmt.Sprintf("cd %s; stat -c %%s long; head -c 1000 /dev/zero >>f; stat -c %%s f; head -c 9999999 /dev/zero >>f 2>&-; test $(stat -c %%s f) -lt 2000000 || echo long", dir))
	wantText(t, "files", got, "3145728\n1008\n")
}

// The directories of overlays may have any names, as long as paths can be.
func TestViewOverlaysOfAnyName(t *testing.T) {
	requires(t, userNamespaces, userOverlays)
	long, comma, odd := strings.Repeat("long/", 60)+"end", "a,b", "\xff"
	if linux(6, 8).works() != nil {
		long = "short" // fsconfig(2) took no more than 256 bytes at a time
		odd = "odd"    // 6.1 does not find an upper directory with this byte in its path
	}
	if linux(6, 8).works() != nil && linux(5, 12).works() == nil {
		comma = "a" // which fsconfig(2) did not take
	}
	at, bound := t.TempDir(), t.TempDir()
	for _, name := range []string{long, `a\b`, `a\:b`, comma, "a:b", "a\nb", "a=b", " ", odd} {
		dir := filepath.Join(t.TempDir(), name)
		for _, sub := range []string{"lower", "upper", "work"} {
			must(os.MkdirAll(dir+"/"+sub, 0o755))
		}
		must(os.WriteFile(dir+"/lower/file", []byte("below"), 0o644))
		private := Mount{Target: at, Overlay: &Overlay{Lower: []string{dir + "/lower"}, Private: true}}
		wantText(t, name, seen(t, viewed(nil, private), "cat "+at+"/file; echo x >"+at+"/new"), "below")
		kept := Mount{Target: at, Overlay: &Overlay{Lower: []string{dir + "/lower"}, Upper: dir + "/upper", Work: dir + "/work"}}
		c := scriptIn(t, viewed(nil, kept, Mount{Target: bound, Bind: "lower"}), "cat "+at+"/file "+bound+"/file; echo new >"+at+"/new")
		t.Chdir(dir) // relative sources still begin there
		wantText(t, name, outputOf(t, c), "belowbelow")
		wantText(t, name, contentsOf(dir+"/upper/new"), "new\n")
		if exists(dir + "/lower/new") {
			t.Errorf("%q: the program has written to the layer below", name)
		}
	}
}

// A File is the very file that was opened, whatever is at its path by then.
func TestViewOfFiles(t *testing.T) {
	dir := t.TempDir()
	must(os.WriteFile(dir+"/file", []byte("this one"), 0o644))
	must(os.Mkdir(dir+"/tree", 0o755))
	must(os.WriteFile(dir+"/tree/in", []byte("within"), 0o644))
	file, err := os.Open(dir + "/file")
	must(err)
	defer file.Close()
	tree, err := os.Open(dir + "/tree")
	must(err)
	defer tree.Close()
	view := func(c *Cmd) {
		viewed(&Root{Empty: true}, append(fromHost(), Mount{Target: "/f", File: file, Flags: MountReadOnly}, Mount{Target: "/t", File: tree})...)(c)
	}
	for _, may := range []bool{false, os.Geteuid() == 0} {
		clonesTreesAs(t, may)
		wantText(t, "files", seen(t, view, "cat /f /t/in; echo x >/f"), "this onewithin/bin/sh: 1: cannot create /f: Read-only file system\n")
	}
	must(os.Rename(dir+"/file", dir+"/old"))
	must(os.WriteFile(dir+"/file", []byte("another"), 0o644))
	for _, may := range []bool{false, os.Geteuid() == 0} { // the kernel follows the name
		clonesTreesAs(t, may)
		wantText(t, "a file that was renamed", seen(t, view, "cat /f"), "this one")
	}
}

// Every kind of root is the one that was asked for.
func TestViewRoots(t *testing.T) {
	requires(t, userNamespaces)
	root := newRoot(t)
	dir, err := os.Open(root)
	must(err)
	defer dir.Close()
	empty := t.TempDir()
	for name, r := range map[string]*Root{"Dir": {Dir: root}, "File": {File: dir}, "Overlay": {Overlay: &Overlay{Lower: []string{root, empty}}}} {
		wantRoot(t, name, r)
	}
	if list, err := os.ReadDir(root + "/sub"); err != nil || len(list) != 1 {
		t.Errorf("the root has %v, %v", list, err)
	}
}

// wantRoot has a program look around in a root that newRoot has made, if the kernel has such a one.
func wantRoot(t *testing.T, name string, r *Root) {
	t.Helper()
	if r.Overlay != nil && userOverlays.works() != nil {
		return
	}
	c := scriptIn(t, viewed(r), "")
	c.Path, c.Args, c.Dir = "/bin/test", []string{"test", "where"}, "/sub"
	out, err := c.Output() // on its standard error the race detector complains
	if err != nil || !strings.HasPrefix(string(out), "/sub <nil>\nmarker \n") || strings.Contains(string(out), "home") {
		t.Errorf("%s: the program sees %q, %v", name, out, err)
	}
}

// A start that succeeds or fails leaves nothing mounted for this process.
func TestViewIsNotOutside(t *testing.T) {
	before := contentsOf("/proc/self/mountinfo")
	dir := t.TempDir()
	for _, m := range []Mount{{Target: dir, Tmpfs: &Tmpfs{}}, {Target: "/no/such", Tmpfs: &Tmpfs{}}, {Target: dir, Data: []byte("x")}} {
		for _, prepare := range []func(*Cmd){viewed(nil, m), viewedByRoot(nil, m), viewedByRoot(&Root{Empty: true}, append(fromHost(), m)...)} {
			c := Command("/bin/true")
			prepare(c)
			c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = nil, nil
			if c.SysProcAttr.Cloneflags&syscall.CLONE_NEWUSER != 0 {
				c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = uidToRoot, gidToRoot
			}
			c.Run()
		}
	}
	wantText(t, "mounts", contentsOf("/proc/self/mountinfo"), before)
}

// Whatever a view is made of, its program has the descriptors that it was given, and no others.
func TestViewHoldsNoFiles(t *testing.T) {
	requires(t, userNamespaces, freshProc, userOverlays)
	leakFiles(t, 20)
	dir := t.TempDir()
	opened, err := os.Open(dir)
	must(err)
	defer opened.Close()
	var mounts []Mount
	for i := range 30 {
		mounts = append(mounts, Mount{Target: fmt.Sprint("/binds/", i), Bind: dir})
	}
	mounts = append(mounts, Mount{Target: "/file", File: opened}, Mount{Target: "/data", Data: []byte("x")}, Mount{Target: "/binds/1", Mask: true},
		Mount{Target: "/overlay", Overlay: &Overlay{Lower: []string{"/usr", "/etc"}, Private: true}}, Mount{Target: "/proc", Proc: &Proc{}},
		Mount{Target: "/dev", Dev: &Dev{}}, Mount{Target: "/none", Bind: "/no/such", Optional: true}, Mount{Target: "/binds/2", Flags: MountReadOnly})
	for _, init := range []*Init{nil, {}} {
		for name, view := range map[string]func(*Cmd){"user": withHost(mounts...), "root": nil} {
			if name == "root" && os.Getuid() != 0 {
				continue
			}
			c := scriptIn(t, withHost(mounts...), "exec ls /proc/self/fd")
			if view == nil {
				c.SysProcAttr.Cloneflags &^= unix.CLONE_NEWUSER
				c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = nil, nil
			}
			c.Attr.Init = init
			wantText(t, name, outputOf(t, c), "0\n1\n2\n3\n") // and that of the directory
		}
	}
}

// Where the kernel refuses a new /proc, there is what was asked for in its place, and it is told.
func TestViewOfRefusedProc(t *testing.T) {
	requires(t, mountSetattr)
	requires(t, asRoot, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	must(unix.Mount("/dev/null", "/proc/version", "", unix.MS_BIND, ""))
	for _, init := range []*Init{nil, {}} {
		for fallback, want := range map[ProcFallback]string{ProcOfCaller: "0 bytes of version\nread-only\n", ProcEmpty: "nothing\n"} {
			c := scriptIn(t, viewed(nil, Mount{Target: "/proc", Proc: &Proc{Fallback: fallback}}),
				"if test -e /proc/version; then echo $(wc -c </proc/version) bytes of version; else echo nothing; exit; fi; (echo 0 >/proc/self/oom_score_adj) 2>&- || echo read-only")
			c.Attr.Init = init
			wantText(t, fmt.Sprint("fallback ", fallback), outputOf(t, c), want)
			if c.Birth.View == nil || !slices.Equal(c.Birth.View.Fallbacks, []int{0}) {
				t.Errorf("Birth.View = %+v; want the fallback told", c.Birth.View)
			}
		}
	}
	must(unix.Unmount("/proc/version", 0))
	c := scriptIn(t, viewed(nil, Mount{Target: "/proc", Proc: &Proc{Fallback: ProcEmpty}}), "test -e /proc/version")
	outputOf(t, c)
	if c.Birth.View == nil || c.Birth.View.Fallbacks != nil {
		t.Errorf("Birth.View = %+v; want no fallback where none was needed", c.Birth.View)
	}
}

// What of /proc root could change the machine by is read-only, unless it is asked for.
func TestViewOfProcIsProtected(t *testing.T) {
	requires(t, asRoot)
	of := func(p *Proc) func(*Cmd) { return viewedByRoot(nil, Mount{Target: "/proc", Proc: p}) }
	for at := range map[string]bool{"/proc/sys": true, "/proc/irq": true, "/proc/bus": true} {
		if m, is := mountsOf(t, of(&Proc{}))[at]; exists(at) && (!is || !slices.Contains(m.flags, "ro")) {
			t.Errorf("%s is %+v; want it read-only", at, m)
		}
		if _, is := mountsOf(t, of(&Proc{Writable: true}))[at]; is {
			t.Errorf("%s is mounted though /proc is to be writable", at)
		}
	}
	wantText(t, "subset", seen(t, viewedByRoot(nil, Mount{Target: "/proc", Proc: &Proc{PIDsOnly: true}}), "ls /proc/version /proc/sys 2>&- || echo only processes"), "only processes\n")
}

// Propagation is what was asked for.
func TestViewPropagation(t *testing.T) {
	requires(t, mountSetattr)
	dir := t.TempDir()
	for p, want := range map[Propagation]string{PropagationPrivate: "", PropagationSlave: "", PropagationShared: "shared:", PropagationUnbindable: "unbindable"} {
		got := mountsOf(t, viewed(nil, Mount{Target: dir, Tmpfs: &Tmpfs{}, Propagation: p}))[dir].spread
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("propagation %d of a tmpfs is %q; want %q", p, got, want)
		}
		got = mountsOf(t, viewed(nil, Mount{Target: "/etc", Flags: MountNoExec, Propagation: p}))["/etc"].spread
		if !strings.HasPrefix(got, want) {
			t.Errorf("propagation %d of what is there is %q; want %q", p, got, want)
		}
	}
}

// A slave sees what is mounted outside later.
func TestViewAsSlave(t *testing.T) {
	requires(t, mountSetattr)
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	must(unix.Mount("none", "/", "", unix.MS_REC|unix.MS_SHARED, ""))
	dir := t.TempDir()
	must(unix.Mount("none", dir, "tmpfs", 0, "")) // so that nothing is left of what the program writes
	defer unix.Unmount(dir, unix.MNT_DETACH)
	must(os.Mkdir(dir+"/later", 0o755))
	c := helperCommand("after", dir)
	viewedByRoot(&Root{Host: true, Propagation: PropagationSlave})(c)
	in, err := c.StdinPipe()
	must(err)
	out, err := c.StdoutPipe()
	must(err)
	must(c.Start())
	buf := make([]byte, 100)
	out.Read(buf)
	must(unix.Mount("none", dir+"/later", "tmpfs", unix.MS_RDONLY, ""))
	in.Write([]byte("\n"))
	n, _ := out.Read(buf)
	if !strings.Contains(string(buf[:n]), "read-only file system") {
		t.Errorf("the program does not see what was mounted later: %s", buf[:n])
	}
	c.Wait()
}

// Flags are set and cleared on what was asked for, and below unless it is to be shallow.
func TestViewFlags(t *testing.T) {
	requires(t, mountSetattr)
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	dir := t.TempDir()
	must(unix.Mount("none", dir, "tmpfs", unix.MS_NOEXEC, ""))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	must(os.Mkdir(dir+"/below", 0o755))
	must(unix.Mount("none", dir+"/below", "tmpfs", unix.MS_NOSUID, ""))
	for _, test := range []struct {
		m         Mount
		at, below string // what they have besides rw and relatime
	}{
		{Mount{Bind: dir}, "noexec", "nosuid"},
		{Mount{Bind: dir, Flags: MountReadOnly | MountNoDev}, "ro,nodev,noexec", "ro,nosuid,nodev"},
		{Mount{Bind: dir, Flags: MountReadOnly, Shallow: true}, "ro,noexec", "nosuid"},
		{Mount{Bind: dir, Clear: MountNoExec | MountNoSUID}, "", ""},
		{Mount{Target: dir, Flags: MountNoDev}, "nodev,noexec", "nosuid,nodev"},
		{Mount{Target: dir, Flags: MountNoDev, Clear: MountNoExec, Shallow: true}, "nodev", "nosuid"},
		{Mount{Bind: dir, Flags: MountNoAtime}, "noexec,noatime", "nosuid,noatime"},
	} {
		all := mountsIn(seen(t, viewedByRoot(nil, test.m), "cat /proc/self/mountinfo"))
		last := map[string]string{}
		for _, m := range all {
			list := slices.DeleteFunc(slices.Clone(m.flags), func(f string) bool { return f == "rw" || f == "relatime" })
			last[m.at] = strings.Join(list, ",")
		}
		if last[dir] != test.at || !test.m.Shallow && last[dir+"/below"] != test.below {
			t.Errorf("%+v: %q and below %q; want %q and %q", test.m, last[dir], last[dir+"/below"], test.at, test.below)
		}
	}
}

// A tmpfs is what was asked for, and one that is read-only still takes mounts below it.
func TestViewOfTmpfs(t *testing.T) {
	requires(t, userNamespaces)
	got := seen(t, viewed(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{Size: 1 << 20, Inodes: 5}, Flags: MountReadOnly, Clear: MountNoDev}, Mount{Target: "/tmp/a/b", Tmpfs: &Tmpfs{}}, Mount{Target: "/tmp/f", Data: []byte("x")}),
		"touch /tmp/new 2>&- || echo read-only; touch /tmp/a/b/new && cat /tmp/f; stat -fc '%b %c' /tmp; grep -c ' /tmp ro,nosuid,relatime ' /proc/self/mountinfo")
	wantText(t, "tmpfs", got, "read-only\nx256 5\n1\n")
}

// Everything else that a start can have works in a view: who the program is, its filters, its Landlock rules, whose
// paths are those of the view, and no more user namespaces.
func TestViewWithTheRest(t *testing.T) {
	requires(t, userNamespaces, freshProc, landlockABI(1))
	dir, other := t.TempDir(), t.TempDir()
	must(os.WriteFile(dir+"/file", []byte("file"), 0o644))
	must(os.WriteFile(other+"/file", []byte("other"), 0o644))
	for _, init := range []*Init{nil, {}} {
		c := scriptIn(t, withHost(Mount{Target: "/app", Bind: dir}, Mount{Target: "/other", Bind: other}), "cat /app/file; cat /other/file 2>&- || echo denied; grep -c NoNewPrivs:.1 /proc/self/status; umask; pwd")
		c.Dir = "/app"
		c.Attr.NoNewPrivs, c.Attr.Umask, c.Attr.ForbidUserNamespaces, c.Attr.Init = true, mask(0o27), true, init
		c.Attr.Landlock = &Landlock{ABI: 1, Files: &LandlockFiles{Rules: []LandlockPath{
			{Path: "/usr", Rights: LandlockExecute | LandlockReadFile | LandlockReadDir}, {Path: "/bin", Rights: LandlockExecute | LandlockReadFile},
			{Path: "/lib64", Rights: LandlockExecute | LandlockReadFile, Optional: true}, {Path: "/lib", Rights: LandlockExecute | LandlockReadFile, Optional: true},
			{Path: "/etc", Rights: LandlockReadFile, Optional: true}, {Path: "/app", Rights: LandlockReadFile | LandlockReadDir}, {Path: "/proc", Rights: LandlockReadFile},
			{Path: "/dev", Rights: LandlockReadFile | LandlockWriteFile, Optional: true}}}}
		wantText(t, "the rest", outputOf(t, c), "filedenied\n1\n0027\n/app\n")
	}
	requires(t, tool("unshare"))
	c := scriptIn(t, withHost(), "unshare -U true 2>&- || echo forbidden")
	c.Attr.ForbidUserNamespaces = true
	wantText(t, "user namespaces", outputOf(t, c), "forbidden\n")
}

// An init shares the view with the program.
func TestViewOfInit(t *testing.T) {
	requires(t, userNamespaces, freshProc)
	c := scriptIn(t, withHost(), "cmp /proc/1/mountinfo /proc/self/mountinfo && echo the same; cat /proc/1/comm")
	c.Attr.Init = &Init{}
	if got := outputOf(t, c); !strings.HasPrefix(got, "the same\n") || strings.Contains(got, "sh\n") {
		t.Errorf("the program sees %q; want the init's view to be the same", got)
	}
}

// In a joined mount namespace the view is made of what is there.
func TestViewInJoinedNamespace(t *testing.T) {
	requires(t, asRoot, mountSetattr)
	dir := t.TempDir()
	box := scriptIn(t, viewedByRoot(nil, Mount{Target: dir, Tmpfs: &Tmpfs{}}, Mount{Target: dir + "/in", Data: []byte("inside")}), "echo ready; cat")
	in, err := box.StdinPipe()
	must(err)
	out, err := box.StdoutPipe()
	must(err)
	must(box.Start())
	out.Read(make([]byte, 10))
	c := scriptIn(t, viewedByRoot(&Root{Empty: true}, append(fromHost(), Mount{Target: "/here", Bind: dir})...), "cat /here/in; ls /")
	c.Attr.Join = []Namespace{{PID: box.Process.Pid, Kinds: MountNamespace}}
	if got := outputOf(t, c); !strings.HasPrefix(got, "inside") || strings.Contains(got, "home") {
		t.Errorf("the program sees %q", got)
	}
	in.Close()
	box.Wait()
}

// A process that becomes the program has the view, too.
func TestViewInPlace(t *testing.T) {
	if os.Getenv(stepVar) == "" {
		requires(t, userNamespaces)
		if out, errs, _ := becoming(t, -1); out != "bin etc lib lib64 sbin usr" && !strings.Contains(out, "usr") || strings.Contains(out, "home") {
			t.Errorf("the program sees %q, and says %q", out, errs)
		}
		return
	}
	c := Command("/bin/sh", "-c", "echo $(ls /)")
	viewed(&Root{Empty: true}, fromHost()...)(c)
	c.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWPID
	c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = uidToRoot, gidToRoot
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	fmt.Fprintln(os.Stderr, c.Exec())
	os.Exit(1)
}

// Many binds take one descriptor each until they are placed, and none is left.
func TestViewOfManyBinds(t *testing.T) {
	mounts := fromHost()
	for i := range 25 {
		mounts = append(mounts, Mount{Target: fmt.Sprintf("/x/%d", i), Bind: "/etc", Flags: MountReadOnly})
	}
	got := seen(t, viewed(&Root{Empty: true}, mounts...), "ls /x | wc -l; ls /x/24/passwd")
	wantText(t, "many", got, "25\n/x/24/passwd\n")
	err := scriptIn(t, func(c *Cmd) {
		viewed(&Root{Empty: true}, mounts...)(c)
		c.Attr.Mounts = append(c.Attr.Mounts, slices.Repeat([]Mount{{Target: "/y", Bind: "/etc"}}, 3)...)
	}, "true").Run()
	if err != nil {
		t.Error(err)
	}
}

// lacking makes starts those on a kernel that lacks something.
func lacking(t *testing.T, what kernel.Missing) {
	before := kernel.Known.Lacks.Load()
	t.Cleanup(func() { kernel.Known.Lacks.Store(before) })
	kernel.Known.Lacks.Store(before | uint32(what))
}

// Without the calls for mounts by descriptors, and without openat2, a view is the same.
func TestViewByMount(t *testing.T) {
	sweep.Long(t)
	for name, lacks := range map[string]kernel.Missing{
		"mount": kernel.NoMountSetattr, "mount, and openat": kernel.NoMountSetattr | kernel.NoOpenat2, "openat": kernel.NoOpenat2,
	} {
		t.Run(name, func(t *testing.T) {
			if lacks != kernel.NoMountSetattr|kernel.NoOpenat2 {
				requires(t, realProcessor) // the other has both
			}
			lacking(t, lacks)
			t.Run("nothing", TestViewOfNothing)
			t.Run("before", TestViewTakesBeforeItPlaces)
			t.Run("no trace", TestViewLeavesNoTrace)
			t.Run("tmpfs", TestViewOfTmpfs)
			t.Run("protected proc", TestViewOfProcIsProtected)
			t.Run("not undone", TestViewCannotBeUndone)
			t.Run("no old root", TestViewHasNoOldRoot)
			t.Run("pinned", TestViewPinsDirectories)
			t.Run("covered", TestViewCoversTheWorkingDirectory)
			t.Run("the rest", TestViewWithTheRest)
			t.Run("init", TestViewOfInit)
			t.Run("not outside", TestViewIsNotOutside)
			t.Run("inside", TestViewTargetsAreInside)
			t.Run("magic links", TestViewFollowsNoMagicLinks)
			t.Run("working directory", TestViewWorkingDirectoryIsInside)
			t.Run("sources", byMountSources)
			t.Run("roots", byMountRoots)
		})
	}
}

// byMountSources are the sources that mount(2) can do.
func byMountSources(t *testing.T) {
	requires(t, userNamespaces, freshProc)
	dir, mode := t.TempDir(), uint32(0o640)
	must(os.Mkdir(dir+"/sub", 0o755))
	must(os.WriteFile(dir+"/low", []byte("low"), 0o644))
	file, err := os.Open(dir + "/low")
	must(err)
	defer file.Close()
	view := withHost(
		Mount{Target: "/dev", Dev: &Dev{}}, Mount{Target: "/data", Data: []byte("content\n"), Mode: &mode, Flags: MountReadOnly}, Mount{Target: "/mq", Kernel: KernelMqueue},
		Mount{Target: "/masked", Bind: dir}, Mount{Target: "/masked/sub", Mask: true}, Mount{Target: "/masked/low", Mask: true}, Mount{Target: "/not/there", Mask: true},
		Mount{Target: "/ro", Bind: dir, Flags: MountReadOnly | MountNoExec}, Mount{Target: "/file", File: file, Flags: MountReadOnly},
		Mount{Bind: "/no/such", Optional: true}, Mount{Target: "/no/such/below", Tmpfs: &Tmpfs{}}, Mount{Target: "/usr", Flags: MountNoSUID})
	for script, want := range map[string]string{
		"cat /data; stat -c %a /data; (echo x >/data) 2>&- || echo read-only":                                               "content\n640\nread-only\n",
		"cat /masked/low; ls /masked/sub; (echo x >/masked/sub/y) 2>&- || echo read-only; stat -c %t:%T /masked/low":        "read-only\n1:3\n",
		"cat /ro/low /file; (echo x >/ro/y) 2>&- || echo read-only; grep -c ' /ro ro,.*noexec' /proc/self/mountinfo":        "lowlowread-only\n1\n",
		"test -c /dev/ptmx && ls /dev/pts; echo x >/dev/null; head -c 3 /dev/zero | wc -c; ls -d /no/such/below":            "ptmx\n3\n/no/such/below\n",
		"stat -fc %T /mq /proc; grep -c ' /usr .*nosuid' /proc/self/mountinfo; ls -d /proc/[0-9]* | head -1; readlink /bin": "mqueue\nproc\n1\n/proc/1\nusr/bin\n",
	} {
		wantText(t, script, seen(t, view, script), want)
	}
}

// byMountRoots are the roots that mount(2) can do.
func byMountRoots(t *testing.T) {
	requires(t, userNamespaces)
	root := newRoot(t)
	for name, r := range map[string]*Root{"Dir": {Dir: root}, "read-only": {Dir: root, Flags: MountReadOnly}, "Overlay": {Overlay: &Overlay{Lower: []string{root, t.TempDir()}}}} {
		wantRoot(t, name, r)
	}
}

// A target that has to be a directory is one, and the error names it, however it is opened.
func TestViewWantsDirectories(t *testing.T) {
	requires(t, userNamespaces)
	file := filepath.Join(t.TempDir(), "file")
	must(os.WriteFile(file, nil, 0o644))
	for name, lacks := range map[string]kernel.Missing{"openat2": 0, "openat": kernel.NoOpenat2, "mount": kernel.NoMountSetattr} {
		t.Run(name, func(t *testing.T) {
			lacking(t, lacks)
			c := Command("/bin/true")
			ofView(nil, Mount{Target: file, Dir: true})(t, c)
			if err := c.Run(); !errors.Is(err, syscall.ENOTDIR) || !strings.Contains(err.Error(), file) {
				t.Errorf("Run() = %v; want not a directory, %s", err, file)
			}
		})
	}
}

// What mount(2) could only do with a moment in which something can be written to is refused.
func TestViewByMountFailsClosed(t *testing.T) {
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	lacking(t, kernel.NoMountSetattr)
	dir := t.TempDir()
	must(os.Mkdir(dir+"/below", 0o755))
	must(unix.Mount("none", dir+"/below", "tmpfs", 0, ""))
	defer unix.Unmount(dir+"/below", unix.MNT_DETACH)
	for _, prepare := range []func(*Cmd){
		viewedByRoot(&Root{Host: true, Flags: MountReadOnly}), viewedByRoot(nil, Mount{Bind: dir, Flags: MountReadOnly}),
		viewedByRoot(nil, Mount{Target: dir, Flags: MountReadOnly}), viewedByRoot(nil, Mount{Target: dir, Flags: MountReadOnly, Shallow: true}),
		viewedByRoot(&Root{Dir: dir, Flags: MountReadOnly}),
		viewedByRoot(nil, Mount{Target: dir, Overlay: &Overlay{Lower: []string{dir}, Private: true}}),
	} {
		c := Command("/bin/true")
		prepare(c)
		if err := c.Run(); !errors.Is(err, syscall.EOPNOTSUPP) || !strings.Contains(err.Error(), "mount_setattr, Linux 5.12") {
			t.Errorf("Run() = %v; want mount_setattr to be missed", err)
		}
	}
	c := scriptIn(t, viewedByRoot(nil, Mount{Bind: dir}), "touch "+dir+"/below/file && echo ok")
	wantText(t, "without flags", outputOf(t, c), "ok\n")
}

// So is what would uncover what a mount has hidden: mount(2) sets flags of a directory by a mount of it on itself.
func TestViewByMountUncoversNothing(t *testing.T) {
	requires(t, asRoot)
	lacking(t, kernel.NoMountSetattr)
	dir := t.TempDir()
	must(os.Mkdir(dir+"/hidden", 0o755))
	must(os.WriteFile(dir+"/hidden/secret", []byte("secret"), 0o644))
	mask := Mount{Target: dir + "/hidden", Mask: true}
	for _, flags := range []Mount{{Flags: MountNoExec}, {Flags: MountNoExec, Shallow: true}, {Clear: MountReadOnly}, {Propagation: PropagationSlave}} {
		flags.Target = dir
		out, err := scriptIn(t, viewedByRoot(nil, mask, flags), "cat "+dir+"/hidden/secret; true").CombinedOutput()
		if strings.HasPrefix(string(out), "secret") || err != nil && !errors.Is(err, syscall.EOPNOTSUPP) {
			t.Errorf("%+v: the program says %q, %v; want it to see nothing", flags, out, err)
		}
	}
}

// A filter that denies the calls is met by the first start, which goes another way, and so do the later ones.
func TestViewLearnsOfMissingCalls(t *testing.T) {
	requires(t, userNamespaces, mountSetattr)
	for _, with := range []string{"", "=EPERM"} {
		t.Run("with"+with, func(t *testing.T) {
			if !ownProcess(t, nil) {
				return
			}
			doWithout(t, []string{"open_tree" + with, "fsopen" + with, "move_mount" + with, "mount_setattr" + with, "openat2" + with})
			for range 2 {
				got := seen(t, viewed(&Root{Empty: true}, append(fromHost(), Mount{Target: "/x/y", Tmpfs: &Tmpfs{}})...), "ls /; ls /x")
				if !strings.Contains(got, "usr\nx\ny\n") {
					t.Errorf("the program sees %q", got)
				}
				if lacks := kernel.Missing(kernel.Known.Lacks.Load()); !lacks.Has(kernel.NoMountSetattr) {
					t.Errorf("what is known to be missing is %b", lacks)
				}
			}
		})
	}
}

// Without openat2 every part of a view is there, the parts of /proc that are read-only among them.
func TestViewWithoutOpenat2(t *testing.T) {
	requires(t, asRoot, mountSetattr)
	if !ownProcess(t, func(*exec.Cmd) {}) {
		return
	}
	doWithout(t, []string{"openat2"})
	view := viewedByRoot(&Root{Empty: true}, append(fromHost(), Mount{Target: "/proc", Proc: &Proc{}}, Mount{Target: "/dev", Dev: &Dev{}},
		Mount{Target: "/mnt/a/b", Tmpfs: &Tmpfs{}}, Mount{Target: "/mnt/a/b/c/d", Data: []byte("x")}, Mount{Target: "/mnt/a", Flags: MountReadOnly})...)
	wantText(t, "the view", seen(t, view, "cat /mnt/a/b/c/d; echo >/proc/sys/kernel/hostname"), "x/bin/sh: 1: cannot create /proc/sys/kernel/hostname: Read-only file system\n")
}

// ownedBy has what belongs to root belong to another id, and the other way round.
func ownedBy(id int) *MountIDMap {
	ids := []IDRange{{Disk: 0, Seen: id, Size: 1}, {Disk: id, Seen: 0, Size: 1}}
	return &MountIDMap{UIDs: ids, GIDs: ids}
}

var mappedMounts = &requirement{what: "a file system for temporary files whose mounts can be id-mapped", works: func() error {
	c := Command("/bin/true")
	viewedByRoot(nil, Mount{Target: "/tmp", Bind: os.TempDir(), Shallow: true, IDMap: ownedBy(1000)})(c)
	return c.Run()
}, expected: func() bool {
	var st unix.Statfs_t
	err := unix.Statfs(os.TempDir(), &st)
	return asRoot.works() == nil && linux(5, 12).works() == nil && err == nil && st.Type == unix.EXT4_SUPER_MAGIC
}}

// Files belong to other ids in a mount whose ids are mapped, both ways, and what is mounted outside is as before.
func TestViewMapsIDs(t *testing.T) {
	requires(t, asRoot, mappedMounts)
	const who = 1000
	for _, test := range []struct {
		name  string
		flags uintptr
	}{{"as root", 0}, {"in a user namespace", syscall.CLONE_NEWUSER}} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			must(os.Chmod(dir, 0o755))
			must(os.Chown(dir, who, who))
			must(os.WriteFile(dir+"/file", []byte("text"), 0o600))
			must(os.Chown(dir+"/file", who, who))
			f, err := os.Open(dir)
			must(err)
			defer f.Close()
			for i, m := range []Mount{{Target: "/mnt", Bind: dir, IDMap: ownedBy(who)}, {Target: "/mnt", File: f, IDMap: ownedBy(who)}} {
				got := seen(t, func(c *Cmd) {
					viewed(nil, m)(c)
					c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | test.flags}
				}, fmt.Sprintf("stat -c %%u:%%g /mnt/file %s/file; cat /mnt/file; : >/mnt/new%d; stat -c %%u:%%g /mnt/new%[2]d", dir, i))
				outside := "1000:1000"
				if test.flags != 0 {
					outside = "65534:65534" // which the namespace does not have
				}
				wantText(t, "inside", got, "0:0\n"+outside+"\ntext0:0\n")
				var st unix.Stat_t
				must(unix.Stat(fmt.Sprintf("%s/new%d", dir, i), &st))
				if st.Uid != who || st.Gid != who {
					t.Errorf("what was made inside belongs to %d:%d outside; want %d", st.Uid, st.Gid, who)
				}
			}
		})
	}
}

// The root directory can be such a mount, flags apply, and what no range has belongs to nobody and cannot be made.
func TestViewMapsIDsOfRoot(t *testing.T) {
	requires(t, asRoot, mappedMounts)
	dir := t.TempDir()
	must(os.Chmod(dir, 0o755))
	must(os.WriteFile(dir+"/file", nil, 0o644))
	must(os.Chown(dir+"/file", 33, 33))
	ids := []IDRange{{Disk: 0, Seen: 5000, Size: 1}}
	root := Mount{Target: "/", Bind: dir, Create: true, IDMap: &MountIDMap{UIDs: ids, GIDs: ids}}
	for _, name := range []string{"usr", "bin", "sbin", "lib", "lib64", "etc"} {
		must(os.Mkdir(dir+"/"+name, 0o755))
	}
	mounts := append([]Mount{root}, onlyBinds(fromHost())...)
	got := seen(t, viewedByRoot(nil, mounts...), "stat -c '%u %n' / /file; : >/new")
	wantText(t, "the root", got, "5000 /\n65534 /file\n/bin/sh: 1: cannot create /new: Value too large for defined data type\n")
	mounts[0].Flags = MountReadOnly
	wantText(t, "a read-only one", seen(t, viewedByRoot(nil, mounts...), ": >/new"), "/bin/sh: 1: cannot create /new: Read-only file system\n")
}

// onlyBinds has binds in place of links.
func onlyBinds(list []Mount) (binds []Mount) {
	for _, m := range list {
		if m.Symlink != "" {
			m = Mount{Target: m.Target, Bind: m.Target, Flags: MountReadOnly}
		}
		if fi, err := os.Stat(m.Bind); err == nil && fi.IsDir() && m.Bind != "/etc/alternatives" && m.Bind != "/etc/ld.so.conf.d" && m.Bind != "/lib32" && m.Bind != "/libx32" {
			binds = append(binds, m)
		}
	}
	return binds
}

// The mount that refuses is named, also below the source; nothing is left of the rest, and an optional source may be missing.
func TestViewIDsRefused(t *testing.T) {
	requires(t, asRoot, mappedMounts)
	dir := t.TempDir()
	must(os.Mkdir(dir+"/proc", 0o755))
	must(unix.Mount("/proc", dir+"/proc", "", unix.MS_BIND, ""))
	t.Cleanup(func() { unix.Unmount(dir+"/proc", unix.MNT_DETACH) })
	before := heldNow(t)
	c := Command("/bin/true")
	viewedByRoot(nil, Mount{Target: "/mnt", Bind: dir, IDMap: ownedBy(1000)})(c)
	var e *StartError
	if err := c.Run(); !errors.As(err, &e) || e.Step != "mount_setattr" || e.Object != dir+"/proc" || !errors.Is(err, syscall.EINVAL) {
		t.Errorf("error %v; want one of mount_setattr about %s/proc", err, dir)
	}
	before.compare(t, "a mount whose ids cannot be mapped")
	c = Command("/bin/true")
	viewedByRoot(nil, Mount{Target: "/mnt", Bind: dir, Shallow: true, IDMap: ownedBy(1000)}, Mount{Target: "/mnt", Bind: "/no/such", IDMap: ownedBy(1), Optional: true})(c)
	if err := c.Run(); err != nil || fmt.Sprint(c.Birth.View.LeftOut) != "[1]" {
		t.Errorf("error %v, %v; want the second mount left out", err, c.Birth.View)
	}
}

// The terminal of StartPTY is the console of a small /dev. It is this very one, also where the child goes by its path.
func TestViewConsole(t *testing.T) {
	requires(t, terminals, userNamespaces)
	for _, old := range []kernel.Missing{0, kernel.NoMountSetattr} {
		lacking(t, old)
		for _, flags := range []uintptr{0, syscall.CLONE_NEWUSER} {
			if flags == 0 && os.Geteuid() != 0 {
				continue
			}
			c := scriptIn(t, func(c *Cmd) {
				viewed(nil, Mount{Target: "/dev", Dev: &Dev{ConsolePTY: true}})(c)
				if flags == 0 {
					c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
				}
			}, "stat -c %t:%T /dev/console; stat -Lc %t:%T /proc/self/fd/0; echo said >/dev/console; ls /dev/pts")
			master, err := c.StartPTY(WindowSize{})
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(readAll(t, master), "\n")
			master.Close()
			c.Wait()
			if len(lines) < 3 || lines[0] != lines[1] || lines[2] != "said" || !c.Attr.Mounts[0].Dev.ConsolePTY {
				t.Errorf("without %v, with flags %#x: the program said %q; want its own terminal to be the console", old, flags, lines)
			}
		}
	}
}

// A console that has another file at its path is none.
func TestViewConsoleSwapped(t *testing.T) {
	requires(t, asRoot, terminals, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} }) {
		return
	}
	master, slave, err := pty.Open()
	must(err)
	defer master.Close()
	defer slave.Close()
	must(unix.Mount("/dev/null", slave.Name(), "", unix.MS_BIND, ""))
	c := scriptIn(t, viewed(nil, Mount{Target: "/dev", Dev: &Dev{Console: slave}}), "true")
	if err := c.Run(); !errors.Is(err, syscall.ESTALE) {
		t.Errorf("error %v; want ESTALE", err)
	}
	if c = Command("/bin/true"); true {
		c.Attr, c.SysProcAttr = &Attr{Mounts: []Mount{{Target: "/dev", Dev: &Dev{ConsolePTY: true}}}}, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
	if err := c.Run(); err == nil || !strings.Contains(err.Error(), "(Attr.Mounts[0].Dev.ConsolePTY): is for Cmd.StartPTY, whose terminal it is") {
		t.Errorf("error %v; want one that names StartPTY", err)
	}
}

// A view of what is on a file system whose server does not answer holds up the start no longer than that is allowed,
// whichever calls the kernel has, and leaves nothing that outlives the server.
func TestViewOnADeadFileSystemIsEnded(t *testing.T) {
	requires(t, asRoot)
	for _, lacks := range drawn(t, []kernel.Missing{0, kernel.NoMountSetattr, kernel.NoMountSetattr | kernel.NoOpenat2}) {
		for _, flags := range []MountFlags{0, MountReadOnly} {
			server, path := slowServer(t, never)
			before := ownChildren()
			lacking(t, lacks)
			c := scriptIn(t, viewedByRoot(nil, Mount{Target: "/tmp", Bind: filepath.Dir(path) + "/" + slowfile.Mute, Flags: flags}), "true")
			c.Ending = &Ending{Timeout: soon}
			if err := c.Run(); !errors.Is(err, ErrTimeout) {
				t.Errorf("without %v: Run() = %v; want %v", lacks, err, ErrTimeout)
			}
			server.Process.Kill()
			eventually(t, "no child is left", func() bool {
				for pid := range ownChildren() {
					if !before[pid] && pid != server.Process.Pid {
						return false
					}
				}
				return true
			})
		}
	}
}
