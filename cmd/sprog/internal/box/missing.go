//go:build linux

package box

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A Lack is what the box does to a path.
type Lack int

const (
	Nothing    Lack = iota
	Hidden          // it exists outside, and not in the box
	Unwritable      // the caller may change it, and the program may not
)

// Missing compares a path outside with the same one as a process in the box has it, and for a file that is to be made,
// the directory. It returns which of both it is about. What cannot be looked at is no lack.
func Missing(process int, path string, change bool) (Lack, string) {
	if below(path, "/proc") || below(path, "/dev/pts") {
		return Nothing, "" // these have what belongs to other processes
	}
	lack := missing(process, path, change)
	makes := change && unix.Access(path, unix.F_OK) == unix.ENOENT
	if dir := filepath.Dir(path); lack == Nothing && makes && unix.Access(dir, unix.W_OK) == nil {
		return missing(process, dir, change), dir
	}
	return lack, path
}

func missing(process int, path string, change bool) Lack {
	inside := fmt.Sprintf("/proc/%d/root%s", process, path)
	var out, in unix.Stat_t
	outErr, inErr := unix.Lstat(path, &out), unix.Lstat(inside, &in)
	switch {
	case outErr == nil && (inErr == unix.ENOENT || inErr == unix.ENOTDIR || inErr == nil && masks(&out, &in)):
		return Hidden
	case change && unwritable(inside) && unix.Access(path, unix.W_OK) == nil:
		return Unwritable
	}
	return Nothing
}

// masks reports whether what is inside hides what is outside.
func masks(out, in *unix.Stat_t) bool {
	if out.Dev == in.Dev && out.Ino == in.Ino {
		return false
	}
	is := in.Mode & unix.S_IFMT
	return is == unix.S_IFCHR && out.Mode&unix.S_IFMT != unix.S_IFCHR || is == unix.S_IFDIR && in.Mode&0o777 == 0
}

// unwritable reports whether a path is in a read-only mount.
func unwritable(path string) bool { return unix.Access(path, unix.W_OK) == unix.EROFS }
