//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/program"

func (r *request) checkPersonality() *StartError {
	if p := r.attr.Personality; p != nil && *p == ^Personality(0) {
		return invalidf("Attr.Personality", "0xffffffff", "asks for the personality instead of setting it")
	}
	return nil
}

func (b *builder) personality() {
	if p := b.ask.attr.Personality; p != nil {
		b.add("Attr.Personality", program.Personality, num(*p))
	}
}
