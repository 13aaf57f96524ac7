//go:build amd64 || arm64

package launch

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/ownproc"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/userns"
)

var helperDirs = [...]string{"/usr/bin", "/bin", "/run/wrappers/bin"}

// addSubordinates completes the maps.
func addSubordinates(r *spec.Start) (err *spec.Error) {
	m := r.Attr.IDMap
	if m == nil || m.Subordinate == spec.NoSubordinateIDs {
		return nil
	}
	if r.Uids, err = addSubordinate(m, "/etc/subuid", r.Uids); err == nil {
		r.Gids, err = addSubordinate(m, "/etc/subgid", r.Gids)
	}
	return err
}

func addSubordinate(m *spec.IDMap, file string, lines []syscall.SysProcIDMap) ([]syscall.SysProcIDMap, *spec.Error) {
	const name = "Attr.IDMap.Subordinate"
	d, err := ReadDelegation(file, m.Login)
	if err != nil {
		return nil, &spec.Error{Field: name, Step: "read", Object: file, Err: err}
	}
	if len(d.Ranges) == 0 {
		return nil, spec.Invalid(name, "", d.String())
	}
	lines = MapSubordinate(m.Subordinate, lines, d.Ranges)
	if len(lines) > spec.MostMapLines {
		return nil, spec.Invalid(name, spec.Itoa(len(lines))+" lines", "is more than the kernel takes, 340")
	}
	return lines, nil
}

// checkHelpers refuses what newuidmap and newgidmap would refuse to write.
func checkHelpers(r *spec.Start) *spec.Error {
	if !r.IdMap().Helpers {
		return nil
	}
	for _, f := range r.MapFiles() {
		helper := helperFor(r, f)
		if helper == "" {
			continue
		}
		if _, err := helperPath(r, helper); err != nil {
			return err
		}
		if err := checkDelegated(r, f); err != nil {
			return err
		}
	}
	return nil
}

// checkDelegated compares the lines of a map with what is delegated.
func checkDelegated(r *spec.Start, f spec.MapFile) *spec.Error {
	file, own := "/etc/subuid", os.Getuid()
	if f.Name == "gid_map" {
		file, own = "/etc/subgid", os.Getgid()
	}
	d, err := ReadDelegation(file, r.IdMap().Login)
	if err != nil {
		return &spec.Error{Field: "Attr.IDMap.Helpers", Step: "read", Object: file, Err: err}
	}
	subordinate := false
	for i, m := range f.Lines {
		ids := userns.IDRange{First: m.HostID, Size: m.Size}
		delegated := d.Covers(ids)
		subordinate = subordinate || delegated
		if !delegated && ids != (userns.IDRange{First: own, Size: 1}) {
			return &spec.Error{Field: r.LineField(f, i), Object: spec.MapLine(m), Err: spec.Denied("maps " + f.Ids(ids) + ", but " + d.String())}
		}
	}
	if f.Name == "gid_map" && !subordinate && r.Setgroups() == "allow" {
		return &spec.Error{Field: r.SetgroupsField(), Err: spec.Denied("newgidmap allows setgroups only with a subordinate gid in the map, and " + d.String())}
	}
	return nil
}

// helperFor is the program that is to write a map file, or "" for this process
// itself.
func helperFor(r *spec.Start, f spec.MapFile) string {
	switch {
	case !r.IdMap().Helpers:
		return ""
	case f.Name == "uid_map" && !kernel.HasCap(unix.CAP_SETUID) && !f.IsOwn(os.Geteuid()):
		return spec.NewUIDMap
	case f.Name == "gid_map" && !kernel.HasCap(unix.CAP_SETGID) && !(f.IsOwn(os.Getegid()) && r.Setgroups() == "deny"):
		return spec.NewGIDMap
	}
	return ""
}

// helperPath finds a helper.
func helperPath(r *spec.Start, helper string) (string, *spec.Error) {
	given, name := r.IdMap().NewUIDMap, "Attr.IDMap.NewUIDMap"
	if helper == spec.NewGIDMap {
		given, name = r.IdMap().NewGIDMap, "Attr.IDMap.NewGIDMap"
	}
	if given != "" {
		if err := unix.Access(given, unix.X_OK); err != nil {
			return "", &spec.Error{Field: name, Object: given, Err: err}
		}
		return given, nil
	}
	for _, dir := range helperDirs {
		if path := dir + "/" + helper; unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", &spec.Error{Field: "Attr.IDMap.Helpers", Object: helper,
		Err: absent("is in none of " + strings.Join(helperDirs[:], ", ") + "; it comes with shadow, in Debian's package uidmap")}
}

// writeMaps is the parent's part of the rendezvous.
func (s *attempt) writeMaps(pid int) error {
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
	e.Hint = strings.Join(strings.Fields(string(out)), " ")
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		e.Hint = strings.TrimPrefix(e.Hint+"; this process has no_new_privs, under which it gains no privileges", "; ")
	}
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
