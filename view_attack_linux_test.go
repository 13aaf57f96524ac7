//go:build amd64 || arm64

package sprog

import (
	"bufio"
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
)

// swap A B: exchange two names, again and again, until killed.
var _ = helper("swap", func(args []string) int {
	fmt.Println("ready")
	for {
		unix.Renameat2(unix.AT_FDCWD, args[0], unix.AT_FDCWD, args[1], unix.RENAME_EXCHANGE)
	}
})

// swapping has another process exchange two names while the test goes on.
func swapping(t *testing.T, a, b string) {
	t.Helper()
	c := helperCommand("swap", a, b)
	out, err := c.StdoutPipe()
	must(err)
	must(c.Start())
	bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
}

// Another process swaps a directory of the root for a link that leads out of it. No mount and no directory
// is ever made outside (CVE-2019-19921, CVE-2021-30465, CVE-2026-87766).
func TestViewTargetsAreInside(t *testing.T) {
	root, outside := newRoot(t), t.TempDir()
	must(os.MkdirAll(root+"/a/dir", 0o777))
	must(os.MkdirAll(root+outside, 0o777))
	must(os.Symlink(strings.Repeat("../", 30)+outside, root+"/a/link"))
	swapping(t, root+"/a/dir", root+"/a/link")
	inside := 0
	for n := 0; n < tries(80) || inside == 0 && n < 10000; n++ {
		c := scriptIn(t, viewed(&Root{Dir: root}, Mount{Target: "/a/dir/new/deep", Tmpfs: &Tmpfs{}, Create: true}), "")
		c.Path, c.Args = "/bin/test", []string{"test", "true"}
		if err := c.Run(); err == nil {
			inside++
		} else if testing.Verbose() {
			t.Log(err)
		}
		if list, err := os.ReadDir(outside); err != nil || len(list) != 0 {
			t.Fatalf("outside of the root is %v, %v", list, err)
		}
	}
	if inside == 0 {
		t.Error("no start has succeeded: the test proves nothing")
	}
}

// Another process moves away the directory that a file system of the view's own is mounted in. What is to be made in that is
// never made in a directory of the caller's.
func TestViewMakesNothingOutside(t *testing.T) {
	root := newRoot(t)
	must(os.MkdirAll(root+"/a/own", 0o777))
	must(os.MkdirAll(root+"/b/own", 0o777))
	swapping(t, root+"/a", root+"/b")
	succeeded := 0
	for n := 0; n < tries(150) || succeeded == 0 && n < 10000; n++ {
		c := scriptIn(t, viewed(&Root{Dir: root}, Mount{Target: "/a/own", Tmpfs: &Tmpfs{}}, Mount{Target: "/a/own", Flags: MountNoExec},
			Mount{Target: "/a/own/file", Data: []byte("x")}, Mount{Target: "/a/own/deep/dir", Dir: true}, Mount{Target: "/a/own/link", Symlink: "file"},
			Mount{Target: "/a/own/deep/link", Symlink: "dir"}, Mount{Target: "/a/own/deep/tmp", Tmpfs: &Tmpfs{}}), "")
		c.Path, c.Args = "/bin/test", []string{"test", "true"}
		c.Env = append(os.Environ(), helperVar+"=true")
		if c.Run() == nil {
			succeeded++
		}
	}
	for _, dir := range []string{"/a/own", "/b/own"} {
		if list, _ := os.ReadDir(root + dir); len(list) != 0 {
			t.Errorf("starts have left %v in %s", list, dir)
		}
	}
	if succeeded == 0 {
		t.Error("no start has succeeded: the test proves nothing")
	}
}

// A link of the view's own that leads to the root makes the start fail, whatever is to be mounted there.
func TestViewLinkToTheRoot(t *testing.T) {
	for _, m := range []Mount{{Bind: "/usr", Optional: true}, {Tmpfs: &Tmpfs{}}, {Mask: true}, {Flags: MountReadOnly}, {Flags: MountReadOnly, Optional: true}} {
		m.Target = "/l/m"
		c := scriptIn(t, viewed(&Root{Empty: true}, append(fromHost(), Mount{Target: "/l", Symlink: "usr/.."}, Mount{Target: "/m", Symlink: "."}, m)...), "true")
		want, says := syscall.EBUSY, "a link leads to the root directory"
		err := c.Run()
		if mountSetattr.works() != nil && !errors.Is(err, want) { // where openat2 is missing, too
			want, says = syscall.ELOOP, "a symbolic link is there"
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: Run() = %v; want %v", m, err, want)
		}
	}
}

