//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// meetParent waits until the parent has written the maps. Should the parent
// be killed meanwhile, the child goes too: it would wait forever. A parent whose last thread is ending just as the
// signal is asked for sends none, and its pidfd tells nothing yet: so the child looks again from time to time.
func (b *builder) meetParent() {
	if !b.given.MeetsEarly() {
		return
	}
	name := b.ask.MeetField()
	b.add(name, program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(int(unix.SIGKILL)))
	b.made.GoWord = b.p.Words(0)
	b.p.Label(b.made.GoWord, "go")
	moment := b.p.Words(1, 0)
	b.p.Label(moment, "1s")
	b.endWithoutParent(name)
	look, met := b.p.Here(), b.p.Ahead()
	b.p.GotoIf(name, b.made.GoWord, Num(1), &met).Quiet = true
	wait := b.add(name, program.Futex, b.made.GoWord, Num(0), Num(0), moment).Ignore(program.AnyErrno)
	if b.given.ParentFD == NotOpen {
		wait.Then(&look)
	} else {
		gone, step := b.lookForParent(name)
		step.Quiet = true
		b.p.GotoIf(name, gone, Num(0), &look).Quiet = true
		b.add(name, program.ExitGroup, Num(125)).Quiet = true
	}
	met.Place()
}

// writeOwnMaps has the child write its own maps, after unshare. Group maps
// come first there, as in package syscall.
func (b *builder) writeOwnMaps() {
	files := b.ask.MapFiles()
	if len(files) > 1 && files[0].Name == "uid_map" {
		files = append(files[1:], files[0])
	}
	for _, f := range files {
		b.ownIDs(f.Name, f.Text, b.writeProc(f.Field, "self/"+f.Name, f.Text))
	}
}
