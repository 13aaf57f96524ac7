//go:build amd64 || arm64

package compile

import (
	"cmp"
	"path"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// copyData writes a file of the file system that is there. A link that somebody has put in its
// place is not followed.
func (v *viewer) copyData(t *taken) {
	p, mode := v.p, uint32(0o600)
	if t.Mode != nil {
		mode = *t.Mode
	}
	to := v.resolve(t.At())
	dir, name := v.openAbove(t, to.path)
	v.add(t.field, program.Openat, dir.fd, p.Str(name), Num(unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY), Num(mode))
	p.WithOpen(func(fd program.Arg) { v.writeAll(t, fd) })
	v.closeDir(t.field, dir)
	if to.known() {
		v.tree.add(to.path)
	}
}

// openAbove opens the directory that a path is in.
func (v *viewer) openAbove(t *taken, at string) (dir directory, name string) {
	parent, name := path.Split(at)
	return v.open(t.field, path.Clean(parent)), cmp.Or(name, ".")
}

// changeMode is for Mode without a source. A file that is opened for its path alone takes a mode by
// fchmodat2 (Linux 6.6), and before that it has to be opened for reading.
func (v *viewer) changeMode(t *taken) {
	p, lacking, done := v.p, v.p.Ahead(), v.p.Ahead()
	at := v.open(t.field, t.At())
	v.add(t.field, program.Fchmodat2, at.fd, p.Str(""), Num(*t.Mode), Num(emptyPath)).On(uint32(unix.ENOSYS), &lacking)
	v.closeDir(t.field, at)
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	lacking.Place()
	v.closeDir(t.field, at)
	dir, name := v.openAbove(t, v.resolve(t.At()).path)
	v.add(t.field, program.Openat, dir.fd, p.Str(name), Num(unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK), Num(0)).Quiet = true
	p.WithOpen(func(fd program.Arg) { v.add(t.field, program.Fchmod, fd, Num(*t.Mode)).Quiet = true })
	v.closeDir(t.field, dir)
	done.Place()
}