// So does one in somebody's root directory.
func TestViewForeignLinkToTheRoot(t *testing.T) {
	root := newRoot(t)
	must(os.Symlink("/", root+"/link"))
	want, says := syscall.EBUSY, "a link leads to the root directory"
	if mountSetattr.works() != nil {
		want, says = syscall.ELOOP, "a symbolic link is there"
	}
	for _, m := range []Mount{{Tmpfs: &Tmpfs{}}, {Mask: true}, {Flags: MountReadOnly}} {
		m.Target = "/link"
		c := scriptIn(t, viewed(&Root{Dir: root}, m), "")
		c.Path, c.Args, c.Env = "/bin/test", []string{"test", "true"}, append(os.Environ(), helperVar+"=true")
		if err := c.Run(); !errors.Is(err, want) || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: Run() = %v; want %v", m, err, want)
		}
	}
}

// What covers a file system of the view's own is what later mounts are in.
func TestViewMountsOnTop(t *testing.T) {
	dir := t.TempDir()
	tmpfs, more := Mount{Target: dir, Tmpfs: &Tmpfs{}}, Mount{Target: dir + "/a/b", Data: []byte("x")}
	link := Mount{Target: dir + "/l", Symlink: "a"}
	for name, mounts := range map[string][]Mount{
		"flags": {tmpfs, {Target: dir, Flags: MountNoExec}, more, link}, "another one": {tmpfs, more, tmpfs, more, link},
		"optional flags": {tmpfs, {Target: dir, Flags: MountNoExec, Optional: true}, more, link}, "a link": {tmpfs, {Target: dir + "/l", Symlink: dir + "/a"}, {Target: dir + "/l", Tmpfs: &Tmpfs{}}, {Target: dir + "/l/b", Data: []byte("x")}},
	} {
		wantText(t, name, seen(t, viewed(nil, mounts...), "cd "+dir+"; find . | sort; cat l/b"), ".\n./a\n./a/b\n./l\nx")
	}
}

// Another process swaps what is at the path of an open file. The program gets that file, or the start fails.
func TestViewFilesAreTheSame(t *testing.T) {
	dir := t.TempDir()
	must(os.WriteFile(dir+"/a", []byte("mine"), 0o644))
	must(os.WriteFile(dir+"/b", []byte("theirs"), 0o644))
	file, err := os.Open(dir + "/a")
	must(err)
	defer file.Close()
	swapping(t, dir+"/a", dir+"/b")
	clonesTreesAs(t, false)
	for range tries(200) {
		c := scriptIn(t, viewed(nil, Mount{Target: dir, File: nil, Tmpfs: &Tmpfs{}}, Mount{Target: dir + "/f", File: file}), "cat "+dir+"/f")
		out, err := c.Output()
		switch {
		case err == nil && string(out) != "mine":
			t.Fatalf("the program reads %q", out)
		case err != nil && !errors.Is(err, syscall.ESTALE) && !errors.Is(err, syscall.ENOENT):
			t.Fatal(err)
		}
	}
}

// A root has links that lead out of it by way of /proc. None is followed (CVE-2023-28642,
// CVE-2024-21626).
func TestViewFollowsNoMagicLinks(t *testing.T) {
	requires(t, userNamespaces, freshProc)
	outside := t.TempDir()
	dir, err := os.Open(outside)
	must(err)
	defer dir.Close()
	for _, to := range []string{"/proc/self/root", "/proc/self/cwd", "/proc/1/root", "/proc/self/fd/3", "/proc/self/fd/4", "/proc/self/fd/5", "/proc/self/fd/9", "/proc/thread-self/cwd"} {
		root := newRoot(t)
		must(os.Mkdir(root+"/proc", 0o755))
		must(os.Symlink(to, root+"/link"))
		for _, m := range []Mount{
			{Target: "/link", Tmpfs: &Tmpfs{}, Create: true}, {Target: "/link/new", Tmpfs: &Tmpfs{}, Create: true},
			{Target: "/link/new", Dir: true, Create: true}, {Target: "/link/new", Data: []byte("x"), Create: true}, {Target: "/link", Flags: MountReadOnly},
		} {
			c := scriptIn(t, viewed(&Root{Dir: root}, Mount{Target: "/proc", Proc: &Proc{}}, m), "true")
			c.ExtraFiles = []*os.File{dir, dir, dir}
			if err := c.Run(); !errors.Is(err, syscall.ELOOP) && !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("%s, %+v: Run() = %v; want ELOOP", to, m, err)
			}
		}
	}
	if list, _ := os.ReadDir(outside); len(list) != 0 {
		t.Errorf("outside of the root is %v", list)
	}
}

