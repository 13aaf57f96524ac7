//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// splitStage ends the first stage and begins the second, if there is to be one.
// What the second needs of the parent's descriptors survives the execve.
func (b *builder) splitStage() {
	if b.made.Second == nil {
		return
	}
	t := &b.fds
	b.made.Report = t.at(b.given.Pipe)
	b.carryCaps()
	b.restoreMask()
	b.coreBack() // a signal may leave a core file from here on
	b.executeFile(b.given.StageField, t.at(b.given.Image), b.p.Strs([]string{stage2.Name}), b.p.Strs(nil)).Of(program.OfStage)
	t.setOpen(t.at(b.given.Image), false)

	b.p = b.made.Second
	b.p.Reset()
	b.keepSecondLog()
	b.mask = b.p.Words(0)
	b.p.Label(b.mask, "mask")
	b.mapState(t.at(b.given.StateFD))
	// As after the birth: until the mask is set no signal is to end the start.
	b.addStage(program.RtSigprocmask, Num(unix.SIG_SETMASK), b.p.Words(^uint64(0)), b.mask, Num(8))
	b.addStage(program.Prctl, Num(unix.PR_SET_NAME), b.p.Str(stage2.Name))
	b.addStage(program.Fcntl, Num(b.made.Report), Num(unix.F_SETFD), Num(unix.FD_CLOEXEC))
	b.putCapsBack()
}

// mapState has the parent see what step the second stage has come to, even if
// it is killed.
func (b *builder) mapState(fd int) {
	b.noteBirth(fd)
	b.made.Mapped = b.p.Len()
	b.addStage(program.Mmap, Num(stage2.StatePage), Num(stage2.StateSize(b.p.Log.Size())), Num(unix.PROT_READ|unix.PROT_WRITE),
		Num(unix.MAP_SHARED|unix.MAP_FIXED), Num(fd), Num(0))
	if b.ask.Attr.Init != nil { // which tells at the end what has become of the program
		b.stateLast = fd
		b.add(spec.InitField, program.Fcntl, Num(fd), Num(unix.F_SETFD), Num(unix.FD_CLOEXEC))
		return
	}
	b.addStage(program.Close, Num(fd))
	b.fds.setOpen(fd, false)
}
