//go:build amd64 || arm64

package spec

import "strconv"

func (r *Start) checkTHP() *Error {
	if n := r.Attr.THPDisable; n > THPDisableExceptAdvised {
		return Invalid("Attr.THPDisable", strconv.Itoa(int(n)), "is none of its constants")
	}
	return nil
}
