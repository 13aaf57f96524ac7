//go:build amd64 || arm64

package launch

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// writeMaps is the parent's part of the rendezvous.
func (s *attempt) writeMaps(pid int) error {
	if s.to.Born != nil {
		s.to.Tracer.Phase("born", "tell of the process", "Born")
		if err := s.to.Born(pid); err != nil {
			return &spec.Error{Path: s.ask.Path, Field: "Born", Err: err}
		}
	}
	if !s.ask.HasMaps() {
		return nil
	}
	for _, f := range s.ask.MapFiles() {
		s.phaseOfMap(f, pid)
		var err *spec.Error
		if helper := helperFor(s.ask, f); helper != "" {
			err = s.writeByHelper(f, helper, pid)
		} else {
			err = s.writeMap(f, pid)
		}
		if err != nil {
			err.Path = s.ask.Path
			return err
		}
	}
	return nil
}

func (s *attempt) writeMap(f spec.MapFile, pid int) *spec.Error {
	path := "/proc/" + strconv.Itoa(pid) + "/" + f.Name
	fd, err := openOf(pid, f.Name)
	if err == unix.ENOENT && f.Name == "setgroups" {
		return nil // before Linux 3.19
	}
	if err != nil {
		return &spec.Error{Step: "open", Object: path, Field: f.Field, Syscall: f.Open(path), Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(f.Text)); err != nil {
		return &spec.Error{Step: "write", Object: f.Name + " " + strconv.Quote(strings.TrimSuffix(f.Text, "\n")),
			Field: f.Field, Syscall: f.Write(path), Err: err, Hint: explain.MapHint(s.ask, f, err, false)}
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

// writeByHelper has a helper write a map while the child waits. It gets
// nothing of this process: no environment, no files.
func (s *attempt) writeByHelper(f spec.MapFile, helper string, pid int) *spec.Error {
	path, missing := helperPath(s.ask, helper)
	if missing != nil {
		return missing
	}
	args := f.HelperArgs(helper, strconv.Itoa(pid))
	out, err := s.runHelper(path, args)
	if err == nil {
		return nil
	}
	e := &spec.Error{Step: helper, Object: strings.Join(args[2:], " "), Field: "Attr.IDMap.Helpers",
		Syscall: path + " " + strings.Join(args[1:], " "), Err: err}
	printed := strings.Join(strings.Fields(string(out)), " ")
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		printed = strings.TrimPrefix(printed+"; this process has no_new_privs, under which it gains no privileges", "; ")
	}
	e.Hint = terms.Plain(printed)
	return e
}

// runHelper runs a program with nothing of this process's, and returns what it has
// printed. It is killed if the start is to end.
func (s *attempt) runHelper(path string, args []string) (out []byte, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	printed := os.NewFile(uintptr(ends[0]), "pipe")
	defer printed.Close()
	p, err := Start(&spec.Start{Path: path, Argv: args, Env: []string{}, Dir: "/", Files: []spec.ChildFile{
		{N: 0, Source: spec.NullRead, Field: "Stdin"},
		{N: 1, Source: spec.FromParent, Fd: ends[1], Field: "Stdout"},
		{N: 2, Source: spec.FromParent, Fd: ends[1], Field: "Stderr"},
	}}, Options{Flight: s.to.Flight})
	unix.Close(ends[1])
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	defer close(over)
	if stop := s.to.Flight.stopper(); stop != nil {
		go func() {
			select {
			case <-stop.Asked():
				p.Kill()
			case <-over:
			}
		}()
	}
	out, _ = io.ReadAll(printed)
	state, err := p.Wait()
	if err == nil && !state.Success() {
		err = &exec.ExitError{ProcessState: state}
	}
	return out, err
}
