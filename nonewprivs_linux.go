//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

func (b *builder) noNewPrivs() {
	if b.attr.NoNewPrivs {
		b.add("Attr.NoNewPrivs", program.Prctl, num(unix.PR_SET_NO_NEW_PRIVS), num(1))
	}
}
