//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
)

// lacking makes starts those on a kernel that lacks something.
func lacking(t *testing.T, what kernel.Missing) {
	before := kernel.Known.Lacks.Load()
	t.Cleanup(func() { kernel.Known.Lacks.Store(before) })
	kernel.Known.Lacks.Store(before | uint32(what))
}

// Without the calls for mounts by descriptors, and without openat2, a view is the same.
func TestViewByMount(t *testing.T) {
	for name, lacks := range map[string]kernel.Missing{
		"mount": kernel.NoMountSetattr, "mount, and openat": kernel.NoMountSetattr | kernel.NoOpenat2, "openat": kernel.NoOpenat2,
	} {
		t.Run(name, func(t *testing.T) {
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
		viewedByRoot(nil, Mount{Target: dir, Flags: MountReadOnly}), viewedByRoot(&Root{Dir: dir, Flags: MountReadOnly}),
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

// A filter that denies the calls is met by the first start, which goes another way, and so do the later ones.
func TestViewLearnsOfMissingCalls(t *testing.T) {
	requires(t, userNamespaces)
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
	requires(t, asRoot)
	if !ownProcess(t, func(*exec.Cmd) {}) {
		return
	}
	doWithout(t, []string{"openat2"})
	view := viewedByRoot(&Root{Empty: true}, append(fromHost(), Mount{Target: "/proc", Proc: &Proc{}}, Mount{Target: "/dev", Dev: &Dev{}},
		Mount{Target: "/mnt/a/b", Tmpfs: &Tmpfs{}}, Mount{Target: "/mnt/a/b/c/d", Data: []byte("x")}, Mount{Target: "/mnt/a", Flags: MountReadOnly})...)
	wantText(t, "the view", seen(t, view, "cat /mnt/a/b/c/d; echo >/proc/sys/kernel/hostname"), "x/bin/sh: 1: cannot create /proc/sys/kernel/hostname: Read-only file system\n")
}
