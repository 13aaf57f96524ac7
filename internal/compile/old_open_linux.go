//go:build amd64 || arm64

package compile

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// openSlowly opens a path from a directory one component after the other, where the kernel has no openat2. None may be
// a link. So it is as long as the old root is on top of the new one, too: there ".." of the root leads to it, also
// by RESOLVE_IN_ROOT.
func (v *viewer) openSlowly(field string, from program.Arg, to string, missing *program.Target) program.Arg {
	type left struct {
		at  program.Target
		dir program.Arg
	}
	p, dir, end := v.p, from, v.p.Ahead()
	var open []left // where nothing is, with the directory that is open then
	list := prefixes(path.Clean("/" + to))
	for _, above := range list {
		last := dir
		step := v.add(field, program.Openat, dir, p.Str(path.Base(above)), Num(pathOnlyCloexec|unix.O_NOFOLLOW), Num(0))
		switch {
		case missing == nil:
		case last == from:
			step.On(uint32(unix.ENOENT), missing)
		default:
			open = append(open, left{p.Ahead(), last})
			step.On(uint32(unix.ENOENT), &open[len(open)-1].at)
		}
		dir = p.Result()
		if last != from {
			v.close(field, last)
		}
	}
	if dir != from {
		v.isNoLink(field, to, dir)
	}
	if len(open) > 0 {
		p.GotoIf(field, v.always(), Num(0), &end).Quiet = true
		for i := range open {
			open[i].at.Place()
			v.add(field, program.Close, open[i].dir).Then(missing).Quiet = true
		}
		end.Place()
	}
	return dir
}

// isNoLink makes sure that what was opened is no link.
func (v *viewer) isNoLink(field, path string, fd program.Arg) {
	p, link, fine := v.p, v.p.Ahead(), v.p.Ahead()
	v.gotoIfType(field, fd, modeLink, &link)
	p.GotoIf(field, v.always(), Num(0), &fine).Quiet = true
	link.Place()
	v.fails(field, path, IsLink)
	fine.Place()
}
