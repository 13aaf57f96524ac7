//go:build amd64 || arm64

package compile

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) sessionKeyring() {
	k := b.ask.Attr.SessionKeyring
	if k == nil {
		return
	}
	name := Num(0)
	if k.Name != "" {
		name = b.p.Str(k.Name)
	}
	b.add("Attr.SessionKeyring", program.Keyctl, Num(spec.JoinSessionKeyring), name)
}
