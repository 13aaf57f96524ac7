//go:build amd64 || arm64

package compile

import "github.com/sprog-dev/sprog/internal/program"

func (b *builder) umask() {
	if b.ask.Attr.Umask != nil {
		b.add("Attr.Umask", program.Umask, Num(*b.ask.Attr.Umask))
	}
}
