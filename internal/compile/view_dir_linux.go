//go:build amd64 || arm64

package compile

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// enterFirst makes the first of Attr.Dirs that can be entered the working directory.
func (b *builder) enterFirst() {
	const field = "Attr.Dirs"
	p, there := b.p, b.p.Ahead()
	for i, dir := range b.ask.Attr.Dirs {
		if i == len(b.ask.Attr.Dirs)-1 {
			b.add(field, program.Chdir, p.Str(dir))
			break
		}
		next := p.Ahead()
		b.add(field, program.Chdir, p.Str(dir)).On(program.AnyErrno, &next).Then(&there)
		next.Place()
	}
	there.Place()
	b.lookAround()
}

// enterView makes a directory of the view the working directory. The one of before may be
// covered by a mount, and would go on showing what is below.
func (b *builder) enterView() {
	const field = "Dir"
	p, dir := b.p, b.ask.Dir
	if !path.IsAbs(dir) {
		missing, there := p.Ahead(), p.Ahead()
		b.made.cwd = p.Hole("cwd")
		b.add(field, program.Chdir, b.made.cwd).On(program.AnyErrno, &missing).Then(&there)
		missing.Place()
		b.add(field, program.Chdir, p.Str("/"))
		there.Place()
	}
	if dir != "" {
		b.made.dir = p.Hole("dir")
		b.add(field, program.Chdir, b.made.dir)
	}
	b.lookAround()
}

// lookAround finds out where the child is, for PWD. In a view it has to be inside of the
// root: the kernel puts "(unreachable)" before the name of a directory that is not, to which a link that
// somebody has prepared may lead (CVE-2024-21626).
func (b *builder) lookAround() {
	const field, pwd = "Dir", "PWD="
	p := b.p
	text := p.Bytes(append([]byte(pwd), make([]byte, cwdSize)...))
	name := text.Plus(len(pwd))
	p.Label(name, "dir")
	if len(b.ask.Attr.Dirs) > 0 {
		b.made.pwd = text
	}
	b.add(field, program.Getcwd, name, Num(cwdSize))
	if !b.ask.HasView() {
		return
	}
	first, inside := p.Words(0), p.Ahead()
	p.Copy(field, name, first).Args[3] = Num(^uint32(0xff))
	p.GotoIf(field, first, Num('/'), &inside).Quiet = true
	v := viewer{builder: b}
	v.fails(field, b.ask.Dir, Outside)
	inside.Place()
}

// cwdSize is enough for the name of any directory: the kernel's limit for paths.
const cwdSize = unix.PathMax
