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
	p, there, longest := b.p, b.p.Ahead(), 0
	for _, dir := range b.ask.Attr.Dirs {
		longest = max(longest, len(dir))
	}
	b.made.pwd = p.Buffer(len(pwd) + longest + 12)
	for i, dir := range b.ask.Attr.Dirs {
		next, last := p.Ahead(), i == len(b.ask.Attr.Dirs)-1
		enter := b.add(field, program.Chdir, p.Str(dir))
		if !last {
			enter.On(program.AnyErrno, &next)
		}
		b.notePWD(field, dir)
		if !last {
			p.GotoIf(field, p.Variable(0), Num(0), &there).Quiet = true
		}
		next.Place()
	}
	there.Place()
	b.lookAround()
}

const pwd = "PWD="

// notePWD makes a directory PWD, by the name that it was given by. A move copies four bytes, and
// makes the next four zero.
func (b *builder) notePWD(field, dir string) {
	text := append([]byte(pwd+dir), 0, 0, 0, 0)
	from := b.p.Bytes(text)
	for at := 0; at < len(pwd)+len(dir); at += 4 {
		b.p.Copy(field, from.Plus(at), b.made.pwd.Plus(at))
	}
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

// lookAround finds out where the child is. In a view it has to be inside of the root: the
// kernel puts "(unreachable)" before the name of a directory that is not, to which a link that
// somebody has prepared may lead (CVE-2024-21626).
func (b *builder) lookAround() {
	if !b.ask.HasView() {
		return
	}
	const field = "Dir"
	p := b.p
	name, first, inside := p.Buffer(cwdSize), p.Words(0), p.Ahead()
	p.Label(name, "dir")
	b.add(field, program.Getcwd, name, Num(cwdSize))
	p.Copy(field, name, first).Args[3] = Num(^uint32(0xff))
	p.GotoIf(field, first, Num('/'), &inside).Quiet = true
	v := viewer{builder: b}
	v.fails(field, b.ask.Dir, Outside)
	inside.Place()
}

// cwdSize is enough for the name of any directory: the kernel's limit for paths.
const cwdSize = unix.PathMax
