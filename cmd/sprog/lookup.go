//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A place is where the program will look for files: the file system that its
// root and working directory make.
type place struct {
	root string // "" is the caller's
	dir  string // "" is the caller's, or the root
	view *seenFrom
}

// lookPath finds a program by its bare name, as execvp(3) does: in the
// directories of path, inside the root. Like os/exec it does not accept what it
// finds by way of the current directory.
func (p place) lookPath(name, path string) (string, error) {
	var denied error
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		err := p.executable(file)
		switch {
		case err == nil && !filepath.IsAbs(file):
			return "", codedError{exitCannot, fmt.Errorf("%s was found in the current directory, as PATH has %q: say ./%s", name, dir, name)}
		case err == nil:
			return file, nil
		case errors.Is(err, fs.ErrPermission):
			denied = codedError{exitCannot, fmt.Errorf("%s: %w", file, err)}
		case errors.Is(err, unix.ENOSYS):
			return "", fmt.Errorf("looking for %s below %s needs openat2 (Linux 5.6): say where it is", name, p.root)
		case !isElsewhere(err):
			return "", fmt.Errorf("looking for %s: %s: %w", name, file, bare(err))
		}
	}
	if denied != nil {
		return "", denied
	}
	where := p.view.said()
	if p.root != "" {
		where = " in " + p.root
	}
	return "", codedError{exitNotFound, fmt.Errorf("%s: not found%s (PATH is %s)", name, where, path)}
}

// isElsewhere reports whether an error says that the file is not to be found in
// one directory: execvp(3) goes on to the next after these.
func isElsewhere(err error) bool {
	for _, errno := range []unix.Errno{unix.ENOENT, unix.ENOTDIR, unix.ESTALE, unix.ENODEV, unix.ETIMEDOUT, unix.ELOOP, unix.ENAMETOOLONG, unix.EISDIR} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return errors.Is(err, fs.ErrNotExist)
}

// executable returns nil if file is one that can be executed.
func (p place) executable(file string) error {
	mode, err := p.mode(file)
	switch {
	case errors.Is(err, fs.ErrPermission): // the directory cannot be searched
		return fs.ErrNotExist
	case err != nil:
		return err
	case mode&unix.S_IFMT == unix.S_IFDIR:
		return unix.EISDIR
	case p.view != nil && mode&0o111 != 0:
		return nil
	case p.root == "":
		return unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS)
	case mode&0o111 == 0:
		return unix.EACCES
	}
	return nil
}

// exists reports whether the program's file is there.
func (p place) exists(file string) bool {
	if !filepath.IsAbs(file) {
		file = filepath.Join(p.dir, file)
	}
	_, err := p.mode(file)
	return err == nil || !isElsewhere(err)
}

// mode returns the mode of a file. Inside a root, neither ".." nor a symbolic
// link leads out of it.
func (p place) mode(file string) (uint32, error) {
	p, file = p.outside(file)
	var st unix.Stat_t
	if p.root == "" {
		err := unix.Stat(file, &st)
		return st.Mode, err
	}
	st, _, err := p.look(file, unix.O_PATH, 0)
	return st.Mode, err
}

// look opens a file inside the root, and reads so much of its beginning. A process of its own does so:
// the file system may be one that does not answer.
func (p place) look(file string, flags, size int) (st unix.Stat_t, head []byte, err error) {
	if st, head, err = lookApart(p.root, file, flags, size); err != errors.ErrUnsupported {
		return st, head, err
	}
	return p.lookHere(file, flags, size)
}

// lookHere does so without another process.
func (p place) lookHere(file string, flags, size int) (st unix.Stat_t, head []byte, err error) {
	root, err := openFile(p.root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return st, nil, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, file, &unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return st, nil, err
	}
	defer unix.Close(fd)
	if err = unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || size == 0 {
		return st, nil, err
	}
	head = make([]byte, size)
	n, err := unix.Pread(fd, head, 0)
	return st, head[:max(n, 0)], err
}

// findProgram returns the path to execute for the program's name. A bare name
// is looked up in the PATH of the program's environment, or in the caller's if
// that has none, or as execvp(3) does if that has none either.
func (p place) findProgram(name string, env []string) (string, error) {
	if name == "" {
		return "", codedError{exitSprog, errors.New("the program's name is empty")}
	}
	if strings.Contains(name, "/") {
		return name, nil
	}
	if p.view != nil {
		return p.lookPathIn(name, env)
	}
	switch _, err := p.mode("/."); { // which takes the right to search it
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return "", codedError{exitSprog, fmt.Errorf("--chroot %s: %w", p.root, bare(err))}
	case errors.Is(err, fs.ErrPermission):
		return "", codedError{exitSprog, fmt.Errorf("looking for %s below %s: %w: give its path", name, p.root, bare(err))}
	}
	return p.lookPathIn(name, env)
}

// lookPathIn finds a program by the PATH of the program's environment, or the caller's.
func (p place) lookPathIn(name string, env []string) (string, error) {
	path, ok := lookupEnv(env, "PATH")
	if !ok {
		if path, ok = os.LookupEnv("PATH"); !ok {
			path = "/bin:/usr/bin" // _CS_PATH of confstr(3)
		}
	}
	return p.lookPath(name, path)
}

// bare is the error of a call without what was called.
func bare(err error) error {
	if of := new(fs.PathError); errors.As(err, &of) {
		return of.Err
	}
	return err
}
