//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

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