// after DIR: say "ready", wait for a line, and say what can be written to in DIR.
var _ = helper("after", func(args []string) int {
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	fmt.Println(os.WriteFile(args[0]+"/later/file", nil, 0o644))
	return 0
})

// What is mounted outside later, below a directory that is read-only inside, does not appear there.
func TestViewStaysReadOnly(t *testing.T) {
	requires(t, mountSetattr)
	requires(t, asRoot)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	dir := t.TempDir()
	must(os.Mkdir(dir+"/later", 0o755))
	c := helperCommand("after", dir)
	viewedByRoot(&Root{Host: true, Flags: MountReadOnly})(c)
	in, err := c.StdinPipe()
	must(err)
	out, err := c.StdoutPipe()
	must(err)
	must(c.Start())
	lines := bufio.NewReader(out)
	lines.ReadString('\n')
	must(unix.Mount("none", dir+"/later", "tmpfs", 0, ""))
	in.Write([]byte("\n"))
	answer, _ := lines.ReadString('\n')
	if !strings.Contains(answer, "read-only file system") {
		t.Errorf("the program has written below a read-only mount: %s", answer)
	}
	c.Wait()
	must(unix.Unmount(dir+"/later", 0))
}

// What is mounted outside while a start goes on has the flags of what it is below, or does not appear.
func TestViewIsReadOnlyAtOnce(t *testing.T) {
	requires(t, mountSetattr)
	requires(t, asRoot, userNamespaces)
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	dir, stop, done := t.TempDir(), make(chan bool, 1), make(chan bool)
	must(unix.Mount("none", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
	must(unix.Mount("none", dir, "tmpfs", 0, ""))
	must(unix.Mount("none", dir, "", unix.MS_SHARED, ""))
	must(os.Mkdir(dir+"/later", 0o755))
	go func() {
		defer close(done)
		for len(stop) == 0 {
			unix.Mount("none", dir+"/later", "tmpfs", 0, "")
			unix.Unmount(dir+"/later", unix.MNT_DETACH)
		}
	}()
	var binds []Mount
	for range 20 { // which take a while
		binds = append(binds, Mount{Target: "/mnt", Bind: dir, Flags: MountReadOnly})
	}
	host := &Root{Host: true, Flags: MountReadOnly}
	appeared := 0
	for _, view := range []func(*Cmd){viewed(nil, binds...), viewedByRoot(nil, binds...), viewed(host, binds...), viewedByRoot(&Root{Dir: "/", Flags: MountReadOnly}, binds...)} {
		for n := 0; n < tries(40) || appeared == 0 && n < 200; n++ {
			for _, m := range mountsIn(seen(t, view, "cat /proc/self/mountinfo")) {
				if !strings.HasSuffix(m.at, "/later") {
					continue
				}
				appeared++
				if !slices.Contains(m.flags, "ro") && strings.HasPrefix(m.at, "/mnt") {
					t.Fatalf("%s is writable below a read-only mount", m.at)
				}
			}
		}
	}
	stop <- true
	<-done
	must(unix.Unmount(dir, unix.MNT_DETACH))
	if appeared == 0 {
		t.Error("nothing has ever appeared: the test proves nothing")
	}
}

// Who makes a user and a mount namespace inside can take away no mask and no read-only flag.
func TestViewCannotBeUndone(t *testing.T) {
	requires(t, userNamespaces, freshProc, tool("unshare"), tool("umount"))
	dir := t.TempDir()
	must(os.WriteFile(dir+"/secret", []byte("secret"), 0o644))
	must(os.Mkdir(dir+"/hidden", 0o755))
	must(os.WriteFile(dir+"/hidden/secret", []byte("secret"), 0o644))
	view := viewed(nil, Mount{Bind: dir, Flags: MountReadOnly}, Mount{Target: dir + "/secret", Mask: true}, Mount{Target: dir + "/hidden", Mask: true}, Mount{Target: "/proc", Proc: &Proc{}})
	for _, try := range []string{
		"umount %[1]s/secret; cat %[1]s/secret", "umount -l %[1]s/hidden; cat %[1]s/hidden/secret", "umount -l %[1]s; cat %[1]s/secret",
		"mount -o remount,bind,rw %[1]s && touch %[1]s/new", "mount --bind %[1]s /mnt; cat /mnt/secret; cat /mnt/hidden/secret",
		"mount --move %[1]s/hidden /mnt; cat %[1]s/hidden/secret",
	} {
		got := seen(t, view, fmt.Sprintf("unshare -Urm sh -c '"+try+"' 2>/dev/null; true", dir))
		if strings.Contains(got, "secret") {
			t.Errorf("%s shows %q", try, got)
		}
	}
	if exists(dir + "/new") {
		t.Error("something was written to a read-only mount")
	}
	if got := seen(t, viewed(nil, Mount{Bind: dir}), "cat "+dir+"/hidden/secret"); got != "secret" {
		t.Errorf("without masks the program sees %q", got)
	}
}

// Who has all rights in a user namespace of his own cannot write to what is read-only for the caller, nor uncover
// what is covered there, whether it was given by a path or by a file.
func TestViewKeepsTheCallersMounts(t *testing.T) {
	requires(t, asRoot, userNamespaces, tool("umount"))
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	dir := t.TempDir()
	must(unix.Mount("none", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
	must(unix.Mount("none", dir, "tmpfs", 0, "mode=0777"))
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	must(os.Mkdir(dir+"/covered", 0o777))
	must(os.WriteFile(dir+"/covered/secret", []byte("secret"), 0o666))
	must(unix.Mount("none", dir+"/covered", "tmpfs", 0, ""))
	must(unix.Mount("none", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NODEV, ""))
	file, err := os.Open(dir)
	must(err)
	defer file.Close()
	at := t.TempDir()
	for _, m := range []Mount{{Target: at, Bind: dir}, {Target: at, File: file}} {
		seen(t, viewed(nil, m), "mount -o remount,bind,rw,dev "+at+"; touch "+at+"/written")
		if exists(dir + "/written") {
			t.Error("the program has written to what is read-only for the caller")
			must(unix.Mount("none", dir, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NODEV, ""))
		}
		if out, _ := scriptIn(t, viewed(nil, m), "umount "+at+"/covered; cat "+at+"/covered/secret").Output(); len(out) > 0 {
			t.Errorf("the program reads what is covered for the caller: %q", out)
		}
		if out := seen(t, viewedByRoot(nil, m), "umount "+at+"/covered; cat "+at+"/covered/secret"); out != "secret" {
			t.Errorf("with the caller's rights the program sees %q: the test proves nothing", out)
		}
	}
}

// Of the old root nothing is left, neither above the new one nor below.
func TestViewHasNoOldRoot(t *testing.T) {
	requires(t, userNamespaces, freshProc, tool("umount"))
	got := seen(t, withHost(), "ls -a /.. | tr '\\n' ' '; ls -a /proc/1/root/.. | tr '\\n' ' '; umount -l / 2>/dev/null; ls -a / 2>/dev/null | tr '\\n' ' '; cd /..; pwd")
	if strings.Contains(got, "home") || strings.Contains(got, "tmp") {
		t.Errorf("the program sees %s", got)
	}
	for at := range mountsOf(t, withHost()) {
		if at != "/" && at != "/proc" && !strings.HasPrefix(at, "/proc/") && !strings.HasPrefix(at, "/usr") && !strings.HasPrefix(at, "/etc") && !strings.HasPrefix(at, "/lib") && !strings.HasPrefix(at, "/bin") && !strings.HasPrefix(at, "/sbin") {
			t.Errorf("the program sees a mount at %s", at)
		}
	}
}

// A directory that something is mounted in cannot be moved away with it.
func TestViewPinsDirectories(t *testing.T) {
	dir := t.TempDir()
	must(os.MkdirAll(dir+"/.git/hooks", 0o755))
	script := fmt.Sprintf("cd %s; mv .git x && mkdir -p .git/hooks && touch .git/hooks/evil; true", dir)
	seen(t, viewed(nil, Mount{Bind: dir}, Mount{Bind: dir + "/.git"}, Mount{Bind: dir + "/.git/hooks", Flags: MountReadOnly}), script)
	if exists(dir+"/x") || exists(dir+"/.git/hooks/evil") {
		t.Error("the program has replaced a directory that is protected")
	}
	seen(t, viewed(nil, Mount{Bind: dir}), script)
	if !exists(dir + "/.git/hooks/evil") {
		t.Error("nothing was replaced without the protection, either: the test proves nothing")
	}
}

// The working directory is that of the view, not what a mount has covered.
func TestViewCoversTheWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	must(os.WriteFile(dir+"/file", nil, 0o644))
	t.Chdir(dir)
	wantText(t, "covered", seen(t, viewed(nil, Mount{Target: dir, Tmpfs: &Tmpfs{}}), "pwd; ls"), dir+"\n")
	requires(t, freshProc)
	wantText(t, "not there", seen(t, withHost(), "pwd; ls -d usr"), "/\nusr\n")
	must(os.Mkdir(dir+"/sub", 0o755))
	c := scriptIn(t, viewed(nil, Mount{Target: "/tmp/x", Tmpfs: &Tmpfs{}, Mask: false, Create: false}), "pwd")
	c.Attr.Mounts, c.Dir = []Mount{{Target: dir + "/sub", Tmpfs: &Tmpfs{}}}, "sub"
	wantText(t, "relative", outputOf(t, c), filepath.Join(dir, "sub")+"\n")
}

// A working directory that is a link to what is open outside is refused.
func TestViewWorkingDirectoryIsInside(t *testing.T) {
	requires(t, userNamespaces, freshProc)
	outside := t.TempDir()
	dir, err := os.Open(outside)
	must(err)
	defer dir.Close()
	for n := range 12 {
		c := scriptIn(t, withHost(), "pwd; ls -d .")
		c.Dir, c.ExtraFiles = fmt.Sprintf("/proc/self/fd/%d", n), []*os.File{dir, dir}
		out, err := c.CombinedOutput()
		if err == nil && strings.Contains(string(out), outside) {
			t.Errorf("the program starts in %s", out)
		}
		var ended *ExitError
		if err == nil || errors.As(err, &ended) {
			t.Errorf("Dir %s: the start succeeds: %s", c.Dir, out)
		}
	}
}

// The interpreter /proc/self/exe is never this process's executable, where that could be written to.
func TestViewKeepsTheExecutable(t *testing.T) {
	requires(t, userNamespaces, freshProc)
	dir := t.TempDir()
	must(os.WriteFile(dir+"/script", []byte("#!/proc/self/exe\n"), 0o755))
	run := func() (string, error) {
		c := &Cmd{Path: dir + "/script", Args: []string{"script"}, Env: append(os.Environ(), helperVar+"=echo")}
		viewed(nil, Mount{Bind: dir}, Mount{Target: "/proc", Proc: &Proc{}})(c)
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = uidToRoot, gidToRoot
		out, err := c.CombinedOutput()
		return string(out), err
	}
	exeIsSafeAs(t, false)
	const own = "no helper program" // is what this process's program says
	if out, err := run(); err == nil || strings.Contains(out, own) {
		t.Errorf("a script has executed this process's program: %q, %v", out, err)
	}
	exeIsSafeAs(t, true)
	if out, err := run(); !strings.Contains(out, own) {
		t.Errorf("with one stage the script does not get at the program, either: %q, %v: the test proves nothing", out, err)
	}
}

// A root has a link to a file that can be written to, a FIFO or another device in the place of /dev/null. What hides a file is
// the caller's device all the same (CVE-2025-31133).
func TestViewMasksByTheCallersNull(t *testing.T) {
	requires(t, userNamespaces)
	for name, prepare := range map[string]func(null string) error{
		"link":   func(null string) error { return os.Symlink("/target", null) },
		"FIFO":   func(null string) error { return unix.Mkfifo(null, 0o666) },
		"file":   func(null string) error { return os.WriteFile(null, []byte("root's"), 0o666) },
		"nobody": func(string) error { return nil },
	} {
		dir := t.TempDir()
		must(os.Mkdir(dir+"/dev", 0o755))
		must(os.WriteFile(dir+"/target", []byte("target"), 0o666))
		must(os.WriteFile(dir+"/secret", []byte("secret"), 0o666))
		must(prepare(dir + "/dev/null"))
		mounts := []Mount{{Target: "/secret", Mask: true}}
		for _, m := range fromHost() {
			if m.Create = true; m.Bind != "" || m.Symlink != "" {
				mounts = append(mounts, m)
			}
		}
		got := seen(t, viewed(&Root{Dir: dir}, mounts...), "echo written >/secret; cat /secret; stat -c %t:%T /secret")
		wantText(t, name, got, "1:3\n")
		if contentsOf(dir+"/target") != "target" || contentsOf(dir+"/secret") != "secret" {
			t.Errorf("%s: what was written has come to the root: %q, %q", name, contentsOf(dir+"/target"), contentsOf(dir+"/secret"))
		}
	}
}

// A root has files of its own in the place of /proc, or a link there. What is set inside is set by the caller's /proc, and the
// files are as they were (CVE-2023-28642, CVE-2025-52881).
func TestViewSetsByTheCallersProc(t *testing.T) {
	requires(t, userNamespaces)
	dir := t.TempDir()
	must(os.MkdirAll(dir+"/own/sys/kernel", 0o755))
	must(os.WriteFile(dir+"/own/sys/kernel/msgmax", []byte("root's"), 0o666))
	must(os.Symlink("own", dir+"/proc"))
	mounts := []Mount{{Target: "/real", Bind: "/proc", Create: true}}
	for _, m := range fromHost() {
		m.Create = m.Bind != "" || m.Symlink != ""
		mounts = append(mounts, m)
	}
	c := scriptIn(t, viewed(&Root{Dir: dir}, mounts...), "cat /proc/sys/kernel/msgmax /real/sys/kernel/msgmax")
	c.Attr.Sysctls = []Sysctl{{"kernel.msgmax", "7777"}}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Error(err)
	}
	wantText(t, "inside", string(out), "root's7777\n")
}

// Directories on the way that may be searched and not read are no obstacle, and a source that is a link stands for what
// the caller finds there, also where the link is absolute.
func TestViewWithoutTheRightToRead(t *testing.T) {
	requires(t, userNamespaces)
	dir := t.TempDir()
	must(os.MkdirAll(dir+"/closed/source", 0o755))
	must(os.MkdirAll(dir+"/closed/target", 0o755))
	must(os.WriteFile(dir+"/closed/source/file", []byte("text"), 0o644))
	must(os.Symlink(dir+"/closed/source", dir+"/link"))
	must(os.Chmod(dir+"/closed", 0o711))
	if os.Geteuid() == 0 {
		must(os.Chmod(dir, 0o711))
	} else {
		must(os.Chmod(dir+"/closed", 0o311)) // the owner may not read it either
	}
	defer os.Chmod(dir+"/closed", 0o755)
	for _, from := range []string{dir + "/closed/source", dir + "/link"} {
		got := seen(t, viewed(nil, Mount{Target: dir + "/closed/target", Bind: from, Flags: MountReadOnly}), "cat "+dir+"/closed/target/file")
		wantText(t, from, got, "text")
	}
}

// A flag that sprog does not know of stays when others are set: links on the mount are not followed.
func TestViewKeepsFlagsOfSources(t *testing.T) {
	requires(t, asRoot, linux(5, 14))
	if !ownProcess(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS} }) {
		return
	}
	dir := t.TempDir()
	must(os.WriteFile(dir+"/file", nil, 0o644))
	must(os.Symlink("file", dir+"/link"))
	must(unix.Mount(dir, dir, "", unix.MS_BIND, ""))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	must(unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_NOSYMFOLLOW, ""))
	for _, prepare := range []func(*Cmd){
		viewedByRoot(nil, Mount{Target: "/mnt", Bind: dir, Flags: MountReadOnly}), viewed(nil, Mount{Target: "/mnt", Bind: dir, Flags: MountReadOnly | MountNoSUID}),
	} {
		got := seen(t, prepare, "cat /mnt/link")
		if !strings.Contains(got, "Too many levels of symbolic links") {
			t.Errorf("a link is followed: %q", got)
		}
	}
}

// tries is how often an attack is tried.
func tries(whole int) int {
	return max(fewer(whole), 20)
}
