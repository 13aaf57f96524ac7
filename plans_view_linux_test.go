//go:build amd64 || arm64

package sprog

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/launch"
)

// viewed is a command with a view, in namespaces of its own, for which it takes no rights.
func viewed(root *Root, mounts ...Mount) func(*Cmd) {
	return func(c *Cmd) {
		c.Attr, c.Dir = &Attr{Root: root, Mounts: mounts}, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
			UidMappings: toRoot, GidMappings: toRoot}
	}
}

// viewedByRoot is one of somebody who may mount.
func viewedByRoot(root *Root, mounts ...Mount) func(*Cmd) {
	return func(c *Cmd) {
		viewed(root, mounts...)(c)
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
}

// exeIsSafeAs makes plans those of a process whose executable the program could not write to, or could.
func exeIsSafeAs(t *testing.T, safe bool) {
	before := launch.ExeIsSafe
	t.Cleanup(func() { launch.ExeIsSafe = before })
	launch.ExeIsSafe = func() bool { return safe }
}

// clonesTreesAs makes plans those of a process that may make mounts itself, or may not.
func clonesTreesAs(t *testing.T, may bool) {
	before := launch.ClonesTrees
	t.Cleanup(func() { launch.ClonesTrees = before })
	launch.ClonesTrees = func() bool { return may }
}

// plansOfViews are those of a process whose executable is others', so that they have one stage; f is a
// file of the caller's.
func plansOfViews(f *os.File) []planCase {
	sticky := uint32(0o1777)
	return []planCase{
		{"view-host", viewed(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{Mode: &sticky, Size: 1 << 20, Inodes: 100, Huge: "never"}})},
		{"view-host-read-only", viewed(&Root{Host: true, Flags: MountReadOnly | MountNoSUID}, Mount{Bind: "/srv/project"}, Mount{Target: "/proc", Proc: &Proc{}})},
		{"view-empty", viewed(&Root{Empty: true}, Mount{Bind: "/usr", Flags: MountReadOnly}, Mount{Target: "/bin", Symlink: "usr/bin"},
			Mount{Target: "/bin/tool", Bind: "/opt/tool"}, Mount{Target: "/var/lib/app", Dir: true})},
		{"view-rootfs", viewed(&Root{Dir: "/srv/rootfs", Flags: MountReadOnly}, Mount{Target: "/proc", Proc: &Proc{Hide: ProcHidePtraceable, PIDsOnly: true}},
			Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"null", "zero"}}}, Mount{Target: "/dev/mqueue", Kernel: KernelMqueue})},
		{"view-at-root", viewed(nil, Mount{Bind: "/", Flags: MountReadOnly}, Mount{Target: "/srv", Tmpfs: &Tmpfs{}, Flags: MountReadOnly}, Mount{Target: "/srv/a", Bind: "/a"})},
		{"view-overlays", viewed(&Root{Overlay: &Overlay{Lower: []string{"/srv/a", "/srv/b"}}},
			Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a:b"}, Upper: "/srv/upper", Work: "/srv/work"}, Optional: true},
			Mount{Target: "/p", Overlay: &Overlay{Lower: []string{"/c"}, Private: true}})},
		{"view-copies", viewedByRoot(nil, Mount{Target: "/etc/app.conf", Data: []byte("a = 1\n"), Mode: mask(0o640), Copy: true},
			Mount{Target: "/etc/app.conf", Mode: mask(0o400)})},
		{"view-data-and-masks", viewedByRoot(nil, Mount{Target: "/etc/app.conf", Data: []byte("a = 1\n"), Create: true}, Mount{Target: "/proc/kcore", Mask: true})},
		{"view-optional", viewed(&Root{Empty: true}, Mount{Bind: "/maybe", Optional: true}, Mount{Target: "/maybe/below", Tmpfs: &Tmpfs{}})},
		{"view-flags", viewedByRoot(nil, Mount{Target: "/usr", Flags: MountReadOnly | MountNoAtime, Shallow: true}, Mount{Target: "/maybe", Clear: MountNoExec, Optional: true},
			Mount{Target: "/", Flags: MountNoSUID}, Mount{Target: "/srv", Bind: "/opt", Flags: MountNoSymlinks, Propagation: PropagationSlave})},
		{"view-fallbacks", viewed(&Root{Empty: true, Propagation: PropagationSlave}, Mount{Target: "/proc", Proc: &Proc{Fallback: ProcOfCaller}}, Mount{Target: "/p", Proc: &Proc{Fallback: ProcEmpty}})},
		{"view-kernel", viewedByRoot(&Root{Empty: true}, Mount{Target: "/sys", Kernel: KernelSysfs}, Mount{Target: "/sys/fs/cgroup", Kernel: KernelCgroup2}, Mount{Target: "/pts", Kernel: KernelDevpts})},
		{"view-file", viewedByRoot(&Root{Empty: true}, Mount{Target: "/f", File: f, Flags: MountReadOnly})},
		{"view-file-by-path", viewed(&Root{Empty: true}, Mount{Target: "/f", File: f, Flags: MountReadOnly})},
		{"view-dir", func(c *Cmd) {
			viewed(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})(c)
			c.SysProcAttr.Cloneflags, c.SysProcAttr.Unshareflags = syscall.CLONE_NEWUSER, syscall.CLONE_NEWNS
			c.Attr.ForbidUserNamespaces, c.Attr.Umask = true, mask(0o27)
		}},
		{"dirs", by(&Attr{Dirs: []string{"/first", "/second"}})},
		{"look-path", func(c *Cmd) {
			c.Path, c.Env, c.Attr = "app", []string{"PATH=/usr/bin:.:/bin", "PWD=/"}, &Attr{LookPath: true, Dirs: []string{"/"}}
		}},
		{"view-init", func(c *Cmd) {
			viewed(&Root{Dir: "/srv/rootfs"}, Mount{Target: "/proc", Proc: &Proc{}})(c)
			c.Attr.Init = &Init{}
		}},
	}
}

// A program that could get at the caller's executable through its view is started by an image.
func TestPlanOfViewHasTwoStages(t *testing.T) {
	startedPlainly(t)
	exeIsSafeAs(t, false)
	for name, root := range map[string]*Root{"empty": {Empty: true}, "host": {Host: true}} {
		p, err := planned(viewed(root)).Plan()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(p.String(), "sprog/second") {
			t.Errorf("%s: the plan has one stage; want two:\n%s", name, p)
		}
	}
}
