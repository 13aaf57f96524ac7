//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// meetParent waits until the parent has written the maps. Should the parent
// be killed meanwhile, the child goes too: it would wait forever.
func (b *builder) meetParent() {
	if !b.given.MeetsEarly() {
		return
	}
	name := b.ask.MeetField()
	b.add(name, program.Prctl, Num(unix.PR_SET_PDEATHSIG), Num(int(unix.SIGKILL)))
	b.endWithoutParent(name)
	b.made.GoWord = b.p.Words(0)
	b.p.Label(b.made.GoWord, "go")
	look, met := b.p.Here(), b.p.Ahead()
	b.p.GotoIf(name, b.made.GoWord, Num(1), &met).Quiet = true
	b.add(name, program.Futex, b.made.GoWord, Num(0), Num(0), Num(0)).
		On(uint32(unix.EAGAIN), &look).On(uint32(unix.EINTR), &look).Then(&look)
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
