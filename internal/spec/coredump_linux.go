//go:build amd64 || arm64

package spec

import "strconv"

// coredumpBits are those that the kernel has; it takes others, and forgets them.
const coredumpBits = 1<<9 - 1

func (r *Start) checkCoredumpFilter() *Error {
	if f := r.Attr.CoredumpFilter; f != nil && *f&^coredumpBits != 0 {
		return Invalid(CoredumpField, "0x"+strconv.FormatUint(uint64(*f), 16), "has more than the kinds of mappings that there are")
	}
	return nil
}
