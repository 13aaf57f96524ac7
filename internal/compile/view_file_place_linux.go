//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// copyData writes a file of the file system that is there. Links are followed inside the root.
func (v *viewer) copyData(t *taken) {
	p, mode := v.p, uint32(0o600)
	if t.Mode != nil {
		mode = *t.Mode
	}
	to := v.resolve(t.At())
	how := p.Words(unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOCTTY, uint64(mode), resolveInRoot)
	v.add(t.field, program.Openat2, v.root, p.Str(to.path), how, Num(openHowSize))
	p.WithOpen(func(fd program.Arg) {
		if len(t.Data) > 0 {
			v.add(t.field, program.Write, fd, p.Bytes(t.Data), Num(len(t.Data)))
		}
	})
	if to.known() {
		v.tree.add(to.path)
	}
}

// changeMode is for Mode without a source. A file that is opened for its path alone takes a mode by
// fchmodat2 (Linux 6.6), and before that it has to be opened for reading.
func (v *viewer) changeMode(t *taken) {
	p, lacking, done := v.p, v.p.Ahead(), v.p.Ahead()
	v.openStep(t.field, t.At())
	at := p.Result()
	v.add(t.field, program.Fchmodat2, at, p.Str(""), Num(*t.Mode), Num(emptyPath)).On(uint32(unix.ENOSYS), &lacking)
	v.close(t.field, at)
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	lacking.Place()
	v.close(t.field, at)
	how := p.Words(unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0, resolveInRoot)
	v.add(t.field, program.Openat2, v.root, p.Str(t.At()), how, Num(openHowSize)).Quiet = true
	p.WithOpen(func(fd program.Arg) { v.add(t.field, program.Fchmod, fd, Num(*t.Mode)).Quiet = true })
	done.Place()
}
