//go:build amd64 || arm64

package sprog

import (
	"cmp"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/machine"
)

// hint looks for the reason of a failure that the errno does not tell. It runs
// only after a failure, and may cost what it likes.
func (s *starter) hint(e *StartError, res machine.Result) string {
	if hint := s.seccompHint(e, res.Errno); hint != "" {
		return hint
	}
	switch {
	case res.Place == machine.AtBirth && (res.Errno == unix.ENOSYS || res.Errno == unix.EINVAL):
		return s.needsClone3()
	case e.Step == "dup3" && res.Errno == unix.EBADF:
		return "no descriptor is left: the number is not below RLIMIT_NOFILE"
	case e.Step == "setsid" && s.inPlace:
		return "a process that leads a process group cannot lead a session: only a child can"
	case e.Step == "setpgid" && s.sys.Setsid:
		return "Setsid has made a group for it already"
	case e.Step == "setgroups" && res.Errno == unix.EPERM && s.joins.joins(UserNamespace):
		return "setgroups may be denied in the joined user namespace; Credential.NoSetGroups leaves the groups as they are"
	case e.Field == "Attr.Program" && (res.Errno == unix.ENOENT || res.Errno == unix.ETXTBSY):
		return s.programHint(res)
	case e.Step == "execve" && res.Errno == unix.ENOENT && s.joins.joins(MountNamespace):
		return "" // what the program sees is not to be seen from here
	case e.Step == "execve" && res.Errno == unix.ENOENT:
		v := s.view()
		return v.missingInterpreter(s.path, 0)
	}
	return cmp.Or(s.ownMapHint(e, res.Errno), s.landlockHint(e, res.Errno), s.hintOfScheduling(e, res.Errno), s.hintOfCredentials(e, res.Errno))
}

// programHint is for a program that is executed from its descriptor.
func (s *starter) programHint(res machine.Result) string {
	f, err := os.Open("/proc/self/fd/" + itoa(s.programFD))
	if err != nil {
		return ""
	}
	defer f.Close()
	switch {
	case res.Errno == unix.ETXTBSY:
		return "the file is open for writing"
	case scriptInterpreter(f) != "" && s.fileAt(s.executable) < 0:
		return "it is a script, which its interpreter opens as /dev/fd/" + itoa(s.executable) +
			" after that is closed: give the child the same file by Attr.Files"
	case s.lacks.has(noExecveat):
		return "without execveat, Linux 3.19, the child needs /proc"
	}
	return s.view().missingInterpreterOf(f, s.path, 0)
}

func (r *request) view() view { return view{root: r.sys.Chroot, dir: r.dir} }

// A view is the child's view of the file system, as far as Chroot and Dir
// make it.
type view struct {
	root, dir string
}

// scriptsDeep is the kernel's limit for scripts run by scripts.
const scriptsDeep = 5

// missingInterpreter explains why a file that exists is said not to: execve
// answers ENOENT for the program's interpreter too.
func (v view) missingInterpreter(path string, depth int) string {
	f, err := v.open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if depth > scriptsDeep {
		return ""
	}
	return v.missingInterpreterOf(f, path, depth)
}

// missingInterpreterOf is missingInterpreter for a file that is open.
func (v view) missingInterpreterOf(f io.ReaderAt, path string, depth int) string {
	if interp := scriptInterpreter(f); interp != "" {
		if v.missing(interp) {
			return "the interpreter " + interp + ", which the first line of " + path + " names, does not exist" + v.where()
		}
		return v.missingInterpreter(interp, depth+1)
	}
	if interp := elfInterpreter(f); interp != "" && v.missing(interp) {
		return "the dynamic loader " + interp + ", which the ELF file " + path + " names, does not exist" + v.where()
	}
	return ""
}

func (v view) where() string {
	if v.root == "" {
		return ""
	}
	return " in " + v.root
}

func (v view) missing(path string) bool {
	f, err := v.open(path)
	if err == nil {
		f.Close()
		return false
	}
	return err == unix.ENOENT
}

// exists reports whether a file is there.
func (v view) exists(path string) bool {
	f, err := v.openAs(path, unix.O_PATH)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// open opens a file as the child would find it, for reading.
func (v view) open(path string) (seen, error) {
	return v.openAs(path, unix.O_RDONLY|unix.O_NONBLOCK)
}

func (v view) openAs(path string, flags int) (seen, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(v.dir, path)
	}
	if v.root == "" {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		return seen(fd), err
	}
	root, err := unix.Open(v.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, path, &unix.OpenHow{
		Flags: uint64(flags) | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT,
	})
	return seen(fd), err
}

// A seen file is one of a view's, by its descriptor. An os.File would be
// handed to the network poller first.
type seen int

func (f seen) Close() error                            { return unix.Close(int(f)) }
func (f seen) Fd() uintptr                             { return uintptr(f) }
func (f seen) ReadAt(b []byte, off int64) (int, error) { return unix.Pread(int(f), b, off) }
