//go:build linux

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// redirections are the flags that have sprog open a standard stream.
func (f *startFlags) redirections() []redirection {
	return []redirection{
		{"--stdin", f.Stdin, 0, forReading},
		{"--stdout", f.Stdout, 1, forWriting},
		{"--stdout-append", f.StdoutAppend, 1, forAppending},
		{"--stderr", f.Stderr, 2, forWriting},
		{"--stderr-append", f.StderrAppend, 2, forAppending},
	}
}

// A redirection is one of them, with its value, which may be empty.
type redirection struct {
	flag  string
	path  fileName
	fd    int
	flags int
}

func (r redirection) open(open opener) (*os.File, error) {
	path := string(r.path)
	if path == "null" {
		path = os.DevNull
	}
	file, err := open(path, r.flags)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.flag, err)
	}
	return file, nil
}

// openCgroup opens the directory of --cgroup.
func (f *startFlags) openCgroup() (fd int, err error) {
	fd, err = openFile(string(f.Cgroup), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, fmt.Errorf("--cgroup: %w", err)
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
		return -1, fmt.Errorf("--cgroup: %s is not in a cgroup2 file system", f.Cgroup)
	}
	return fd, nil
}
