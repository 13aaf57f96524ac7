//go:build amd64 || arm64

package sprog

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/kernel"
)

// ofView is a case of a view, in namespaces that every user may make. It executes a static program.
func ofView(root *Root, mounts ...Mount) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Root: root, Mounts: mounts}
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET | syscall.CLONE_NEWCGROUP,
			UidMappings: uidToRoot, GidMappings: gidToRoot,
		}
	}
}

// inTemp adds mounts that a directory of the test's is the source of.
func inTemp(prepare func(*testing.T, *Cmd), more func(dir string) []Mount) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		prepare(t, c)
		dir := t.TempDir()
		for _, sub := range []string{"a", "b", "upper", "work"} {
			must(os.Mkdir(filepath.Join(dir, sub), 0o755))
		}
		must(os.WriteFile(filepath.Join(dir, "a/file"), []byte("text"), 0o644))
		c.Attr.Mounts = append(c.Attr.Mounts, more(dir)...)
	}
}

// fromHost are the mounts with which a program of the system runs.
func fromHost() []Mount { return SystemMounts(MountReadOnly) }

var casesOfViews = []startCase{
	{"view of the host", []*requirement{userNamespaces}, ofView(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})},
	{"view of a read-only host", []*requirement{userNamespaces, freshProc, mountSetattr}, ofView(&Root{Host: true, Flags: MountReadOnly | MountNoSUID},
		Mount{Target: "/proc", Proc: &Proc{}}, Mount{Target: "/dev", Dev: &Dev{}})},
	{"view of nothing", []*requirement{userNamespaces}, ofView(&Root{Empty: true}, append(fromHost(),
		Mount{Target: "/a/b", Dir: true}, Mount{Target: "/a/b/c", Data: []byte("text")}, Mount{Target: "/l", Symlink: "a"},
		Mount{Target: "/l/d", Bind: "/etc/passwd"}, Mount{Bind: "/no/such", Optional: true}, Mount{Target: "/no/such/t", Tmpfs: &Tmpfs{}, Flags: MountReadOnly},
		Mount{Target: "/a/b/c", Mask: true}, Mount{Target: "/mq", Kernel: KernelMqueue}, Mount{Target: "/pts", Kernel: KernelDevpts},
		Mount{Target: "/usr", Flags: MountNoSUID, Propagation: PropagationSlave},
		Mount{Target: "/a/copy", Data: []byte("text"), Copy: true, Mode: new(uint32(0o640))}, Mount{Target: "/a/copy", Mode: new(uint32(0o400))})...)},
	{"view of a bind at /", []*requirement{userNamespaces, mountSetattr}, ofView(nil, Mount{Bind: "/", Flags: MountReadOnly}, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})},
	{"view of overlays", []*requirement{userNamespaces, userOverlays, mountSetattr}, inTemp(ofView(&Root{Empty: true}, fromHost()...), func(dir string) []Mount {
		return []Mount{{Target: "/private", Overlay: &Overlay{Lower: []string{dir + "/a"}, Private: true}},
			{Target: "/read", Overlay: &Overlay{Lower: []string{dir + "/a", dir + "/b"}}, Optional: true},
			{Target: "/named", Overlay: &Overlay{Lower: []string{dir + "/a"}, Upper: dir + "/upper", Work: dir + "/work"}}}
	})},
	{"view of created targets", []*requirement{userNamespaces}, inTemp(ofView(nil), func(dir string) []Mount {
		return []Mount{{Target: dir + "/b/new/dir", Tmpfs: &Tmpfs{}, Create: true}, {Target: dir + "/b/new/file", Bind: dir + "/a/file", Create: true},
			{Target: dir + "/a/file", Mask: true}}
	})},
	{"view by mount(2)", []*requirement{userNamespaces, freshProc}, func(t *testing.T, c *Cmd) {
		lacking(t, kernel.NoMountSetattr)
		ofView(&Root{Empty: true}, append(fromHost(), Mount{Target: "/proc", Proc: &Proc{Fallback: ProcEmpty}}, Mount{Target: "/dev", Dev: &Dev{Nodes: []string{"null"}}},
			Mount{Target: "/data", Data: []byte("x")}, Mount{Target: "/data", Mask: true}, Mount{Target: "/etc", Flags: MountNoExec})...)(t, c)
	}},
	{"view by mount(2) and openat", []*requirement{userNamespaces}, inTemp(func(t *testing.T, c *Cmd) {
		lacking(t, kernel.NoMountSetattr|kernel.NoOpenat2)
		exeIsSafeAs(t, true)
		ofView(nil, Mount{Target: "/tmp", Tmpfs: &Tmpfs{}})(t, c)
	}, func(dir string) []Mount { return []Mount{{Target: "/tmp/a/b", Bind: dir, Flags: MountReadOnly}} })},
	{"view in one stage", []*requirement{userNamespaces}, func(t *testing.T, c *Cmd) {
		exeIsSafeAs(t, true)
		ofView(&Root{Empty: true}, append(fromHost(), Mount{Target: "/tmp", Tmpfs: &Tmpfs{}}, Mount{Target: "/data", Data: []byte("x")})...)(t, c)
	}},
	{"program and directory looked for", nil, func(_ *testing.T, c *Cmd) {
		c.Path, c.Env, c.Attr = "true", []string{"PATH=/no/such:/bin", "PWD=x"}, &Attr{LookPath: true, Dirs: []string{"/no/such", "/"}}
	}},
	{"view by the second stage", []*requirement{userNamespaces, freshProc}, func(t *testing.T, c *Cmd) {
		ofView(&Root{Empty: true}, append(fromHost(), Mount{Target: "/proc", Proc: &Proc{Fallback: ProcEmpty}})...)(t, c)
		c.Attr.Init = &Init{}
	}},
	{"view by root", []*requirement{asRoot}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{Root: &Root{Empty: true}, Mounts: append(fromHost(), Mount{Target: "/proc", Proc: &Proc{}}, Mount{Target: "/file", File: tempFile(t)})}
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}},
}

var (
	freshProc = &requirement{what: "a /proc that nothing is mounted over", works: func() error {
		c := Command("/bin/true")
		ofView(nil, Mount{Target: "/proc", Proc: &Proc{}})(nil, c)
		return c.Run()
	}, expected: func() bool { return userNamespaces.works() == nil && len(mountedOver("/proc")) == 0 }}
	mountSetattr = &requirement{what: "mount_setattr, Linux 5.12", works: func() error { return linux(5, 12).works() }}
	userOverlays = &requirement{what: "overlays in user namespaces, Linux 5.11", works: func() error { return linux(5, 11).works() }}
)
