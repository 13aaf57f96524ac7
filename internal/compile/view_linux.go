//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// A viewer compiles what the program sees of the file system, in three phases. It takes
// all that is mounted, as detached mounts, from the view that the caller has. It turns
// to the new root. It places one mount after the other, at a target that is
// resolved inside the new root. So sources do not depend on mounts of the same
// start, and targets do not leave the root.
type viewer struct {
	*builder
	root   program.Arg // the descriptor of the root directory
	hidden program.Arg // that of a file system which nobody can name later, if there is one
	names  int         // how many files it has
	taken  []taken
	tree   tree
	old    *oldView // where the kernel has only mount(2)

	stat, kind program.Arg // room for what statx(2) tells, and a word for the type of a file
	how        program.Arg // a struct open_how, for paths in the root
	beneath    program.Arg // and one for those in a mount of the view's own
	zero       program.Arg // a word that is 0, for jumps

	context, noContext program.Arg // words: what a file system is just being configured by, and none
}

// A taken mount is one that is made and not yet placed.
type taken struct {
	*spec.Mount
	field string
	index int         // in Attr.Mounts, or -1
	fd    program.Arg // its descriptor, or a word with it
	// missing is a word that is [none] where the mount was left out.
	missing program.Arg
	other   program.Arg     // of a mask: what a file becomes
	parts   []part          // of a Dev: what goes into it
	late    spec.MountFlags // flags that are set when everything is placed
	stays   bool            // the descriptor is needed until then
}

// A part is a mount inside of another.
type part struct {
	name string
	fd   program.Arg
}

// none is no descriptor, as a 32-bit word.
const none = 1<<32 - 1

// Flags of the calls, which are the same on all machines.
const (
	openTreeClone   = unix.OPEN_TREE_CLONE | unix.O_CLOEXEC
	atRecursive     = unix.AT_RECURSIVE
	emptyPath       = unix.AT_EMPTY_PATH
	fromDescriptor  = unix.MOVE_MOUNT_F_EMPTY_PATH
	toDescriptor    = unix.MOVE_MOUNT_T_EMPTY_PATH
	resolveInRoot   = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	modeTypeMask    = 0o170000
	modeDirectory   = 0o040000
	modeLink        = 0o120000
	modeRegular     = 0o100000
	statxMode       = 28 // where struct statx has its fields
	statxInode      = 32
	statxRdevMajor  = 128
	statxRdevMinor  = 132
	statxDevMajor   = 136
	statxDevMinor   = 140
	statxMountID    = 144
	mountAttrSize   = 32
	openHowSize     = 24
	pathOnlyCloexec = unix.O_PATH | unix.O_CLOEXEC
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

// isRoot reports whether the mount is the root directory.
func (v *viewer) isRoot(t *taken) bool { return t == &v.taken[0] && v.ask.Turns() }

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

func propagationFlag(p spec.Propagation) uint64 {
	return [...]uint64{spec.PropagationPrivate: unix.MS_PRIVATE, spec.PropagationSlave: unix.MS_SLAVE,
		spec.PropagationShared: unix.MS_SHARED, spec.PropagationUnbindable: unix.MS_UNBINDABLE}[p]
}

// fdOf is the descriptor of a mount, as an argument.
func (v *viewer) fdOf(t *taken) program.Arg { return v.argOf(t.field, t.fd) }

// argOf is a descriptor as an argument: what is in a word is fetched.
func (v *viewer) argOf(field string, fd program.Arg) program.Arg {
	if fd.Kind != program.Address {
		return fd
	}
	return v.p.Value(field, fd)
}

// ifThere jumps to the target that it returns if the mount was left out.
func (v *viewer) ifThere(t *taken) program.Target {
	missing := v.p.Ahead()
	if t.missing != (program.Arg{}) {
		v.p.GotoIf(t.field, t.missing, Num(none), &missing).Quiet = true
	}
	return missing
}

func (v *viewer) close(field string, fd program.Arg) {
	if fd.Kind == program.Number { // one that the parent has made
		v.fds.setOpen(int(fd.Value), false)
	}
	v.add(field, program.Close, fd).Quiet = true
}
