//go:build amd64 || arm64

package compile

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// open opens what a path means in the program's root. Links are followed there, and
// those in /proc that lead anywhere are not.
func (v *viewer) open(field, path string) directory {
	if path == "/" {
		return directory{v.root, true}
	}
	return directory{fd: v.openPath(field, path, nil)}
}

// openPath opens a path in the root. If nothing is there, the child goes on with the target, if there is
// one.
func (v *viewer) openPath(field, path string, missing *program.Target) program.Arg {
	if v.old != nil || v.given.Lacks.Has(kernel.NoOpenat2) {
		return v.openSlowly(field, v.root, path, missing)
	}
	step := v.openStep(field, path)
	if missing != nil {
		step.On(uint32(unix.ENOENT), missing)
	}
	return v.p.Result()
}

// openOwn opens a directory of the view's own, in which something is made without having been
// asked for. A path from the root could lead to a directory of the caller's by now: somebody
// outside may have moved away what the mount is on, and laid a link there. So it begins at the mount.
func (v *viewer) openOwn(field, dir string) directory {
	base, at := v.tree.base(dir)
	if base.of == nil || base.land == foreign {
		return v.open(field, dir)
	}
	below := strings.TrimPrefix(strings.TrimPrefix(dir, at), "/")
	if below == "" {
		return directory{v.fdOf(base.of), true}
	}
	if v.given.Lacks.Has(kernel.NoOpenat2) {
		return directory{fd: v.openSlowly(field, v.fdOf(base.of), below, nil)}
	}
	v.add(field, program.Openat2, v.fdOf(base.of), v.p.Str(below), v.beneath, Num(openHowSize))
	return directory{fd: v.p.Result()}
}

// openStep opens a path in the root. The kernel answers EAGAIN where somebody has renamed a directory
// meanwhile, so that it cannot be sure to be still inside.
func (v *viewer) openStep(field, path string) *program.Step {
	return v.add(field, program.Openat2, v.root, v.p.Str(path), v.how, Num(openHowSize)).Retry(uint32(unix.EAGAIN))
}

func (v *viewer) closeDir(field string, d directory) {
	if !d.stays {
		v.close(field, d.fd)
	}
}

// makeKnown makes a target, and the directories above it, in a file system of which
// all is known, as far as they are not there. It returns the directory and the name in it.
func (v *viewer) makeKnown(t *taken, to target) (dir directory, name string) {
	parent, name := path.Split(to.path)
	parent = path.Clean(parent)
	for _, above := range v.tree.missingAbove(to.path) {
		over, last := path.Split(above)
		dir := v.openOwn(t.field, path.Clean(over))
		v.makeDir(t.field, dir, last, 0o755)
		v.closeDir(t.field, dir)
		v.tree.add(above)
	}
	dir = v.openOwn(t.field, parent)
	if !v.tree.has(to.path) {
		v.makeLike(t, dir, name)
	}
	return dir, name
}

// makeUnknown makes a target in a file system that may have it.
func (v *viewer) makeUnknown(t *taken, to target) {
	if !t.Create && to.land != private && to.missing == (program.Arg{}) {
		return
	}
	p, missing, there := v.p, v.p.Ahead(), v.p.Ahead()
	fd := v.openPath(t.field, to.path, &missing)
	v.add(t.field, program.Close, fd).Then(&there).Quiet = true
	missing.Place()
	if to.missing != (program.Arg{}) && !t.Create && to.land != private {
		make := p.Ahead()
		p.GotoIf(t.field, to.missing, Num(none), &make).Then(&there).Quiet = true
		make.Place()
	}
	open, made := v.openOwn, v.tree.belowBase(to.path)
	if t.Create {
		open, made = v.open, prefixes(to.path)
	}
	for _, above := range made {
		over, last := path.Split(above)
		dir := open(t.field, path.Clean(over))
		if above == to.path {
			v.makeLike(t, dir, last)
		} else {
			v.makeDir(t.field, dir, last, 0o755)
		}
		v.closeDir(t.field, dir)
	}
	there.Place()
}

// makeDir makes a directory, or leaves what is there.
func (v *viewer) makeDir(field string, dir directory, name string, mode uint32) {
	v.add(field, program.Mkdirat, dir.fd, v.p.Str(name), Num(mode)).Ignore(uint32(unix.EEXIST))
}

// makeLike makes what the mount can be attached to: a directory or a file.
func (v *viewer) makeLike(t *taken, dir directory, name string) {
	p := v.p
	file := func() {
		v.add(t.field, program.Mknodat, dir.fd, p.Str(name), Num(modeRegular|0o444), Num(0)).Ignore(uint32(unix.EEXIST))
	}
	if is, known := t.IsDirectory(); known {
		if is {
			v.makeDir(t.field, dir, name, t.modeOf())
		} else {
			file()
		}
		return
	}
	isDir, done := p.Ahead(), p.Ahead()
	v.gotoIfDirectory(t.field, v.fdOf(t), &isDir)
	file()
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	isDir.Place()
	v.makeDir(t.field, dir, name, t.modeOf())
	done.Place()
}

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
	for i, above := range list {
		last, flags := dir, pathOnlyCloexec|unix.O_NOFOLLOW
		if i == len(list)-1 && strings.HasSuffix(to, "/") {
			flags |= unix.O_DIRECTORY
		}
		step := v.add(field, program.Openat, dir, p.Str(path.Base(above)), Num(flags), Num(0))
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

// openIn opens a file in a directory without following a link.
func (v *viewer) openIn(field string, dir program.Arg, name string) program.Arg {
	v.add(field, program.Openat, dir, v.p.Str(name), Num(pathOnlyCloexec|unix.O_NOFOLLOW), Num(0))
	return v.p.Result()
}

// onTop opens what is mounted on top of the root directory: the parent of that is itself, but for that.
func (v *viewer) onTop(field string, root program.Arg) program.Arg {
	v.add(field, program.Openat, root, v.p.Str(".."), Num(pathOnlyCloexec), Num(0))
	return v.p.Result()
}

// isAlone makes sure that nothing is on top of the new root. The parent of the root directory is itself, or what
// is mounted there: the old root, if the caller had something on top of that, which was taken for it.
func (v *viewer) isAlone(field string, otherwise ViewFlaw) {
	p, alone := v.p, v.p.Ahead()
	v.add(field, program.Statx, v.root, p.Str(""), Num(emptyPath), Num(unix.STATX_MNT_ID), v.stat).Quiet = true
	id := p.Words(0)
	p.Copy(field, v.stat.Plus(statxMountID), id)
	top := v.onTop(field, v.root)
	p.StepOf(top).Quiet = true
	v.add(field, program.Statx, top, p.Str(""), Num(emptyPath), Num(unix.STATX_MNT_ID), v.stat).Quiet = true
	v.close(field, top)
	p.GotoIf(field, v.stat.Plus(statxMountID), p.Value(field, id), &alone).Quiet = true
	v.fails(field, "/", otherwise)
	alone.Place()
}
