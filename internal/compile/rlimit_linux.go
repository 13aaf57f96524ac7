//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/stage2"
)

// rlimits sets all limits but the one on open files, which the placing of the
// child's files still counts against. Only its hard limit is raised here, if
// it is to be.
func (b *builder) rlimits() {
	for i, l := range b.ask.Attr.Rlimits {
		name := spec.Index("Attr.Rlimits", i)
		switch {
		case b.silencesInit(l), b.limitsCore(name, l):
		case l.Resource != unix.RLIMIT_NOFILE:
			b.prlimit(name, l)
		case b.given.Nofile.Known && l.Max > b.given.Nofile.Max:
			b.prlimit(name, spec.Rlimit{Resource: l.Resource, Cur: l.Max, Max: l.Max})
		}
	}
}

// silencesInit reports whether a limit on the size of files would keep an init from
// telling the program's end, in its file. That limit is for the program alone.
func (b *builder) silencesInit(l spec.Rlimit) bool {
	return b.ask.Attr.Init != nil && b.ask.Launcher == nil && l.Resource == unix.RLIMIT_FSIZE && l.Cur < stage2.EndAt+stage2.EndSize+stage2.RestSize
}

func (b *builder) fileSize() {
	for i, l := range b.ask.Attr.Rlimits {
		if b.silencesInit(l) {
			b.prlimit(spec.Index("Attr.Rlimits", i), l)
		}
	}
}

// nofile sets the limit on open files: the one asked for, or the one that
// this process was started with if package syscall has raised it since.
func (b *builder) nofile() {
	asked := false
	for i, l := range b.ask.Attr.Rlimits {
		if l.Resource == unix.RLIMIT_NOFILE {
			b.prlimit(spec.Index("Attr.Rlimits", i), l)
			asked = true
		}
	}
	if !asked && b.given.Nofile.Raised {
		b.prlimit("", spec.Rlimit{Resource: unix.RLIMIT_NOFILE, Cur: b.given.Nofile.Cur, Max: b.given.Nofile.Max})
	}
}

func (b *builder) prlimit(field string, l spec.Rlimit) {
	b.add(field, program.Prlimit64, Num(0), Num(l.Resource), b.p.Words(l.Cur, l.Max), Num(0))
}
