//go:build amd64 || arm64

package compile

import "github.com/sprog-dev/sprog/internal/program"

func (b *builder) personality() {
	if p := b.ask.Attr.Personality; p != nil {
		b.add("Attr.Personality", program.Personality, Num(*p))
	}
}
