//go:build amd64 || arm64

package spec

import "strconv"

func (r *Start) checkOOMScoreAdj() *Error {
	if n := r.Attr.OOMScoreAdj; n != nil && (*n < -1000 || *n > 1000) {
		return Invalid(OOMField, strconv.Itoa(*n), "is not from -1000 to 1000")
	}
	return nil
}
