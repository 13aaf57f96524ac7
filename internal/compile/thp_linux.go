//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// thpDisable sets a flag of the memory that execve hands on to the next
// (MMF_INIT_MASK in include/linux/mm_types.h).
func (b *builder) thpDisable() {
	const exceptAdvised = 2 // PR_THP_DISABLE_EXCEPT_ADVISED
	switch b.ask.Attr.THPDisable {
	case spec.THPDisableCompletely:
		b.add("Attr.THPDisable", program.Prctl, Num(unix.PR_SET_THP_DISABLE), Num(1), Num(0), Num(0), Num(0))
	case spec.THPDisableExceptAdvised:
		b.add("Attr.THPDisable", program.Prctl, Num(unix.PR_SET_THP_DISABLE), Num(1), Num(exceptAdvised), Num(0), Num(0))
	}
}
