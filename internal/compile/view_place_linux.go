//go:build amd64 || arm64

package compile

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// placeOne puts a mount where it belongs.
func (v *viewer) placeOne(t *taken) {
	if source := t.Source(); t.At() != "/" && source != "Dir" && source != "Symlink" && v.resolve(t.At()).path == "/" {
		v.fails(t.field, t.At(), AtRoot) // nobody would see what is mounted there
		return
	}
	switch t.Source() {
	case "":
		v.change(t)
		return
	case "Mask":
		v.placeMask(t)
		return
	case "Dir":
		v.makeDirectory(t)
		return
	case "Data":
		if t.Copy {
			v.copyData(t)
			return
		}
	case "Symlink":
		v.makeLink(t)
		return
	}
	missing := v.ifThere(t)
	v.attach(t, v.resolve(t.At()))
	if t.Dev != nil {
		v.fill(t)
	}
	if t.Proc != nil {
		v.protect(t)
	}
	if !t.stays {
		v.close(t.field, v.fdOf(t))
	}
	missing.Place()
	v.tree.mount(v.resolve(t.At()).path, landOf(t.Mount), t.missing, t)
	if t.Dev != nil {
		v.tree.dev(v.resolve(t.At()).path, t)
	}
}

// attach attaches a mount at its target, which is made where that may be.
func (v *viewer) attach(t *taken, to target) {
	if to.known() {
		parent, name := v.makeKnown(t, to)
		if v.old != nil {
			v.oldAttach(t, parent.fd, name)
			v.closeDir(t.field, parent)
			return
		}
		v.add(t.field, program.MoveMount, v.fdOf(t), v.p.Str(""), parent.fd, v.p.Str(name), Num(fromDescriptor))
		v.closeDir(t.field, parent)
		return
	}
	v.makeUnknown(t, to)
	dir := v.open(t.field, to.path)
	if v.old != nil {
		v.oldAttach(t, dir.fd, "")
		v.closeDir(t.field, dir)
		return
	}
	v.add(t.field, program.MoveMount, v.fdOf(t), v.p.Str(""), dir.fd, v.p.Str(""), Num(fromDescriptor|toDescriptor))
	v.closeDir(t.field, dir)
}

// A directory is one that is open while something is made in it.
type directory struct {
	fd    program.Arg
	stays bool // it is the root, or a mount that something is made in
}

func (v *viewer) closeDir(field string, d directory) {
	if !d.stays {
		v.close(field, d.fd)
	}
}

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

// gotoIfDirectory goes on with the target if a descriptor is of a directory.
func (v *viewer) gotoIfDirectory(field string, fd program.Arg, is *program.Target) {
	v.gotoIfType(field, fd, modeDirectory, is)
}

func (v *viewer) gotoIfType(field string, fd program.Arg, kind int, is *program.Target) {
	p := v.p
	v.add(field, program.Statx, fd, p.Str(""), Num(emptyPath), Num(unix.STATX_TYPE), v.stat)
	p.Copy(field, v.stat.Plus(statxMode), v.kind).Args[3] = Num(^uint32(modeTypeMask))
	p.GotoIf(field, v.kind, Num(kind), is).Quiet = true
}

// change sets flags of what is at the target already, by a mount of it on itself.
func (v *viewer) change(t *taken) {
	if t.Mode != nil {
		v.changeMode(t)
		return
	}
	p, missing := v.p, v.p.Ahead()
	propagation := uint64(0)
	if t.Propagation != spec.PropagationDefault {
		propagation = propagationFlag(t.Propagation)
	}
	if t.At() == "/" {
		v.seal(t.field, v.root, t.Flags, t.Clear, t.depth(), t.Propagation)
		return
	}
	dir := v.ownMount(t, v.resolve(t.At()).path)
	covers := dir.stays
	switch {
	case covers:
	case t.Optional:
		t.missing = p.Variable(none)
		dir.fd = v.openPath(t.field, t.At(), &missing)
		p.StepOf(dir.fd).Into(t.missing)
	default:
		dir.fd = v.openPath(t.field, t.At(), nil)
	}
	var tree program.Arg
	if v.old != nil {
		tree = v.oldChange(t, dir.fd)
	} else {
		v.add(t.field, program.OpenTree, dir.fd, p.Str(""), Num(openTreeClone|emptyPath|t.depth()))
		tree = p.Result()
		v.seal(t.field, tree, t.Flags, t.Clear, t.depth(), t.Propagation)
		v.add(t.field, program.MoveMount, tree, p.Str(""), dir.fd, p.Str(""), Num(fromDescriptor|toDescriptor))
	}
	if propagation != 0 || covers {
		t.fd, t.stays = tree, true
	} else {
		v.close(t.field, v.argOf(t.field, tree))
	}
	v.closeDir(t.field, dir)
	v.leftOut(t, &missing)
}

// ownMount is a mount of the view's own that is to be mounted on itself. What is made in it from then
// on is made in the mount on top.
func (v *viewer) ownMount(t *taken, p string) directory {
	n, at := v.tree.base(p)
	if at != p || n.of == nil || n.land == foreign {
		return directory{}
	}
	below := n.of
	n.of = t
	v.tree.nodes[p] = n
	return directory{v.fdOf(below), true}
}

// makeDirectory is for Dir. Where nothing may be made it has to be there.
func (v *viewer) makeDirectory(t *taken) {
	to := v.resolve(t.At())
	switch {
	case to.path == "/":
	case to.known():
		dir, _ := v.makeKnown(t, to)
		v.closeDir(t.field, dir)
		v.tree.add(to.path)
	default:
		v.makeUnknown(t, to)
		dir := v.open(t.field, to.path+"/")
		v.closeDir(t.field, dir)
	}
}

// modeOf is that of what is made for a mount.
func (t *taken) modeOf() uint32 {
	if t.Dir && t.Mode != nil {
		return *t.Mode
	}
	return 0o755
}
