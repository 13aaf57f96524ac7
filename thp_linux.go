//go:build amd64 || arm64

package sprog

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
		b.add("Attr.THPDisable", program.Prctl, num(unix.PR_SET_THP_DISABLE), num(1), num(0), num(0), num(0))
	case spec.THPDisableExceptAdvised:
		b.add("Attr.THPDisable", program.Prctl, num(unix.PR_SET_THP_DISABLE), num(1), num(exceptAdvised), num(0), num(0))
	}
}
