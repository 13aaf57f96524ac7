//go:build amd64 || arm64

package compile

import (
	"strconv"

	"github.com/sprog-dev/sprog/internal/spec"
)

// coredumpFilter sets flags of the memory that execve hands on to the next, as those of
// thpDisable are.
func (b *builder) coredumpFilter() {
	if f := b.ask.Attr.CoredumpFilter; f != nil {
		b.writeProc(spec.CoredumpField, "self/coredump_filter", "0x"+strconv.FormatUint(uint64(*f), 16))
	}
}
