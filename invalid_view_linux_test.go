//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"
	"testing"
)

// What no view can be is refused before anything is made.
func TestBadViews(t *testing.T) {
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	one := func(m Mount) func(*Cmd) { return viewed(nil, m) }
	of := func(r Root) func(*Cmd) { return viewed(&r) }
	also := func(prepare func(*Cmd), more func(*Cmd)) func(*Cmd) {
		return func(c *Cmd) { prepare(c); more(c) }
	}
	tmpfs, proc := Mount{Target: "/t", Tmpfs: &Tmpfs{}}, Mount{Target: "/p", Proc: &Proc{}}
	mode := uint32(0o10000)
	wantRefused(t, []badStart{
		{"no namespace", by(&Attr{Mounts: []Mount{tmpfs}}), syscall.EINVAL, "(Attr.Mounts): needs a new mount namespace: CLONE_NEWNS in Cloneflags or Unshareflags"},
		{"root without namespace", by(&Attr{Root: &Root{Empty: true}}), syscall.EINVAL, "(Attr.Root): needs a new mount namespace: CLONE_NEWNS in Cloneflags or Unshareflags"},
		{"Chroot", also(of(Root{Empty: true}), func(c *Cmd) { c.SysProcAttr.Chroot = "/" }), syscall.EINVAL,
			"(Attr.Root): cannot be combined with SysProcAttr.Chroot: both change the root directory"},
		{"Chroot and Mounts", also(one(tmpfs), func(c *Cmd) { c.SysProcAttr.Chroot = "/" }), syscall.EINVAL,
			"(Attr.Mounts): cannot be combined with SysProcAttr.Chroot: make the directory the root by Root.Dir"},
		{"DirFile", also(one(tmpfs), func(c *Cmd) { c.Dir, c.Attr.DirFile = "", null }), syscall.EINVAL,
			"(Attr.DirFile): cannot be combined with a new mount namespace: the program would be in another one"},
		{"two roots", of(Root{Empty: true, Host: true}), syscall.EINVAL, "(Attr.Root): needs one of Host, Empty, Dir, File and Overlay"},
		{"no root", of(Root{}), syscall.EINVAL, "(Attr.Root): needs one of Host, Empty, Dir, File and Overlay"},
		{"root's NUL", of(Root{Dir: "a\x00"}), syscall.EINVAL, `"a\x00" (Attr.Root.Dir): contains a NUL byte`},
		{"root's flags", of(Root{Empty: true, Flags: 1 << 20}), syscall.EINVAL, "0x100000 (Attr.Root.Flags): is no flag of a mount"},
		{"root's propagation", of(Root{Empty: true, Propagation: PropagationShared}), syscall.EINVAL, "3 (Attr.Root.Propagation): is neither private nor slave"},
		{"root's overlay", of(Root{Overlay: &Overlay{}}), syscall.EINVAL, "(Attr.Root.Overlay.Lower): needs at least one directory"},

		{"no target", one(Mount{Tmpfs: &Tmpfs{}}), syscall.EINVAL, "(Attr.Mounts[0]): needs a Target"},
		{"relative target", one(Mount{Target: "a", Dir: true}), syscall.EINVAL, "a (Attr.Mounts[0].Target): is no absolute path"},
		{"relative bind", one(Mount{Bind: "a"}), syscall.EINVAL, "a (Attr.Mounts[0]): needs a Target: Bind is no absolute path"},
		{"dots", one(Mount{Target: "/a/../b", Dir: true}), syscall.EINVAL, `/a/../b (Attr.Mounts[0].Target): has ".." in it`},
		{"target's NUL", one(Mount{Target: "/\x00", Dir: true}), syscall.EINVAL, `"/\x00" (Attr.Mounts[0]): contains a NUL byte`},
		{"bind's NUL", one(Mount{Target: "/a", Bind: "\x00"}), syscall.EINVAL, `"\x00" (Attr.Mounts[0].Bind): contains a NUL byte`},
		{"link's NUL", one(Mount{Target: "/a", Symlink: "\x00"}), syscall.EINVAL, `"\x00" (Attr.Mounts[0].Symlink): contains a NUL byte`},
		{"two sources", one(Mount{Target: "/a", Bind: "/b", Dir: true}), syscall.EINVAL, "/a (Attr.Mounts[0]): has both Bind and Dir"},
		{"nothing to do", one(Mount{Target: "/a"}), syscall.EINVAL, "/a (Attr.Mounts[0]): does nothing: it has neither a source nor Flags, Clear, Propagation or Mode"},
		{"unknown flag", one(Mount{Target: "/a", Flags: 1 << 9}), syscall.EINVAL, "0x200 (Attr.Mounts[0]): is no flag of a mount"},
		{"set and cleared", one(Mount{Target: "/a", Flags: 3, Clear: 1}), syscall.EINVAL, "/a (Attr.Mounts[0]): has the same flag in Flags and Clear"},
		{"flags of a directory", one(Mount{Target: "/a", Dir: true, Flags: 1}), syscall.EINVAL, "/a (Attr.Mounts[0]): Dir is no mount, which flags could be set on"},
		{"propagation of a link", one(Mount{Target: "/a", Symlink: "b", Propagation: 1}), syscall.EINVAL, "/a (Attr.Mounts[0]): Symlink is no mount, which propagation could be set on"},
		{"propagation", one(Mount{Target: "/a", Propagation: 9}), syscall.EINVAL, "9 (Attr.Mounts[0].Propagation): is no kind of propagation"},
		{"mode of a bind", one(Mount{Bind: "/a", Mode: &mode}), syscall.EINVAL, "/a (Attr.Mounts[0].Mode): is for Data, Dir and what is there"},
		{"mode and flags", one(Mount{Target: "/a", Mode: new(uint32(0o700)), Flags: MountReadOnly}), syscall.EINVAL, "/a (Attr.Mounts[0].Mode): cannot be changed together with flags: it is the file's, and they are the mount's"},
		{"copy of a tmpfs", one(Mount{Target: "/a", Tmpfs: &Tmpfs{}, Copy: true}), syscall.EINVAL, "/a (Attr.Mounts[0].Copy): is for Data"},
		{"copy with flags", one(Mount{Target: "/a", Data: []byte{}, Copy: true, Flags: MountReadOnly}), syscall.EINVAL, "/a (Attr.Mounts[0].Copy): makes no mount, which flags or propagation could be set on"},
		{"mode", one(Mount{Target: "/a", Dir: true, Mode: &mode}), syscall.EINVAL, "010000 (Attr.Mounts[0].Mode): has more than permission bits"},
		{"optional tmpfs", one(Mount{Target: "/t", Tmpfs: &Tmpfs{}, Optional: true}), syscall.EINVAL, "/t (Attr.Mounts[0].Optional): is for a source that may not exist: Tmpfs always does"},
		{"created mask", one(Mount{Target: "/t", Mask: true, Create: true}), syscall.EINVAL, "/t (Attr.Mounts[0].Create): is for a source to be put there"},
		{"shallow tmpfs", one(Mount{Target: "/t", Tmpfs: &Tmpfs{}, Shallow: true}), syscall.EINVAL, "/t (Attr.Mounts[0].Shallow): is for Bind, File and flags"},
		{"shallow bind", one(Mount{Bind: "/t", Shallow: true}), syscall.EINVAL,
			"/t (Attr.Mounts[0].Shallow): cannot be combined with a new user namespace: the kernel does not uncover there what a mount hides"},
		{"ids of a tmpfs", one(Mount{Target: "/t", Tmpfs: &Tmpfs{}, IDMap: &MountIDMap{}}), syscall.EINVAL, "/t (Attr.Mounts[0].IDMap): is for Bind and File"},
		{"no ids", one(Mount{Bind: "/t", IDMap: &MountIDMap{}}), syscall.EINVAL, "(Attr.Mounts[0].IDMap): needs UIDs and GIDs"},
		{"bad ids", one(Mount{Bind: "/t", IDMap: &MountIDMap{UIDs: []IDRange{{}}, GIDs: []IDRange{{}}}}), syscall.EINVAL,
			"0 0 0 (Attr.Mounts[0].IDMap.UIDs[0]): maps nothing: its size is not positive"},
		{"ids", one(Mount{Bind: "/t", IDMap: &MountIDMap{UIDs: []IDRange{{Size: 1}}, GIDs: []IDRange{{Size: 1}}}}), syscall.EINVAL,
			"/t (Attr.Mounts[0].IDMap): is not there yet: the files would keep their ids"},
		{"propagation of the root", one(Mount{Target: "/", Propagation: PropagationSlave}), syscall.EINVAL,
			"/ (Attr.Mounts[0].Propagation): of the root directory is Root.Propagation"},

		{"size", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Size: -1}}), syscall.EINVAL, "-1 (Attr.Mounts[0].Tmpfs.Size): is negative"},
		{"inodes", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Inodes: -1}}), syscall.EINVAL, "-1 (Attr.Mounts[0].Tmpfs.Inodes): is negative"},
		{"tmpfs's mode", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Mode: &mode}}), syscall.EINVAL, "010000 (Attr.Mounts[0].Tmpfs.Mode): has more than permission bits"},
		{"huge", one(Mount{Target: "/t", Tmpfs: &Tmpfs{Huge: "yes"}}), syscall.EINVAL, `"yes" (Attr.Mounts[0].Tmpfs.Huge): is none of never, always, within_size and advise`},
		{"hide", one(Mount{Target: "/p", Proc: &Proc{Hide: 9}}), syscall.EINVAL, "9 (Attr.Mounts[0].Proc.Hide): is no value of hidepid"},
		{"fallback", one(Mount{Target: "/p", Proc: &Proc{Fallback: 9}}), syscall.EINVAL, "9 (Attr.Mounts[0].Proc.Fallback): is no fallback"},
		{"caller's proc", viewedByRoot(nil, Mount{Target: "/p", Proc: &Proc{Fallback: ProcOfCaller}}), syscall.EINVAL,
			"(Attr.Mounts[0].Proc.Fallback): of the caller's /proc needs a new user namespace: /proc/PID/root of a process outside would lead out of the view"},
		{"proc of others", also(one(proc), func(c *Cmd) { c.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWPID }), syscall.EINVAL,
			"/p (Attr.Mounts[0].Proc): needs a new PID namespace in a new user namespace: the caller's belongs to another one"},
		{"sysfs of others", one(Mount{Target: "/s", Kernel: KernelSysfs}), syscall.EINVAL,
			"/s (Attr.Mounts[0].Kernel): needs a new network namespace in a new user namespace: the caller's belongs to another one"},
		{"cgroups of others", one(Mount{Target: "/c", Kernel: KernelCgroup2}), syscall.EINVAL,
			"/c (Attr.Mounts[0].Kernel): needs a new cgroup namespace in a new user namespace: the caller's belongs to another one"},
		{"queues of others", also(one(Mount{Target: "/q", Kernel: KernelMqueue}), func(c *Cmd) { c.SysProcAttr.Cloneflags &^= syscall.CLONE_NEWIPC }), syscall.EINVAL,
			"/q (Attr.Mounts[0].Kernel): needs a new IPC namespace in a new user namespace: the caller's belongs to another one"},
		{"unknown file system", one(Mount{Target: "/k", Kernel: 99}), syscall.EINVAL, "99 (Attr.Mounts[0].Kernel): is no file system"},
		{"device's name", one(Mount{Target: "/d", Dev: &Dev{Nodes: []string{"null", "../sda"}}}), syscall.EINVAL, `"../sda" (Attr.Mounts[0].Dev.Nodes[1]): is no name in /dev`},
		{"device twice", one(Mount{Target: "/d", Dev: &Dev{Nodes: []string{"null", "null"}}}), syscall.EINVAL, "null (Attr.Mounts[0].Dev.Nodes[1]): is there already"},
		{"own name", one(Mount{Target: "/d", Dev: &Dev{Nodes: []string{"shm"}}}), syscall.EINVAL, "shm (Attr.Mounts[0].Dev.Nodes[0]): is there already"},
		{"console", one(Mount{Target: "/d", Dev: &Dev{Console: null}}), syscall.EINVAL, os.DevNull + " (Attr.Mounts[0].Dev.Console): is not there yet: mount the terminal by File"},
		{"relative layer", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"a", "/b"}}}), syscall.EINVAL, "a (Attr.Mounts[0].Overlay): is no absolute path"},
		{"layer's NUL", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/\x00"}}}), syscall.EINVAL, `"/\x00" (Attr.Mounts[0].Overlay): contains a NUL byte`},
		{"no work", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a"}, Upper: "/u"}}), syscall.EINVAL, "(Attr.Mounts[0].Overlay): needs both Upper and Work, or neither"},
		{"private upper", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a"}, Upper: "/u", Work: "/w", Private: true}}), syscall.EINVAL,
			"/u (Attr.Mounts[0].Overlay): has an Upper, and changes are to be Private"},
		{"one layer", one(Mount{Target: "/o", Overlay: &Overlay{Lower: []string{"/a"}}}), syscall.EINVAL,
			"(Attr.Mounts[0].Overlay.Lower): needs two directories where nothing can be written to"},

		{"Dirs and Dir", func(c *Cmd) { c.Dir, c.Attr = "/", &Attr{Dirs: []string{"/"}} }, syscall.EINVAL, "(Attr.Dirs): cannot be combined with Dir"},
		{"Dirs and DirFile", by(&Attr{Dirs: []string{"/"}, DirFile: null}), syscall.EINVAL, "(Attr.Dirs): cannot be combined with DirFile"},
		{"Dirs' NUL", by(&Attr{Dirs: []string{"/\x00"}}), syscall.EINVAL, `"/\x00" (Attr.Dirs[0]): contains a NUL byte`},
		{"relative Dirs", by(&Attr{Dirs: []string{"/", "a"}}), syscall.EINVAL, "a (Attr.Dirs[1]): is no absolute path"},
		{"LookPath and Program", by(&Attr{LookPath: true, Program: null}), syscall.EINVAL, "(Attr.LookPath): cannot be combined with Program: that is found already"},
		{"late root", viewed(nil, tmpfs, Mount{Bind: "/"}), syscall.EINVAL, "/ (Attr.Mounts[1]): must be the first mount: it would hide those before it"},
		{"proc as root", one(Mount{Target: "/", Proc: &Proc{}}), syscall.EINVAL, "/ (Attr.Mounts[0]): Proc is no root directory"},
		{"optional root", one(Mount{Bind: "/", Optional: true}), syscall.EINVAL, "/ (Attr.Mounts[0].Optional): is not for the root directory"},
		{"root twice", viewed(&Root{Dir: "/srv"}, Mount{Bind: "/"}), syscall.EINVAL, "/ (Attr.Mounts[0]): is a root directory, as Attr.Root is"},
	})
}
