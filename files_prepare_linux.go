//go:build amd64 || arm64

package sprog

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// useProgram and useDirFile are for the descriptors of the program and the
// working directory.
func (s *starter) useProgram() (err *StartError) {
	s.given.programFD, err = s.useFile(s.ask.attr.Program, "Attr.Program", program.Harmless)
	return err
}

func (s *starter) useDirFile() (err *StartError) {
	if s.ask.attr.DirFile != nil && s.given.joins.joins(MountNamespace) { // found among all those of a process
		err = dirFileOutside("a joined mount namespace")
		err.Path = s.ask.path
		return err
	}
	s.given.dirFD, err = s.useFile(s.ask.attr.DirFile, "Attr.DirFile", program.HostDirectory)
	return err
}

// checkProgramFD refuses to execute a descriptor by its path in the /proc of
// another root, where that may be the path of anything.
func (s *starter) checkProgramFD() *StartError {
	if s.ask.attr.Program == nil || !s.given.lacks.Has(kernel.NoExecveat) || s.ask.sys.Chroot == "" && !s.given.joins.joins(MountNamespace) {
		return nil
	}
	return &StartError{Step: "execveat", Field: "Attr.Program", Err: unix.ENOSYS,
		Hint: "in another root it cannot be replaced by a path in /proc"}
}

func (s *starter) useFile(f *os.File, field string, kind program.FileKind) (int, *StartError) {
	if f == nil {
		return -1, nil
	}
	fd, err := shownFd(f)
	if err != nil {
		return -1, &StartError{Path: s.ask.path, Object: f.Name(), Field: field, Err: err}
	}
	s.given.use(fd, field, kind)
	return fd, nil
}

// checkDirFile refuses a working directory that would lie outside of the
// program's root. From there, ".." leads to all that is not below it.
func (r *request) checkDirFile() *StartError {
	const name = "Attr.DirFile"
	switch {
	case r.attr.DirFile == nil:
	case r.dir != "":
		return invalidf(name, "", "cannot be combined with Dir")
	case r.sys.Chroot != "":
		return invalidf(name, "", "cannot be combined with SysProcAttr.Chroot: the program would be outside of its root")
	case (r.sys.Cloneflags|r.sys.Unshareflags)&unix.CLONE_NEWNS != 0:
		return dirFileOutside("a new mount namespace")
	case r.named()&MountNamespace != 0:
		return dirFileOutside("a joined mount namespace")
	}
	return nil
}

func dirFileOutside(of string) *StartError {
	return invalidf("Attr.DirFile", "", "cannot be combined with "+of+": the program would be in another one")
}

// makeInline makes the files whose content is given.
func (s *starter) makeInline() *StartError {
	if slices.ContainsFunc(s.given.files, func(f childFile) bool { return f.source == inline }) {
		s.given.files = slices.Clone(s.given.files) // the descriptors are this attempt's
	}
	for i := range s.given.files {
		f := &s.given.files[i]
		if f.source != inline {
			continue
		}
		fd, err := s.makeFile(f.field, program.ForProgram, func() (int, error) { return sealedFile(f.file.Data) })
		if err != nil {
			return &StartError{Path: s.ask.path, Step: "make inline data", Object: itoa(f.n), Field: f.field, Err: err, Hint: noDataText(err)}
		}
		f.fd = fd
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
