//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// mdwe sets a flag of the memory that execve hands on to the next. That is why
// PR_MDWE_NO_INHERIT is not offered: it would end with the execve.
func (b *builder) mdwe() {
	if b.ask.Attr.MDWE {
		b.add("Attr.MDWE", program.Prctl, num(unix.PR_SET_MDWE), num(unix.PR_MDWE_REFUSE_EXEC_GAIN), num(0), num(0), num(0))
	}
}
