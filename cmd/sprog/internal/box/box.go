//go:build linux

// Package box is the sandbox of sprog box: which directories of this machine a program that a
// stranger wrote gets to see, and which of them it may change.
package box

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// A Box is what there is to be decided about one run.
type Box struct {
	Home    string // the caller's home directory
	Project Project
	Path    []string // the directories of PATH

	ReadWrite, ReadOnly []string // asked for
	Net                 bool
	Sockets             []string // that are asked for

	Scratch  int64  // how much each directory holds that is gone at the end, in bytes
	Overlays bool   // the kernel makes overlays for this user
	Changes  string // a directory that the changes to the project go to, or ""
}

// Root is the host's, which nothing can be changed in.
func (b *Box) Root() *sprog.Root {
	return &sprog.Root{Host: true, Flags: sprog.MountReadOnly | sprog.MountNoSUID}
}

// Mounts are what is different from that. Directories come before what is in them.
func (b *Box) Mounts() []sprog.Mount {
	list := slices.Concat(b.system(), b.home(), b.asked(), b.project())
	slices.SortStableFunc(list, func(x, y sprog.Mount) int { return depth(x) - depth(y) })
	return list
}

// depth is how many directories a mount is below the root.
func depth(m sprog.Mount) int { return strings.Count(cmp.Or(m.Target, m.Bind), "/") }

const (
	readOnly = sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev
	writable = sprog.MountNoSUID | sprog.MountNoDev
)

// tmpfs is an empty directory at a path.
func tmpfs(at string, mode uint32, size int64) sprog.Mount {
	return sprog.Mount{Target: at, Tmpfs: &sprog.Tmpfs{Mode: &mode, Size: size}}
}

type hiddenPlace struct {
	path string
	mode uint32
}

// hidden are the places that other programs of the user listen at, and keep their files in.
var hidden = [...]hiddenPlace{
	{"/tmp", 0o1777}, {"/var/tmp", 0o1777}, {"/run", 0o755}, {"/home", 0o755}, {"/root", 0o700}, {"/media", 0o755}, {"/mnt", 0o755},
}

// system is what has nothing to do with the user.
func (b *Box) system() []sprog.Mount {
	list := []sprog.Mount{{Target: "/dev", Dev: &sprog.Dev{}}, {Target: "/proc", Proc: &sprog.Proc{Fallback: sprog.ProcOfCaller}}}
	for _, h := range hidden {
		if isRealDir(h.path) {
			size := b.Scratch
			if h.mode != 0o1777 { // nobody puts much there
				size = 64 << 20
			}
			list = append(list, tmpfs(h.path, h.mode, size))
		}
	}
	for _, path := range b.unpublished() {
		list = append(list, sprog.Mount{Target: path, Mask: true})
	}
	list = append(list, b.servers()...)
	for _, path := range b.needed() {
		list = append(list, sprog.Mount{Bind: path, Flags: readOnly, Optional: true})
	}
	for _, path := range b.Sockets {
		list = append(list, sprog.Mount{Bind: path, Flags: readOnly})
	}
	return list
}

// needed are files in hidden places that programs find their way with.
func (b *Box) needed() (list []string) {
	list = append(list, "/run/current-system", "/run/opengl-driver")
	if real, err := filepath.EvalSymlinks("/etc/resolv.conf"); err == nil && b.Net && below(real, "/run") {
		list = append(list, real)
	}
	return list
}

// asked are directories that the caller has named.
func (b *Box) asked() (list []sprog.Mount) {
	for _, dir := range b.ReadOnly {
		list = append(list, sprog.Mount{Bind: dir, Flags: readOnly})
	}
	for _, dir := range b.ReadWrite {
		list = append(list, sprog.Mount{Bind: dir, Flags: writable})
	}
	return list
}

// below reports whether a path is a directory or in it.
func below(path, dir string) bool {
	rest, is := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return is && (rest == "" || rest[0] == '/')
}

// isRealDir reports whether a directory is there that is no link to another one.
func isRealDir(path string) bool { return typeOf(path) == unix.S_IFDIR }

// typeOf is what is at a path, zero for nothing. Links are not followed.
func typeOf(path string) uint32 {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil {
		return 0
	}
	return st.Mode & unix.S_IFMT
}

// without is a directory, or what is in it but for a home directory: those of services are in /var/lib.
func without(home, dir string) (list []string) {
	if home == "" || !below(home, dir) {
		return []string{dir}
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if path := filepath.Join(dir, e.Name()); path != home && e.Type()&os.ModeSymlink == 0 {
			list = append(list, without(home, path)...)
		}
	}
	return list
}

// Landlocked is what a program may read and execute, and what it may change, where nothing can be hidden
// from it.
func (b *Box) Landlocked() (readable, changeable []string) {
	for _, dir := range [...]string{"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc", "/opt", "/nix", "/sys", "/proc", "/var/lib", "/var/cache", "/srv"} {
		readable = append(readable, without(b.Home, dir)...)
	}
	readable = append(append(append(readable, b.toolPaths()...), b.ReadOnly...), b.needed()...)
	for _, name := range [...]string{"null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "shm"} {
		changeable = append(changeable, "/dev/"+name)
	}
	changeable = append(append(append(changeable, b.Project.Dir), b.ReadWrite...), b.Sockets...)
	return readable, changeable
}
