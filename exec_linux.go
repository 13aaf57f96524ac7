//go:build amd64 || arm64

package sprog

import (
	"math"
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// execRequest runs the steps of a request in the place of this process. It returns
// only what keeps it from beginning.
func execRequest(r *spec.Start, to options) error {
	r.FillIn()
	if err := resolve(r); err != nil {
		return r.Refused(err)
	}
	s := new(memory).attempt(r, to, tried{})
	defer func() { s.cleanUp(false) }()
	learnCloseRange()
	s.given.lacks = kernel.Known.Missing()
	if err := s.build(); err != nil {
		return r.Refused(err)
	}
	s.tellFailures()
	self := machine.Self{Program: s.made.first, Handler: s.handler, OneThread: s.oneThread()}
	for _, h := range s.given.held {
		self.Keep = append(self.Keep, h.fd)
	}
	err := self.Become()
	return r.Refused(&spec.Error{Step: "execute the steps", Err: err, Hint: noImageText(err)})
}

// learnCloseRange finds out whether there is a close_range that can do what is
// asked of it: a step that failed for lack of it could not be tried again.
func learnCloseRange() {
	const none = math.MaxUint32
	if unix.CloseRange(none, none, unix.CLOSE_RANGE_CLOEXEC) != nil {
		kernel.Known.Learn(kernel.NoCloseRange)
	}
}

// useStderr keeps this process's standard error, for the steps to say what
// failed.
func (s *starter) useStderr() *spec.Error {
	s.given.stderr = -1
	if !s.ask.InPlace {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(os.Stderr.Fd()), unix.F_GETFD, 0); err == nil {
		s.given.stderr = int(os.Stderr.Fd())
		s.given.use(s.given.stderr, "", program.Harmless)
	}
	return nil
}

// useCgroup is for a cgroup that a child would be born in.
func (s *starter) useCgroup() *spec.Error {
	if s.ask.InPlace && s.ask.Sys.UseCgroupFD {
		s.given.use(s.ask.Sys.CgroupFD, spec.Field("CgroupFD"), program.HostDirectory)
	}
	return nil
}

// beginInPlace is where the steps of an Exec differ from those of a child:
// it begins as a child does after its birth, with signals blocked until the
// mask is set, and makes sure that a failure can be told of.
func (b *builder) beginInPlace() {
	if !b.ask.InPlace {
		return
	}
	b.made.report, b.made.tellTo = -1, b.p.Words(uint64(b.given.stderr))
	b.add("", program.RtSigprocmask, num(unix.SIG_SETMASK), b.p.Words(^uint64(0)), b.mask, num(8))
	if b.given.stderr >= 0 {
		b.made.report = b.table.spare()
		b.add("", program.Dup3, num(b.table.at(b.given.stderr)), num(b.made.report), num(unix.O_CLOEXEC)).Into(b.made.tellTo)
	}
}

// bornInPlace does what the clone does for a child.
func (b *builder) bornInPlace() {
	if !b.ask.InPlace {
		return
	}
	if b.ask.Sys.UseCgroupFD {
		b.joinCgroup(b.table.at(b.ask.Sys.CgroupFD), spec.Field("CgroupFD")) // before a cgroup namespace takes it for its root
		b.drop(b.ask.Sys.CgroupFD, spec.Field("CgroupFD"))
	}
	b.joinRest()
	flags := b.ask.BirthUnshare()
	if flags == 0 {
		return
	}
	b.add(spec.Field("Cloneflags"), program.Unshare, num(flags))
	if flags&unix.CLONE_NEWUSER != 0 {
		b.writeOwnMaps()
	}
}

// parent is who the parent-death signal is about.
func parent(r *spec.Start) int {
	if r.InPlace {
		return os.Getppid()
	}
	return os.Getpid()
}

// joinCgroup moves the process into the cgroup with that directory.
func (b *builder) joinCgroup(dir int, field string) {
	p := b.p
	b.add(field, program.Openat, num(dir), p.Str("cgroup.procs"), num(unix.O_WRONLY), num(0))
	p.WithOpen(func(fd program.Arg) { b.add(field, program.Write, fd, p.Str("0"), num(1)) })
}
