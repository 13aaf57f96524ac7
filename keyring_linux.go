//go:build amd64 || arm64

package sprog

import (
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

func (b *builder) sessionKeyring() {
	k := b.ask.Attr.SessionKeyring
	if k == nil {
		return
	}
	name := num(0)
	if k.Name != "" {
		name = b.p.Str(k.Name)
	}
	b.add("Attr.SessionKeyring", program.Keyctl, num(spec.JoinSessionKeyring), name)
}
