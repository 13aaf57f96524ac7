//go:build amd64 || arm64

package compile

import (
	"path"
	"strings"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// candidates are the paths that a program without a slash may have, by the PATH that it
// is to have, with the child's rights and in its root. An empty directory in PATH would be
// the working directory, which is nobody's to trust.
func candidates(ask *spec.Start) (list []string) {
	if !ask.Attr.LookPath || strings.Contains(ask.Path, "/") {
		return nil
	}
	dirs := "/usr/local/bin:/usr/bin:/bin"
	for _, kv := range ask.Env {
		if value, is := strings.CutPrefix(kv, "PATH="); is {
			dirs = value
		}
	}
	for dir := range strings.SplitSeq(dirs, ":") {
		if path.IsAbs(dir) {
			list = append(list, path.Join(dir, ask.Path))
		}
	}
	return list
}

// executeFirst executes the first of several files that can be.
func (b *builder) executeFirst(paths []string) {
	p := b.p
	for i, file := range paths {
		argv, env := b.strings()
		step := b.add("", program.Execve, p.Str(file), argv, env).Of(program.OfProgram)
		if i == len(paths)-1 {
			break
		}
		next := p.Ahead()
		step.On(program.AnyErrno, &next)
		next.Place()
	}
}

// strings are the holes for the arguments and the environment.
func (b *builder) strings() (argv, env program.Arg) {
	m, p := &b.made, b.p
	argv, env = p.Hole("argv"), p.Hole("environment")
	if m.argv.Kind == program.Hole {
		m.others = append(m.others, [2]program.Arg{argv, env})
	} else {
		m.argv, m.env = argv, env
	}
	return argv, env
}
