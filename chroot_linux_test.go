//go:build amd64 || arm64

package sprog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/pathwalk"
)

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
