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

// A directory is one that is open while something is made in it.
type directory struct {
	fd    program.Arg
	stays bool // it is the root, or a mount that something is made in
}

// An oldView is what there is besides for such kernels.
type oldView struct {
	from, to int         // the numbers that files are duplicated to
	root     program.Arg // the root of before
	news     []newMount
}

// A newMount is a file system that is made when it is mounted. Its number stands in for a descriptor.
type newMount struct {
	kind  string
	flags uint64
	data  string
}

// notMounted is the kind of an argument that is none yet: the index of a newMount.
const notMounted = program.ArgKind(0xff)

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

// isRoot reports whether the mount is the root directory.
func (v *viewer) isRoot(t *taken) bool { return t == &v.taken[0] && v.ask.Turns() }

// always is a word that is 0, for jumps.
func (v *viewer) always() program.Arg { return v.zero }

// tell notes what has become of a mount.
func (v *viewer) tell(t *taken, what ViewEvent) {
	r := &v.made.View
	bit := len(r.Told)
	r.Told = append(r.Told, ViewBit{t.index, what})
	word := r.Bits.Plus(8 * (bit / 32))
	v.p.Copy(t.field, word, word).Args[2] = Num(uint32(1) << (bit % 32))
}

// fails adds a step that cannot succeed. What was wrong is told in its place.
func (v *viewer) fails(field, path string, why ViewFlaw) {
	v.made.View.Fails = append(v.made.View.Fails, ViewFail{v.p.Len(), why})
	v.add(field, program.OpenTree, Num(unix.AT_FDCWD), v.p.Str(path), Num(uint32(1<<31))).Quiet = true
}

// leftOut ends what is done for a mount that may be missing, and tells if it is.
func (v *viewer) leftOut(t *taken, missing *program.Target) {
	if t.missing == (program.Arg{}) {
		missing.Place()
		return
	}
	there := v.p.Ahead()
	v.p.GotoIf(t.field, v.always(), Num(0), &there).Quiet = true
	missing.Place()
	v.tell(t, LeftOut)
	there.Place()
}

// depth is how far down the mount reaches.
func (t *taken) depth() int {
	if t.Shallow {
		return 0
	}
	return atRecursive
}

// flagsOf are those of a new file system that has some by default.
func (t *taken) flagsOf(usual spec.MountFlags) spec.MountFlags { return usual&^t.Clear | t.Flags }

// modeOf is that of what is made for a mount.
func (t *taken) modeOf() uint32 {
	if t.Dir && t.Mode != nil {
		return *t.Mode
	}
	return 0o755
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

// needsHidden reports whether the mount is made of the hidden file system.
func (t *taken) needsHidden() bool {
	return t.Data != nil && !t.Copy || t.Mask || t.Overlay != nil && t.Overlay.Private
}
