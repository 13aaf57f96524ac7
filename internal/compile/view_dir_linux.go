//go:build amd64 || arm64

package compile

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// enterView makes a directory of the view the working directory. The one of before may be
// covered by a mount, and would go on showing what is below. It has to be inside of the root:
// the kernel puts "(unreachable)" before the name of one that is not, to which a link
// that somebody has prepared may lead (CVE-2024-21626).
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
	name, first, inside := p.Buffer(cwdSize), p.Words(0), p.Ahead()
	p.Label(name, "dir")
	b.add(field, program.Getcwd, name, Num(cwdSize))
	p.Copy(field, name, first).Args[3] = Num(^uint32(0xff))
	p.GotoIf(field, first, Num('/'), &inside).Quiet = true
	v := viewer{builder: b}
	v.fails(field, dir, Outside)
	inside.Place()
}

// cwdSize is enough for the name of any directory: the kernel's limit for paths.
const cwdSize = unix.PathMax
