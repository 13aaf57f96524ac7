//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// memoryMerge sets a flag of the memory, too.
func (b *builder) memoryMerge() {
	if b.ask.Attr.MemoryMerge {
		b.add("Attr.MemoryMerge", program.Prctl, Num(unix.PR_SET_MEMORY_MERGE), Num(1), Num(0), Num(0), Num(0))
	}
}
