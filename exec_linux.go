//go:build amd64 || arm64

package sprog

import (
	"math"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/program"
)

// execRequest runs the steps of a request in the place of this process. It returns
// only what keeps it from beginning.
func execRequest(r *request, to options) error {
	r.fillIn()
	if err := resolve(r); err != nil {
		return r.refused(err)
	}
	s := new(memory).attempt(r, to, tried{})
	defer func() { s.cleanUp(false) }()
	learnCloseRange()
	s.given.lacks = kernel.Known.Missing()
	if err := s.build(); err != nil {
		return r.refused(err)
	}
	s.tellFailures()
	self := machine.Self{Program: s.made.first, Handler: s.handler, OneThread: s.oneThread()}
	for _, h := range s.given.held {
		self.Keep = append(self.Keep, h.fd)
	}
	err := self.Become()
	return r.refused(&StartError{Step: "execute the steps", Err: err, Hint: noImageText(err)})
}

// learnCloseRange finds out whether there is a close_range that can do what is
// asked of it: a step that failed for lack of it could not be tried again.
func learnCloseRange() {
	const none = math.MaxUint32
	if unix.CloseRange(none, none, unix.CLOSE_RANGE_CLOEXEC) != nil {
		kernel.Known.Learn(kernel.NoCloseRange)
	}
}

// checkInPlace refuses what a process cannot do to itself.
func (r *request) checkInPlace() *StartError {
	if !r.inPlace {
		return nil
	}
	const alone = "which an Exec does not make: one process stays one"
	switch {
	case r.attr.Init != nil:
		return invalidf("Attr.Init", "", "is a process above the program, "+alone)
	case r.attr.Cgroup != nil:
		return invalidf(cgroupField, "", "is removed by Wait, which an Exec does not come to: use SysProcAttr.UseCgroupFD")
	case r.birthUnshare()&unix.CLONE_NEWPID != 0:
		return invalidf(field("Cloneflags"), "CLONE_NEWPID", "is for children, "+alone)
	}
	return r.checkOwnMaps()
}

// checkOwnMaps refuses what a process cannot write to the maps of a user
// namespace that it has made itself: it has no privileges outside of it.
func (r *request) checkOwnMaps() *StartError {
	for _, m := range []struct {
		field string
		lines []syscall.SysProcIDMap
	}{{"UidMappings", r.sys.UidMappings}, {"GidMappings", r.sys.GidMappings}} {
		if len(m.lines) > 1 || len(m.lines) == 1 && m.lines[0].Size > 1 {
			return invalidf(field(m.field), strings.TrimSuffix(mapText(m.lines), "\n"),
				"needs a process outside of the new user namespace to write it: an Exec can map one id, its own")
		}
	}
	if r.gids != nil && r.setgroups() != "deny" {
		return invalidf(r.setgroupsField(), "",
			"needs a process outside of the new user namespace to write the map: in an Exec, setgroups is denied")
	}
	return nil
}

// useStderr keeps this process's standard error, for the steps to say what
// failed.
func (s *starter) useStderr() *StartError {
	s.given.stderr = -1
	if !s.ask.inPlace {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(os.Stderr.Fd()), unix.F_GETFD, 0); err == nil {
		s.given.stderr = int(os.Stderr.Fd())
		s.given.use(s.given.stderr, "", program.Harmless)
	}
	return nil
}

// useCgroup is for a cgroup that a child would be born in.
func (s *starter) useCgroup() *StartError {
	if s.ask.inPlace && s.ask.sys.UseCgroupFD {
		s.given.use(s.ask.sys.CgroupFD, field("CgroupFD"), program.HostDirectory)
	}
	return nil
}

// beginInPlace is where the steps of an Exec differ from those of a child:
// it begins as a child does after its birth, with signals blocked until the
// mask is set, and makes sure that a failure can be told of.
func (b *builder) beginInPlace() {
	if !b.ask.inPlace {
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
	if !b.ask.inPlace {
		return
	}
	if b.ask.sys.UseCgroupFD {
		b.joinCgroup(b.table.at(b.ask.sys.CgroupFD), field("CgroupFD")) // before a cgroup namespace takes it for its root
		b.drop(b.ask.sys.CgroupFD, field("CgroupFD"))
	}
	b.joinRest()
	flags := b.ask.birthUnshare()
	if flags == 0 {
		return
	}
	b.add(field("Cloneflags"), program.Unshare, num(flags))
	if flags&unix.CLONE_NEWUSER != 0 {
		b.writeOwnMaps()
	}
}

// parent is who the parent-death signal is about.
func parent(r *request) int {
	if r.inPlace {
		return os.Getppid()
	}
	return os.Getpid()
}

// birthUnshare are the namespaces that a clone would make.
func (r *request) birthUnshare() uint64 { return birthFlags(r.sys.Cloneflags) }

// joinCgroup moves the process into the cgroup with that directory.
func (b *builder) joinCgroup(dir int, field string) {
	p := b.p
	b.add(field, program.Openat, num(dir), p.Str("cgroup.procs"), num(unix.O_WRONLY), num(0))
	p.WithOpen(func(fd program.Arg) { b.add(field, program.Write, fd, p.Str("0"), num(1)) })
}
