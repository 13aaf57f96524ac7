//go:build amd64 || arm64

package sprog

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// useProgram and useDirFile are for the descriptors of the program and the
// working directory.
func (s *starter) useProgram() (err *spec.Error) {
	s.given.ProgramFD, err = s.useFile(s.ask.Attr.Program, "Attr.Program", program.Harmless)
	return err
}

func (s *starter) useDirFile() (err *spec.Error) {
	if s.ask.Attr.DirFile != nil && s.given.Joins.Joins(spec.MountNamespace) { // found among all those of a process
		err = spec.DirFileOutside("a joined mount namespace")
		err.Path = s.ask.Path
		return err
	}
	s.given.DirFD, err = s.useFile(s.ask.Attr.DirFile, "Attr.DirFile", program.HostDirectory)
	return err
}

// checkProgramFD refuses to execute a descriptor by its path in the /proc of
// another root, where that may be the path of anything.
func (s *starter) checkProgramFD() *spec.Error {
	if s.ask.Attr.Program == nil || !s.given.Lacks.Has(kernel.NoExecveat) || s.ask.Sys.Chroot == "" && !s.given.Joins.Joins(spec.MountNamespace) {
		return nil
	}
	return &spec.Error{Step: "execveat", Field: "Attr.Program", Err: unix.ENOSYS,
		Hint: "in another root it cannot be replaced by a path in /proc"}
}

func (s *starter) useFile(f *os.File, field string, kind program.FileKind) (int, *spec.Error) {
	if f == nil {
		return -1, nil
	}
	fd, err := spec.FD(f)
	if err != nil {
		return -1, &spec.Error{Path: s.ask.Path, Object: f.Name(), Field: field, Err: err}
	}
	s.given.Use(fd, field, kind)
	return fd, nil
}

// makeInline makes the files whose content is given.
func (s *starter) makeInline() *spec.Error {
	if slices.ContainsFunc(s.given.Files, func(f spec.ChildFile) bool { return f.Source == spec.Inline }) {
		s.given.Files = slices.Clone(s.given.Files) // the descriptors are this attempt's
	}
	for i := range s.given.Files {
		f := &s.given.Files[i]
		if f.Source != spec.Inline {
			continue
		}
		fd, err := s.makeFile(f.Field, program.ForProgram, func() (int, error) { return sealedFile(f.File.Data) })
		if err != nil {
			return &spec.Error{Path: s.ask.Path, Step: "make inline data", Object: spec.Itoa(f.N), Field: f.Field, Err: err, Hint: explain.NoData(err)}
		}
		f.Fd = fd
	}
	return nil
}

// sealedFile makes a memfd with the content, which cannot be changed or
// executed, positioned at its beginning.
func sealedFile(data []byte) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(inlineName, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate(inlineName, flags)
	}
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	if err := fillAndSeal(fd, data); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// inlineName shows in /proc/PID/fd, as /memfd:sprog-data.
const inlineName = "sprog-data"

func fillAndSeal(fd int, data []byte) error {
	for at := 0; at < len(data); {
		n, err := unix.Pwrite(fd, data[at:], int64(at)) // leaves the position where it is
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("pwrite64", err)
		}
		at += n
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals|unix.F_SEAL_FUTURE_WRITE)
	if err == unix.EINVAL { // before Linux 5.1
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	return os.NewSyscallError("fcntl", err)
}
