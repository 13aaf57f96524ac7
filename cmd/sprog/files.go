//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
)

// An opener opens a file for the program. That of explain opens nothing that
// opening could change.
type opener func(path string, flags int) (*os.File, error)

// openForRun opens a file as a shell's redirection does.
func openForRun(path string, flags int) (*os.File, error) {
	fd, err := openFile(path, flags, 0o666)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openForExplain returns a stand-in of the same name.
func openForExplain(path string, _ int) (*os.File, error) {
	fd, err := openFile(os.DevNull, unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), path), nil
}

// openFile opens a file without making it non-blocking, as os.OpenFile would
// make a FIFO or a terminal for the program too, and without taking a terminal
// as sprog's own.
func openFile(path string, flags int, mode uint32) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC|unix.O_NOCTTY, mode)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}

// The ways in which standard output and error are opened.
const (
	forReading   = unix.O_RDONLY
	forWriting   = unix.O_WRONLY | unix.O_CREAT | unix.O_TRUNC
	forAppending = unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND
)

// setFiles gives the program its descriptors: sprog's standard ones or the
// files asked for, and those of --fd under the same numbers.
func (f *startFlags) setFiles(cmd *sprog.Cmd, open opener) error {
	std := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	for _, redirect := range []struct {
		flag  string
		path  word
		fd    int
		flags int
	}{
		{"--stdin", f.Stdin, 0, forReading},
		{"--stdout", f.Stdout, 1, forWriting},
		{"--stdout-append", f.StdoutAppend, 1, forAppending},
		{"--stderr", f.Stderr, 2, forWriting},
		{"--stderr-append", f.StderrAppend, 2, forAppending},
	} {
		path := string(redirect.path)
		switch path {
		case "":
			continue
		case "null":
			path = os.DevNull
		}
		file, err := open(path, redirect.flags)
		if err != nil {
			return fmt.Errorf("%s: %w", redirect.flag, err)
		}
		std[redirect.fd] = file
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = std[0], std[1], std[2]
	extra, err := f.extraFiles()
	cmd.ExtraFiles = extra
	return err
}

// extraFiles returns the descriptors of --fd, as Cmd.ExtraFiles wants them.
func (f *startFlags) extraFiles() ([]*os.File, error) {
	if len(f.FD) == 0 {
		return nil, nil
	}
	last := slices.Max(f.FD)
	if slices.Min(f.FD) < 3 {
		return nil, errors.New("--fd: 0, 1 and 2 are passed on as they are; see --stdin, --stdout, --stderr")
	}
	for _, fd := range f.FD {
		// What the caller passed on has no close-on-exec flag; sprog's own
		// descriptors all have it.
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			return nil, fmt.Errorf("--fd: the caller has no open descriptor %d", fd)
		}
	}
	files := make([]*os.File, last-2)
	for _, fd := range f.FD {
		files[fd-3] = os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
	}
	return files, nil
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

// closeFiles closes the descriptors that only the program needs now.
func closeFiles(cmd *sprog.Cmd) {
	files := slices.Clone(cmd.ExtraFiles)
	for _, stream := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		f, _ := stream.(*os.File) // with --tty it may be nothing
		files = append(files, f)
	}
	for _, f := range files {
		if f != nil && f != os.Stdin && f != os.Stdout && f != os.Stderr {
			f.Close()
		}
	}
}
