//go:build amd64 || arm64

package compile

import (
	"encoding/binary"
	"path"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// makeLink is for Symlink.
func (v *viewer) makeLink(t *taken) {
	parent, name := path.Split(t.At())
	to := v.resolve(path.Clean(parent))
	if to.known() {
		for _, above := range append(v.tree.missingAbove(to.path), to.path) {
			if above == "/" || v.tree.has(above) {
				continue
			}
			over, last := path.Split(above)
			dir := v.openOwn(t.field, path.Clean(over))
			v.makeDir(t.field, dir, last, 0o755)
			v.closeDir(t.field, dir)
			v.tree.add(above)
		}
	}
	dir := v.openOwn(t.field, to.path)
	v.link(t, to, dir, name)
	v.closeDir(t.field, dir)
	v.tree.link(path.Join(to.path, name), t.Symlink)
}

// link makes a symbolic link, or finds that the one which is there says the same.
func (v *viewer) link(t *taken, in target, dir directory, name string) {
	if at := path.Join(in.path, name); in.known() && !v.tree.has(at) {
		v.add(t.field, program.Symlinkat, v.p.Str(t.Symlink), dir.fd, v.p.Str(name))
		return
	}
	p, exists, other, done := v.p, v.p.Ahead(), v.p.Ahead(), v.p.Ahead()
	v.makeMissing(t, in, &exists, func() {
		v.add(t.field, program.Symlinkat, p.Str(t.Symlink), dir.fd, p.Str(name)).On(uint32(unix.EEXIST), &exists).Then(&done)
	})
	exists.Place()
	words := len(t.Symlink)/4 + 1
	text, size, want := p.Buffer(4*words), p.Words(0), fourByFour(t.Symlink, words)
	v.add(t.field, program.Readlinkat, dir.fd, p.Str(name), text, Num(len(t.Symlink)+1)).On(uint32(unix.EINVAL), &other).Into(size).Quiet = t.Create || in.land != foreign
	same := p.Ahead()
	p.GotoIf(t.field, size, Num(len(t.Symlink)), &same).Then(&other).Quiet = true
	for i, w := range want {
		same.Place()
		same = p.Ahead()
		p.GotoIf(t.field, text.Plus(4*i), Num(w), &same).Then(&other).Quiet = true
	}
	same.Place()
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	other.Place()
	v.fails(t.field, t.At(), OtherThere)
	done.Place()
}

// makeMissing adds the steps that make something, which are run where that is allowed. Elsewhere it has to be there.
func (v *viewer) makeMissing(t *taken, in target, there *program.Target, steps func()) {
	if t.Create || in.land != foreign {
		steps()
		return
	}
	if in.missing == (program.Arg{}) {
		return
	}
	leftOut := v.p.Ahead()
	v.p.GotoIf(t.field, in.missing, Num(none), &leftOut).Then(there).Quiet = true
	leftOut.Place()
	steps()
}

// fourByFour is a text as words of four bytes, as memory has them.
func fourByFour(text string, words int) (list []uint32) {
	padded := append([]byte(text), make([]byte, 4*words-len(text))...)
	for i := range words {
		list = append(list, binary.NativeEndian.Uint32(padded[4*i:]))
	}
	return list
}
