//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// mdwe sets a flag of the memory that execve hands on to the next. That is why
// PR_MDWE_NO_INHERIT is not offered: it would end with the execve.
func (b *builder) mdwe() {
	if b.ask.Attr.MDWE {
		b.add("Attr.MDWE", program.Prctl, Num(unix.PR_SET_MDWE), Num(unix.PR_MDWE_REFUSE_EXEC_GAIN), Num(0), Num(0), Num(0))
	}
}
