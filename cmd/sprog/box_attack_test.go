//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// An attacked is a machine with something to be had: a home with a key, a project, servers.
type attacked struct {
	t                      *testing.T
	home, project, outside string
	path, abstract         string // of servers' sockets
	port                   int
	victim                 *exec.Cmd
}

// attack prepares one. Its directories are not in /tmp, which is another one in the box, if they need
// not be.
func attack(t *testing.T) *attacked {
	t.Helper()
	for _, name := range []string{"git", "unshare"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
	}
	if exec.Command("unshare", "--user", "true").Run() != nil {
		t.Skip("needs user namespaces")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := &attacked{t: t, home: dir + "/home", project: dir + "/home/project", outside: dir + "/outside", path: dir + "/socket", abstract: "sprog-box-test-" + filepath.Base(dir) + fmt.Sprint(os.Getpid())}
	for _, dir := range []string{a.home + "/.ssh", a.project, a.outside} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".ssh/id_ed25519", ".npmrc", ".netrc", ".bashrc", ".aws/credentials", ".config/git/credentials", ".config/git/config", ".m2/settings.xml", ".gem/credentials"} {
		if err := os.MkdirAll(filepath.Dir(a.home+"/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
		a.write(a.home+"/"+name, "# the key\n")
	}
	if out, err := exec.Command("git", "init", "-q", a.project).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	a.serve()
	a.victim = exec.Command("sleep", "1000")
	if err := a.victim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.victim.Process.Kill()
		a.victim.Wait()
	})
	return a
}

func (a *attacked) write(path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// serve answers everybody who connects.
func (a *attacked) serve() {
	for _, at := range [][2]string{{"unix", a.path}, {"unix", "@" + a.abstract}, {"tcp", "127.0.0.1:0"}} {
		l, err := net.Listen(at[0], at[1])
		if err != nil {
			a.t.Fatal(err)
		}
		a.t.Cleanup(func() { l.Close() })
		if tcp, is := l.Addr().(*net.TCPAddr); is {
			a.port = tcp.Port
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				fmt.Fprintln(c, "connected")
				c.Close()
			}
		}()
	}
}

// in runs a program in the box, or outside of it.
func (a *attacked) in(boxed bool, flags []string, program ...string) (string, error) {
	a.t.Helper()
	line := append(append([]string{"box"}, flags...), "--")
	if !boxed {
		line = []string{"run", "--"}
	}
	c := exec.Command("sprog", append(line, program...)...)
	c.Dir = a.project
	c.Env = append(os.Environ(), "HOME="+a.home)
	out, err := c.CombinedOutput()
	return string(out), err
}

// box-attack WHAT WITH...: try it, and say what came of it.
func boxAttack() {
	fmt.Println(boxAttacks[os.Args[1]](os.Args[2:]))
}

var boxAttacks = map[string]func([]string) string{
	"read":    func(a []string) string { b, err := os.ReadFile(a[0]); return said1(string(b), err) },
	"write":   func(a []string) string { return said1("", os.WriteFile(a[0], []byte("x"), 0o755)) },
	"rename":  func(a []string) string { return said1("", os.Rename(a[0], a[1])) },
	"remove":  func(a []string) string { return said1("", os.Remove(a[0])) },
	"connect": attackSocket,
	"kill":    func(a []string) string { return said1("", unix.Kill(number1(a[0]), unix.SIGTERM)) },
	"ptrace":  func(a []string) string { return said1("", unix.PtraceAttach(number1(a[0]))) },
	"mount":   func(a []string) string { return said1("", unix.Mount("none", a[0], "tmpfs", 0, "")) },
	"unmount": func(a []string) string { return said1("", unix.Unmount(a[0], unix.MNT_DETACH)) },
	"remount": func(a []string) string {
		return said1("", unix.Mount("", a[0], "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	},
	"setattr": func(a []string) string {
		return said1("", unix.MountSetattr(unix.AT_FDCWD, a[0], 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}))
	},
	"tiocsti": func([]string) string { return attackTerminal(unix.TIOCSTI) },
	"high": func([]string) string {
		return attackTerminal(unix.TIOCSTI | uintptr(1)<<(unsafe.Sizeof(uintptr(0))*8-24))
	},
	"socket": func(a []string) string {
		_, err := unix.Socket(number1(a[0]), unix.SOCK_STREAM, 0)
		return said1("", err)
	},
	"mknod": func(a []string) string {
		return said1("", unix.Mknod(a[0], unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))))
	},
	"chroot": func(a []string) string { return said1("", unix.Chroot(a[0])) },
	"bpf": func([]string) string {
		_, _, e := unix.Syscall(unix.SYS_BPF, 0, 0, 0)
		return said1("", e)
	},
	"keyctl": func([]string) string {
		_, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, false)
		return said1("", err)
	},
	"iouring": func([]string) string {
		_, _, e := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return said1("", e)
	},
}

func said1(text string, err error) string {
	if err != nil && err != syscall.Errno(0) {
		return "denied: " + err.Error()
	}
	return "done: " + text
}

