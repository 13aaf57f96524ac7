//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// takeFile takes what an open file of the caller's is. A descriptor of another mount namespace
// cannot be cloned. So the caller has cloned it, if it may, and the child goes by the path
// otherwise, and looks whether it leads to the same file.
func (v *viewer) takeFile(t *taken) {
	tree := v.given.treeOf(t.index)
	if tree.Hole != NotOpen {
		t.fd = Num(v.fds.at(tree.Hole))
		v.flagsOfSource(t)
		return
	}
	p := v.p
	t.fd = v.clonePath(t.field, tree.Path, t.depth(), nil)
	different, done := p.Ahead(), p.Ahead()
	v.add(t.field, program.Statx, t.fd, p.Str(""), Num(emptyPath), Num(unix.STATX_INO), v.stat)
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
	v.flagsOfSource(t)
}
