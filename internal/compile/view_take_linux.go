//go:build amd64 || arm64

package compile

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// takePath takes what is at a path of the caller's, with what is mounted below.
func (v *viewer) takePath(t *taken, path string) {
	p, missing := v.p, v.p.Ahead()
	if tree := v.given.treeOf(t.index); tree != nil { // the parent has made it: ids are mapped
		v.takeTree(t, tree)
		return
	}
	if t.Optional {
		t.missing = p.Variable(none)
		t.fd = v.clonePath(t.field, path, t.depth(), &missing)
		p.StepOf(t.fd).Into(t.missing)
	} else {
		t.fd = v.clonePath(t.field, path, t.depth(), nil)
	}
	v.flagsOfSource(t)
	v.leftOut(t, &missing)
}

// takeTree takes a mount that the parent has made, or found nothing to be made of.
func (v *viewer) takeTree(t *taken, tree *Tree) {
	if tree.LeftOut {
		t.missing = v.p.Variable(none)
		t.fd, t.stays = t.missing, false
		v.tell(t, LeftOut)
		return
	}
	t.fd = Num(v.fds.at(tree.Hole))
	v.flagsOfSource(t)
}

// takeTmpfs makes an empty file system, which can be written to as long as mounts are placed in it.
func (v *viewer) takeTmpfs(t *taken) {
	flags := t.flagsOf(spec.MountNoSUID | spec.MountNoDev)
	if flags&spec.MountReadOnly != 0 && (v.isRoot(t) || v.isMountedBelow(t)) {
		flags, t.late, t.stays = flags&^spec.MountReadOnly, spec.MountReadOnly, true
	}
	o, mode := t.Tmpfs, uint32(0o755)
	if o.Mode != nil {
		mode = *o.Mode
	}
	options := []option{{key: "mode", value: octal(mode)}}
	if o.Size > 0 {
		options = append(options, option{key: "size", value: decimal(o.Size)})
	}
	if o.Inodes > 0 {
		options = append(options, option{key: "nr_inodes", value: decimal(o.Inodes)})
	}
	if o.Huge != "" {
		options = append(options, option{key: "huge", value: o.Huge})
	}
	t.fd = v.newFileSystem(t.field, "tmpfs", attributes(flags), options...)
}

// isMountedBelow reports whether a later mount may be below this one.
func (v *viewer) isMountedBelow(t *taken) bool {
	for i := t.index + 1; i < len(v.ask.Attr.Mounts); i++ {
		if at := v.ask.Attr.Mounts[i].At(); strings.HasPrefix(at, t.At()+"/") {
			return true
		}
	}
	return false
}

// takeFile takes what an open file of the caller's is. A descriptor of another mount namespace
// cannot be cloned. So the caller has cloned it, if it may, and the child goes by the path
// otherwise, and looks whether it leads to the same file.
func (v *viewer) takeFile(t *taken) {
	tree := v.given.treeOf(t.index)
	if tree.Hole != NotOpen {
		v.takeTree(t, tree)
		return
	}
	t.fd = v.cloneSame(t, tree)
	v.flagsOfSource(t)
}

// takeConsole takes the terminal of a Dev, which is one that the caller has open: by a path it could be
// anything by then (CVE-2025-52565).
func (v *viewer) takeConsole(t *taken) program.Arg {
	tree := v.given.treeOf(t.index)
	if tree.Hole != NotOpen {
		return Num(v.fds.at(tree.Hole))
	}
	return v.cloneSame(t, tree)
}

// cloneSame makes a mount of what is at a path, if that is the file that it was.
func (v *viewer) cloneSame(t *taken, tree *Tree) program.Arg {
	p := v.p
	fd := v.clonePath(t.field, tree.Path, t.depth(), nil)
	different, done := p.Ahead(), p.Ahead()
	v.add(t.field, program.Statx, fd, p.Str(""), Num(emptyPath), Num(unix.STATX_INO), v.stat)
	for _, word := range [...]struct {
		at   int
		want uint32
	}{
		{statxInode, uint32(tree.Inode)}, {statxInode + 4, uint32(tree.Inode >> 32)}, {statxDevMajor, tree.Major}, {statxDevMinor, tree.Minor},
	} {
		same := p.Ahead()
		p.GotoIf(t.field, v.stat.Plus(word.at), Num(word.want), &same).Then(&different).Quiet = true
		same.Place()
	}
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	different.Place()
	v.fails(t.field, tree.Path, OtherFile)
	done.Place()
	return fd
}