func number1(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

func attackSocket(a []string) string {
	c, err := net.Dial(a[0], a[1])
	if err != nil {
		return said1("", err)
	}
	var b [9]byte
	c.Read(b[:])
	return said1(string(b[:]), nil)
}

// attackTerminal types a letter. Without a terminal the kernel answers ENOTTY, and a filter before that
// EPERM.
func attackTerminal(command uintptr) string {
	x := byte('x')
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, 0, command, uintptr(unsafe.Pointer(&x)))
	return said1("", errno)
}

// Each attack fails in the box, by the error that is meant to stop it, and nothing has changed outside.
// Where it can be tried without harm, it works outside: else the test would show nothing.
func TestBoxAttacks(t *testing.T) {
	a := attack(t)
	victim := fmt.Sprint(a.victim.Process.Pid)
	const refused, missing, readOnly, busy, forbidden = "connection refused", "no such file or directory", "read-only file system", "device or resource busy", "operation not permitted"
	for _, attempt := range sweep.Drawn(t, []struct {
		line, denied string
		outside      bool // it works there
	}{
		{"read " + a.home + "/.ssh/id_ed25519", missing, true},
		{"read " + a.home + "/.npmrc", missing, true},
		{"read " + a.home + "/.netrc", missing, true},
		{"read " + a.home + "/.bashrc", missing, true},
		{"read " + a.home + "/.aws/credentials", missing, true},
		{"read " + a.home + "/.config/git/credentials", missing, true},
		{"read " + a.home + "/.m2/settings.xml", missing, true},
		{"read " + a.home + "/.gem/credentials", missing, true},
		{"read /proc/1/root" + a.home + "/.ssh/id_ed25519", "", false},
		{"read /proc/" + victim + "/cmdline", missing, true},
		{"connect unix " + a.path, missing, true},
		{"connect unix @" + a.abstract, refused, true},
		{"connect tcp 127.0.0.1:" + fmt.Sprint(a.port), refused, true},
		{"connect tcp 192.0.2.1:80", "network is unreachable", false},
		{"connect unix /var/run/docker.sock", missing, false},
		{"connect unix /run/docker.sock", missing, false},
		{"write .git/hooks/pre-commit", readOnly, false},
		{"write .git/config", readOnly, false},
		{"remove .git/config", busy, false},
		{"rename .git .gone", busy, false},
		{"rename .git/hooks .git/gone", busy, false},
		{"rename .git/config .git/gone", busy, false},
		{"write /usr/sprog-box-test", readOnly, false},
		{"write /etc/sprog-box-test", "", false},
		{"write /proc/sys/kernel/core_pattern", "", false},
		{"write /proc/sysrq-trigger", "", false},
		{"kill " + victim, "no such process", false},
		{"ptrace " + victim, "no such process", false},
		{"mount /mnt", forbidden, false},
		{"unmount /home", forbidden, false},
		{"remount /", forbidden, false},
		{"setattr /", forbidden, false},
		{"tiocsti", forbidden, false},
		{"high", forbidden, false},
		{"socket 40", "address family not supported by protocol", false},
		{"socket 38", "address family not supported by protocol", false},
		{"mknod disk", forbidden, false},
		{"chroot .", forbidden, false},
		{"bpf", forbidden, false},
		{"keyctl", forbidden, false},
		{"iouring", forbidden, false},
	}) {
		program := append([]string{"box-attack"}, strings.Fields(attempt.line)...)
		if attempt.outside {
			if out, err := a.in(false, nil, program...); err != nil || !strings.HasPrefix(out, "done: ") {
				t.Errorf("%s outside of the box: %q, %v; want it done", attempt.line, out, err)
			}
		}
		out, err := a.in(true, nil, program...)
		if err != nil || !strings.HasPrefix(out, "denied: ") || !strings.Contains(out, attempt.denied) {
			t.Errorf("%s in the box: %q, %v; want it denied with %q", attempt.line, out, err, attempt.denied)
		}
	}
	if out, err := a.in(false, nil, "unshare", "--user", "true"); err != nil {
		t.Errorf("a user namespace outside of the box: %v: %s", err, out)
	}
	if out, err := a.in(true, nil, "unshare", "--user", "true"); err == nil {
		t.Errorf("a user namespace in the box is made: %s", out)
	}
	if err := a.victim.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the process outside: %v", err)
	}
	for _, path := range []string{"/usr/sprog-box-test", "/etc/sprog-box-test", "/dev/sprog-box-test", a.project + "/.gone"} {
		if _, err := os.Lstat(path); err == nil {
			os.Remove(path)
			t.Errorf("%s has been made", path)
		}
	}
}

// With the network, what else is on this machine stays out of reach.
func TestBoxWithNetwork(t *testing.T) {
	a := attack(t)
	for line, want := range map[string]string{
		"connect tcp 127.0.0.1:" + fmt.Sprint(a.port): "done: connected",
		"connect unix @" + a.abstract:                 "denied: ",
		"connect unix " + a.path:                      "denied: ",
		"kill " + fmt.Sprint(a.victim.Process.Pid):    "denied: ",
	} {
		if strings.Contains(line, "@") && landlockABI() < 6 {
			continue
		}
		out, err := a.in(true, []string{"--net"}, append([]string{"box-attack"}, strings.Fields(line)...)...)
		if err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%s: %q, %v; want %q", line, out, err, want)
		}
	}
}

