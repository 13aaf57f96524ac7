//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

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
