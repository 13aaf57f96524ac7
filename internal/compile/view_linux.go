//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// view has the program see what Attr.Root and Attr.Mounts say.
func (b *builder) view() {
	if !b.ask.HasView() {
		return
	}
	v := &viewer{builder: b}
	if b.given.isOld() {
		v.beginOld()
	}
	v.beginTelling()
	field := v.ask.ViewField()
	mask := b.p.Words(0)
	v.add(field, program.Umask, Num(0)).Into(mask) // modes are as they are asked for
	if (b.ask.Sys.Cloneflags|b.ask.Sys.Unshareflags)&unix.CLONE_NEWUSER == 0 && b.ask.Sys.Unshareflags&unix.CLONE_NEWNS == 0 {
		// What is mounted here must not appear outside. A file system of autofs's, which a
		// path below leads to, still has to appear here.
		v.add(field, program.Mount, b.p.Str("none"), b.p.Str("/"), Num(0), Num(unix.MS_REC|unix.MS_SLAVE), Num(0))
	}
	v.take()
	v.turn()
	v.place()
	v.end()
	v.add(field, program.Umask, b.p.Value(field, mask))
	b.p.Copy(field, b.p.Words(1), v.viewed)
}

// take makes all mounts, from what the caller sees. What is made of the hidden file system
// comes last: that is mounted on / for the time, where a bind would take it along.
func (v *viewer) take() {
	root, field, first := v.ask.ViewRoot()
	if root != nil {
		v.taken = append(v.taken, taken{Mount: root, field: field, index: first - 1, stays: true})
	}
	for i := range v.ask.Attr.Mounts[first:] {
		m := &v.ask.Attr.Mounts[first+i]
		atOnce := m.Propagation == spec.PropagationPrivate && m.Flags|m.Clear != 0 && (m.Bind != "" || m.File != nil) // see seal
		stays := m.Propagation != spec.PropagationDefault && m.Source() != "" && !atOnce || landOf(m) != foreign
		v.taken = append(v.taken, taken{Mount: m, field: spec.Index(spec.MountsField, first+i), index: first + i, stays: stays})
	}
	hides := false
	for i := range v.taken {
		if hides = hides || v.taken[i].needsHidden(); !v.taken[i].needsHidden() {
			v.takeOne(&v.taken[i])
		}
	}
	for i := range v.taken {
		if t := &v.taken[i]; t.Mask && v.old != nil {
			v.takeNull(t)
		}
	}
	if hides && v.old == nil {
		v.takeHidden()
	}
}

// takeHidden takes what is made of the hidden file system.
func (v *viewer) takeHidden() {
	v.hide()
	for i := range v.taken {
		if v.taken[i].needsHidden() {
			v.takeOne(&v.taken[i])
		}
	}
	v.unhide()
}

// turn makes the root directory. The one of before is not to be reached any more.
func (v *viewer) turn() {
	if v.old != nil {
		v.oldTurn()
		for i := range v.taken {
			if v.taken[i].needsHidden() {
				v.takeHidden()
				break
			}
		}
		return
	}
	root, field, _ := v.ask.ViewRoot()
	p := v.p
	if root == nil {
		field = v.ask.ViewField()
		v.add(field, program.Openat, Num(unix.AT_FDCWD), p.Str("/"), Num(pathOnlyCloexec), Num(0))
		v.root = p.Result()
		if r := v.ask.Attr.Root; r != nil && r.Flags != 0 {
			v.seal(field, v.root, r.Flags, 0, atRecursive, r.Propagation)
		}
		v.tree.init(foreign)
		return
	}
	v.root = v.taken[0].fd
	v.add(field, program.MoveMount, v.root, p.Str(""), Num(unix.AT_FDCWD), p.Str("/"), Num(fromDescriptor))
	v.add(field, program.Fchdir, v.root)
	v.add(field, program.PivotRoot, p.Str("."), p.Str("."))
	v.add(field, program.Umount2, p.Str("."), Num(unix.MNT_DETACH))
	v.add(field, program.Chdir, p.Str("/"))
	v.isAlone(field, Covered)
	v.tree.init(landOf(root))
}

// place places the mounts, in their order.
func (v *viewer) place() {
	for i := range v.taken {
		if t := &v.taken[i]; !v.isRoot(t) {
			v.placeOne(t)
		}
	}
}

// end is for what would have been in the way of placing, and closes what is still open.
func (v *viewer) end() {
	field := v.ask.ViewField()
	for i := range v.taken {
		if t := &v.taken[i]; t.late != 0 {
			v.setFlags(t.field, v.fdOf(t), t.late, 0, 0)
		}
	}
	if v.ask.Turns() && v.old == nil && len(v.taken) > 1 {
		v.isAlone(field, AtRoot) // nor has a link in it led a mount there
	}
	if r := v.ask.Attr.Root; r == nil || r.Propagation != spec.PropagationSlave {
		v.propagate(field, v.root, unix.MS_PRIVATE)
	} else {
		v.propagate(field, v.root, unix.MS_SLAVE)
	}
	for i := range v.taken {
		t := &v.taken[i]
		if !t.stays || v.isRoot(t) && v.old != nil { // which oldEnd closes
			continue
		}
		here := v.ifThere(t)
		if t.Propagation != spec.PropagationDefault && !v.isRoot(t) {
			v.propagate(t.field, v.fdOf(t), propagationFlag(t.Propagation))
		}
		v.close(t.field, v.fdOf(t))
		here.Place()
	}
	if v.old != nil {
		v.oldEnd()
	}
	if !v.ask.Turns() && v.old == nil {
		v.close(field, v.root)
	}
}

// takeOne makes a mount that is not yet anywhere.
func (v *viewer) takeOne(t *taken) {
	switch t.Source() {
	case "Bind":
		v.takePath(t, t.Bind)
	case "File":
		v.takeFile(t)
	case "Tmpfs":
		v.takeTmpfs(t)
	case "Proc":
		v.takeProc(t)
	case "Dev":
		v.takeDev(t)
	case "Kernel":
		v.takeKernel(t)
	case "Overlay":
		v.takeOverlay(t)
	case "Data":
		if !t.Copy {
			v.takeData(t)
		}
	case "Mask":
		v.takeMask(t)
	}
}

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