// A program cannot make a later box wider by what it leaves in the project.
func TestBoxIsNotWidened(t *testing.T) {
	a := attack(t)
	repository := a.outside + "/repository"
	if out, err := exec.Command("git", "init", "-q", repository).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	os.MkdirAll(a.home+"/.ssh/worktrees/x", 0o755)
	for _, target := range sweep.Drawn(t, []string{repository + "/.git", a.home + "/.ssh", a.home + "/.ssh/worktrees/x", "/etc", "../../../outside/repository/.git"}) {
		os.MkdirAll(a.project+"/sub", 0o755)
		a.write(a.project+"/sub/.git", "gitdir: "+target+"\n")
		for _, path := range []string{repository + "/.git/hooks/pre-commit", a.home + "/.ssh/authorized_keys", "/etc/sprog-box-test"} {
			a.in(true, nil, "box-attack", "write", path)
			if _, err := os.Lstat(path); err == nil {
				os.Remove(path)
				t.Errorf("with a .git that leads to %s, %s has been made", target, path)
			}
		}
		if out, _ := a.in(true, nil, "box-attack", "read", a.home+"/.ssh/id_ed25519"); !strings.HasPrefix(out, "denied") {
			t.Errorf("with a .git that leads to %s, the key is read: %s", target, out)
		}
	}
	// A link in the place of a cache, or of what is protected.
	os.RemoveAll(a.project + "/sub")
	if err := os.Symlink(a.home+"/.ssh", a.project+"/.vscode"); err != nil {
		t.Fatal(err)
	}
	if out, _ := a.in(true, nil, "box-attack", "read", ".vscode/id_ed25519"); !strings.HasPrefix(out, "denied") {
		t.Errorf("by a link in the project the key is read: %s", out)
	}
}

// In a worktree the repository is elsewhere: git works there, and what it executes is protected as
// well.
func TestBoxInAWorktree(t *testing.T) {
	sweep.Long(t)
	a := attack(t)
	worktree := a.home + "/worktree"
	for _, args := range [][]string{{"-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "first"}, {"worktree", "add", "-q", worktree}} {
		c := exec.Command("git", args...)
		c.Dir = a.project
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	main := a.project
	a.project = worktree
	if out, err := a.in(true, nil, "git", "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "second"); err != nil {
		t.Errorf("a commit in the worktree: %v: %s", err, out)
	}
	for line, want := range map[string]string{
		"write .git": "read-only file system", "rename .git .gone": "busy",
		"write " + main + "/.git/hooks/pre-commit": "read-only file system", "write " + main + "/.git/config": "read-only file system",
		"rename " + main + "/.git " + main + "/.gone":                                       "busy",
		"write " + main + "/.git/worktrees/worktree/commondir":                              "read-only file system",
		"rename " + main + "/.git/worktrees/worktree " + main + "/.git/worktrees/elsewhere": "busy",
	} {
		out, err := a.in(true, nil, append([]string{"box-attack"}, strings.Fields(line)...)...)
		if err != nil || !strings.HasPrefix(out, "denied: ") || !strings.Contains(out, want) {
			t.Errorf("%s: %q, %v; want %q", line, out, err, want)
		}
	}
}

// What others may not read in the system's directories is hidden, also where root owns it. What the caller asks
// for is not.
func TestBoxHidesWhatOthersMayNotRead(t *testing.T) {
	sweep.Long(t)
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	a := attack(t)
	dir, err := os.MkdirTemp("/etc", "sprog-box-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	for _, mode := range []os.FileMode{0o644, 0o640, 0o600} {
		path := fmt.Sprintf("%s/%o", dir, mode)
		a.write(path, "text")
		os.Chmod(path, mode)
		if out, _ := a.in(true, nil, "box-attack", "read", path); strings.Contains(out, "text") != (mode == 0o644) {
			t.Errorf("a file of mode %o: %s", mode, out)
		}
	}
	os.Chmod(dir, 0o700)
	if out, _ := a.in(true, nil, "box-attack", "read", dir+"/644"); strings.Contains(out, "text") {
		t.Errorf("in a closed directory: %s", out)
	}
	if out, _ := a.in(true, []string{"--ro", dir}, "box-attack", "read", dir+"/600"); !strings.Contains(out, "text") {
		t.Errorf("with --ro: %s", out)
	}
	for _, path := range []string{"/proc/kallsyms", "/proc/kpageflags", "/proc/slabinfo"} {
		out, _ := a.in(true, nil, "box-attack", "read", path)
		out, _, _ = strings.Cut(out, "\n") // behind it, a program under a coverage test complains
		if out != "done: " && !strings.HasPrefix(out, "denied") {
			t.Errorf("%s is read: %.40q", path, out)
		}
	}
}
