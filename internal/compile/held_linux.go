//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// ListHeld lists the descriptors that the child needs, where they are.
func (g *Input) ListHeld() {
	g.Held = g.Held[:0]
	for _, f := range g.Files {
		if f.Held() {
			g.hold(Use{f.Fd, f.Field, program.ForProgram, f.Source == spec.Inline, f.Source == spec.Inherited})
		}
	}
	for _, u := range g.Uses {
		g.hold(u)
	}
}

// drop closes a descriptor of the parent's when the last step has used it, if
// the program itself is not to have the file.
func (b *builder) drop(fd int, field string) {
	t := &b.fds
	for i := range t.held {
		h := &t.held[i]
		if h.Fd != fd {
			continue
		}
		if h.uses--; h.uses == 0 {
			b.add(field, program.Close, Num(h.At))
			t.setOpen(h.At, false)
		}
	}
}

func (g *Input) hold(u Use) {
	for i := range g.Held {
		if h := &g.Held[i]; h.Fd == u.Fd {
			h.uses++
			h.Stays = h.Stays && u.Stays
			return
		}
	}
	g.Held = append(g.Held, Held{Use: u, At: u.Fd, uses: 1})
}

// Use has the child find a descriptor of the caller's, at a number that [Held] tells,
// until it executes its program. What kind of file that is
// matters to the verifier: a directory of the host's must be closed again before
// a path is followed in another root.
func (g *Input) Use(fd int, field string, kind program.FileKind) {
	g.Uses = append(g.Uses, Use{Fd: fd, Field: field, Kind: kind})
}

// UseOwn does it for one that was made for the start.
func (g *Input) UseOwn(fd int, field string, kind program.FileKind) {
	g.Uses = append(g.Uses, Use{Fd: fd, Field: field, Kind: kind, Own: true})
}
