//go:build amd64 || arm64

package launch

import (
	"math"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/plain"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// checkFiles refuses numbers that the child cannot have, and those that the
// caller cannot know.
func checkFiles(r *spec.Start) *spec.Error {
	if len(r.Attr.Files) > 0 || len(r.Attr.Inherit) > 0 {
		last := r.Files[len(r.Files)-1]
		if limit := filesLimit(r); uint64(last.N) >= limit {
			return &spec.Error{Object: spec.Itoa(last.N), Field: last.Field, Err: unix.EMFILE,
				Hint: terms.Sprintf("the number is not below RLIMIT_NOFILE, which is %s", limit)}
		}
	}
	for i, n := range r.Attr.Inherit {
		if machine.IsSlot(n) {
			return spec.Invalid(spec.Index("Attr.Inherit", i), spec.Itoa(n), "is a number that sprog keeps for itself")
		}
	}
	return nil
}

// filesLimit is the limit on open files while the child's are placed.
func filesLimit(r *spec.Start) uint64 {
	for _, l := range r.Attr.Rlimits {
		if l.Resource == unix.RLIMIT_NOFILE && atstart.NofileKnown && l.Max > atstart.NofileMax {
			return l.Max // see rlimits
		}
	}
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil {
		return math.MaxInt32
	}
	return now.Cur
}

// useProgram and useDirFile are for the descriptors of the program and the
// working directory.
func (s *attempt) useProgram() (err *spec.Error) {
	s.given.ProgramFD, err = s.useFile(s.ask.Attr.Program, compile.Use{Name: "program", Field: "Attr.Program"})
	return err
}

func (s *attempt) useDirFile() (err *spec.Error) {
	if s.ask.Attr.DirFile != nil && s.given.Joins.Has(spec.MountNamespace) { // found among all those of a process
		err = spec.DirFileOutside("a joined mount namespace")
		err.Path = s.ask.Path
		return err
	}
	s.given.KeepFDs = nil
	if in := s.ask.Attr.Init; in != nil {
		for i, f := range in.Keep {
			hole, err := s.useFile(f, compile.Use{Name: "kept", Field: spec.Index("Attr.Init.Keep", i)})
			if err != nil {
				return err
			}
			s.given.KeepFDs = append(s.given.KeepFDs, hole)
		}
	}
	s.given.UserFD, err = s.useFile(s.ask.Attr.UserNamespace, compile.Use{Name: "user namespace", Field: "Attr.UserNamespace"})
	if err != nil {
		return err
	}
	s.given.WaitForFD, err = s.useFile(s.ask.Attr.WaitFor, compile.Use{Name: "wait for", Field: "Attr.WaitFor"})
	if err != nil {
		return err
	}
	s.given.DirFD, err = s.useFile(s.ask.Attr.DirFile, compile.Use{Name: "directory", Field: "Attr.DirFile", Kind: program.HostDirectory})
	return err
}

// checkProgramFD refuses to execute a descriptor by its path in the /proc of
// another root, where that may be the path of anything.
func (s *attempt) checkProgramFD() *spec.Error {
	if s.ask.Attr.Program == nil || !s.given.Lacks.Has(kernel.NoExecveat) || s.ask.Sys.Chroot == "" && !s.given.Joins.Has(spec.MountNamespace) {
		return nil
	}
	return &spec.Error{Step: "execveat", Field: "Attr.Program", Err: unix.ENOSYS,
		Hint: "in another root it cannot be replaced by a path in /proc"}
}

func (s *attempt) useFile(f *os.File, u compile.Use) (hole int, _ *spec.Error) {
	if f == nil {
		return compile.NotOpen, nil
	}
	fd, err := spec.FD(f)
	if err != nil {
		return compile.NotOpen, &spec.Error{Path: s.ask.Path, Object: f.Name(), Field: u.Field, Err: err}
	}
	u.Fd = fd
	return s.given.Use(u), nil
}

// supposeInline is for the files whose content is given.
func (s *attempt) supposeInline() *spec.Error {
	if slices.ContainsFunc(s.given.Files, func(f spec.ChildFile) bool { return f.Source == spec.Inline }) {
		s.given.Files = slices.Clone(s.given.Files) // the descriptors are this attempt's
	}
	for i := range s.given.Files {
		if f := &s.given.Files[i]; f.Source == spec.Inline {
			f.Fd = compile.Unopened
		}
	}
	return nil
}

// makeInline makes them.
func (s *attempt) makeInline() *spec.Error {
	s.supposeInline()
	for i := range s.given.Files {
		f := &s.given.Files[i]
		if f.Source != spec.Inline {
			continue
		}
		fd, err := sealedFile(f.File.Data)
		if err != nil {
			return &spec.Error{Path: s.ask.Path, Step: "make inline data", Object: spec.Itoa(f.N), Field: f.Field, Err: err, Hint: explain.NoData(err)}
		}
		s.afterwards(func(bool) { unix.Close(fd) })
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

// moreFiles is how many files may be opened between a look at the highest
// descriptor and the birth of a child that has a copy of the table.
const moreFiles = 64

// highestFile returns the highest descriptor that is open in this process, for
// kernels without close_range. Without /proc it is the highest that can be.
func highestFile() int { return slices.Max(append(openNumbers(), 0)) }

// openNumbers are the numbers of the descriptors that are open in this process, and
// maybe others. Without /proc they are all that there can be.
func openNumbers() (list []int) {
	if names, err := plain.Names("/proc/self/fd"); err == nil {
		for _, name := range names {
			if n, err := strconv.Atoi(name); err == nil {
				list = append(list, n)
			}
		}
		return list
	}
	const most = 1 << 20 // the kernel's default for fs.nr_open
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
		lim.Cur = math.MaxUint64
	}
	for n := range int(min(lim.Cur, most)) {
		list = append(list, n)
	}
	return list
}

// inheritAll gives the child all of this process's descriptors that are not
// marked close-on-exec. They keep their flags in the child: should one be
// closed now, and its number be that of another file, that is marked, and goes
// with the execve.
func (s *attempt) inheritAll() *spec.Error {
	if !s.ask.Attr.InheritAll {
		return nil
	}
	s.given.Files = slices.Clone(s.given.Files)
	for _, n := range openNumbers() {
		if n < 3 || spec.IndexOfFile(s.given.Files, n) >= 0 {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			s.given.Files = spec.InsertFile(s.given.Files, spec.ChildFile{N: n, Source: spec.Inherited, Fd: n, Field: spec.InheritField})
		}
	}
	return nil
}

// lostInherited reports whether one was closed before the child had a table of
// its own. The child can do without.
func (s *attempt) lostInherited(res machine.Result) bool {
	return res.Place == machine.InChild && res.Errno == unix.EBADF && s.made.First.Steps[res.Step].Field == spec.InheritField
}
