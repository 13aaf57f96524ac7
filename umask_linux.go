//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/program"

func (b *builder) umask() {
	if b.ask.Attr.Umask != nil {
		b.add("Attr.Umask", program.Umask, num(*b.ask.Attr.Umask))
	}
}
