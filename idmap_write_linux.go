//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/ownproc"
)

// writeMaps is the parent's part of the rendezvous.
func (s *starter) writeMaps(pid int) error {
	for _, f := range s.ask.mapFiles() {
		s.phaseOfMap(f, pid)
		var err *StartError
		if helper := helperFor(s.ask, f); helper != "" {
			err = s.writeByHelper(f, helper, pid)
		} else {
			err = s.writeMap(f, pid)
		}
		if err != nil {
			err.Path = s.ask.path
			return err
		}
	}
	return nil
}

func (s *starter) writeMap(f mapFile, pid int) *StartError {
	path := "/proc/" + strconv.Itoa(pid) + "/" + f.name
	fd, err := openOf(pid, f.name)
	if err == unix.ENOENT && f.name == "setgroups" {
		return nil // before Linux 3.19
	}
	if err != nil {
		return &StartError{Step: "open", Object: path, Field: f.field, Syscall: f.open(path), Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(f.text)); err != nil {
		return &StartError{Step: "write", Object: f.name + " " + strconv.Quote(strings.TrimSuffix(f.text, "\n")),
			Field: f.field, Syscall: f.write(path), Err: err, Hint: mapHint(s.ask, f, err, false)}
	}
	return nil
}

// openOf opens a file of a process for writing.
func openOf(pid int, name string) (fd int, err error) {
	proc, err := ownproc.Open()
	if err != nil {
		return -1, err
	}
	defer proc.Close()
	return proc.OpenFile(pid, name, unix.O_WRONLY)
}

func (f mapFile) open(path string) string {
	return "openat(AT_FDCWD, " + strconv.Quote(path) + ", O_WRONLY|O_CLOEXEC)"
}

// write is the call that writes the text to a file.
func (f mapFile) write(file string) string {
	return "write(" + file + ", " + strconv.Quote(f.text) + ", " + strconv.Itoa(len(f.text)) + ")"
}

// helperArgs are the arguments of newuidmap(1) and newgidmap(1). The pid is
// that of a child of ours which nobody but us reaps, so that it stays its own.
func (f mapFile) helperArgs(helper, pid string) []string {
	return append([]string{helper, pid}, strings.Fields(f.text)...)
}

// writeByHelper has a helper write a map while the child waits. It gets
// nothing of this process: no environment, no files.
func (s *starter) writeByHelper(f mapFile, helper string, pid int) *StartError {
	path, missing := helperPath(s.ask, helper)
	if missing != nil {
		return missing
	}
	args := f.helperArgs(helper, strconv.Itoa(pid))
	c := CommandContext(s.to.flight.context(), path, args[1:]...)
	c.Args, c.Env, c.Dir = args, []string{}, "/"
	out, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	e := &StartError{Step: helper, Object: strings.Join(args[2:], " "), Field: "Attr.IDMap.Helpers",
		Syscall: path + " " + strings.Join(args[1:], " "), Err: err}
	e.Hint = strings.Join(strings.Fields(string(out)), " ")
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		e.Hint = strings.TrimPrefix(e.Hint+"; this process has no_new_privs, under which it gains no privileges", "; ")
	}
	return e
}
