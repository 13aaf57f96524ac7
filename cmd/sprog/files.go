//go:build linux

package main

import (
	"fmt"
	"os"

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

// openForExplain returns an empty stand-in of the same name.
func openForExplain(path string, _ int) (*os.File, error) {
	fd, err := openFile(os.DevNull, unix.O_RDONLY, 0)
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

// closeFiles closes the descriptors that sprog does not need any more. It still
// needs its standard streams, and the record's.
func closeFiles(cmd *sprog.Cmd, info *os.File, record *record) {
	files := []*os.File{info, cmd.Attr.Program, cmd.Attr.DirFile}
	for _, stream := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		f, _ := stream.(*os.File) // with --tty it may be nothing
		files = append(files, f)
	}
	for _, f := range cmd.Attr.Files {
		files = append(files, f.File)
	}
	for _, f := range files {
		if f != nil && !isStream(f) && (record == nil || f != record.file) {
			f.Close() // a second time does nothing
		}
	}
	for _, fd := range cmd.Attr.Inherit {
		unix.Close(fd)
	}
}
