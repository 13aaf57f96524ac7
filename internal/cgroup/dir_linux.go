package cgroup

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A dir is the directory of a cgroup, opened with O_PATH. Everything
// below it is reached through the descriptor, so that nothing is ever written
// to what is not a cgroup.
type dir struct {
	file *os.File
	path string
}

// openDir opens a directory by its path, and makes sure that it is in a
// file system of that type.
func openDir(path string, magic int64) (dir, error) {
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return dir{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	d := dir{os.NewFile(uintptr(fd), path), path}
	if err := d.check(magic); err != nil {
		d.close()
		return dir{}, err
	}
	return d, nil
}

func (d dir) fd() int { return int(d.file.Fd()) }

func (d dir) close() { d.file.Close() }

func (d dir) check(magic int64) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(d.fd(), &st); err != nil {
		return &fs.PathError{Op: "statfs", Path: d.path, Err: err}
	}
	if int64(st.Type) != magic {
		version := "cgroup2"
		if magic == unix.CGROUP_SUPER_MAGIC {
			version = "cgroup v1"
		}
		return &fs.PathError{Op: "statfs", Path: d.path, Err: &refusal{reason: "is not in a " + version + " file system", errno: unix.EINVAL}}
	}
	return nil
}

// retry repeats a call that a signal has interrupted.
func retry(f func() (int, error)) (n int, err error) {
	for {
		if n, err = f(); err != unix.EINTR {
			return n, err
		}
	}
}

// open opens what is directly below the directory, and nothing that a link or
// a mount has put there.
func (d dir) open(name string, flags int) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
	}
	fd, err := retry(func() (int, error) { return unix.Openat2(d.fd(), name, &how) })
	if err == unix.ENOSYS || err == unix.EPERM { // before Linux 5.6, or a filter
		// One component and no link cannot lead elsewhere.
		fd, err = retry(func() (int, error) { return unix.Openat(d.fd(), name, flags|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0) })
	}
	path := d.path + "/" + name
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// sub opens a cgroup directly below this one.
func (d dir) sub(name string) (dir, error) {
	f, err := d.open(name, unix.O_PATH|unix.O_DIRECTORY)
	return dir{f, d.path + "/" + name}, err
}

// parent opens the cgroup above. At the top, as far as it is mounted, there is
// none, and ok is false.
func (d dir) parent() (up dir, ok bool, err error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd(), "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return up, false, &fs.PathError{Op: "open", Path: d.path + "/..", Err: err}
	}
	up = dir{os.NewFile(uintptr(fd), d.path), d.path[:max(strings.LastIndexByte(d.path, '/'), 0)]}
	if up.check(unix.CGROUP2_SUPER_MAGIC) != nil {
		up.close()
		return dir{}, false, nil
	}
	return up, true, nil
}

func (d dir) read(name string) (string, error) {
	f, err := d.open(name, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}

func (d dir) words(name string) ([]string, error) {
	s, err := d.read(name)
	return strings.Fields(s), err
}

// write writes a value with one call, as the kernel wants it.
func (d dir) write(name, value string) error {
	f, err := d.open(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := retry(func() (int, error) { return unix.Write(int(f.Fd()), []byte(value)) })
	if err == nil && n < len(value) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: f.Name(), Err: err}
	}
	return nil
}

// openProcs opens cgroup.procs for a child to write to.
func (d dir) openProcs() (int, error) {
	f, err := d.open("cgroup.procs", unix.O_WRONLY)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
}

func (d dir) mkdir(name string) error {
	if err := unix.Mkdirat(d.fd(), name, 0o755); err != nil {
		return &fs.PathError{Op: "mkdir", Path: d.path + "/" + name, Err: err}
	}
	return nil
}

func (d dir) rmdir(name string) error {
	err := unix.Unlinkat(d.fd(), name, unix.AT_REMOVEDIR)
	if err != nil && err != unix.ENOENT {
		return &fs.PathError{Op: "rmdir", Path: d.path + "/" + name, Err: err}
	}
	return nil
}

// firstSub returns the name of one of the cgroups directly below, or "".
func (d dir) firstSub() (string, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return "", &fs.PathError{Op: "open", Path: d.path, Err: err}
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	for {
		list, err := f.ReadDir(64)
		for _, e := range list {
			if e.IsDir() {
				return e.Name(), nil
			}
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return "", err
		}
	}
}

// subs lists the cgroups directly below.
func (d dir) subs() (list []string, err error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	entries, err := f.ReadDir(-1)
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list, err
}

// has reports whether the name in this cgroup is that of a given one.
func (d dir) has(name string, sub dir) bool {
	var a, b unix.Stat_t
	return unix.Fstatat(d.fd(), name, &a, unix.AT_SYMLINK_NOFOLLOW) == nil && unix.Fstat(sub.fd(), &b) == nil &&
		a.Dev == b.Dev && a.Ino == b.Ino
}

// processes lists the processes in the cgroup. Those that have no number
// here, being in a PID namespace elsewhere, are 0.
func (d dir) processes() ([]string, error) { return d.words("cgroup.procs") }

// isRoot reports whether it is the root of the hierarchy, which may have both
// processes and controllers.
func (d dir) isRoot() (bool, error) {
	f, err := d.open("cgroup.events", unix.O_PATH)
	if err == nil {
		f.Close()
		return false, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, err
}
