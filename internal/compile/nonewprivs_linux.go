//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

func (b *builder) noNewPrivs() {
	if b.ask.Attr.NoNewPrivs {
		b.add("Attr.NoNewPrivs", program.Prctl, Num(unix.PR_SET_NO_NEW_PRIVS), Num(1))
	}
}
