//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// beginInPlace is where the steps of an Exec differ from those of a child:
// it begins as a child does after its birth, with signals blocked until the
// mask is set, and makes sure that a failure can be told of.
func (b *builder) beginInPlace() {
	if !b.ask.InPlace {
		return
	}
	b.noteParent()
	b.made.Report, b.made.TellTo, b.made.told = -1, b.p.Words(^uint64(0)), b.given.Stderr
	b.add("", program.RtSigprocmask, Num(unix.SIG_SETMASK), b.p.Words(^uint64(0)), b.mask, Num(8))
	if b.given.Stderr != NotOpen {
		b.made.Report = b.fds.at(b.given.Stderr)
	}
}

// bornInPlace does what the clone does for a child.
func (b *builder) bornInPlace() {
	if !b.ask.InPlace {
		return
	}
	if b.ask.Sys.UseCgroupFD {
		b.joinCgroup(b.fds.at(b.given.CgroupFD), spec.Field("CgroupFD")) // before a cgroup namespace takes it for its root
		b.drop(b.given.CgroupFD, spec.Field("CgroupFD"))
	}
	b.joinRest()
	flags := b.ask.BirthUnshare()
	if flags == 0 {
		return
	}
	b.add(spec.Field("Cloneflags"), program.Unshare, Num(flags))
	if flags&unix.CLONE_NEWUSER != 0 {
		b.writeOwnMaps()
	}
}

// joinCgroup moves the process into the cgroup with that directory.
func (b *builder) joinCgroup(dir int, field string) {
	p := b.p
	b.add(field, program.Openat, Num(dir), p.Str("cgroup.procs"), Num(unix.O_WRONLY), Num(0))
	p.WithOpen(func(fd program.Arg) { b.add(field, program.Write, fd, p.Str("0"), Num(1)) })
}
