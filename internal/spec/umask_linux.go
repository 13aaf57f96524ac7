//go:build amd64 || arm64

package spec

import "strconv"

func (r *Start) checkUmask() *Error {
	if m := r.Attr.Umask; m != nil && *m > 0o777 {
		return Invalid("Attr.Umask", "0"+strconv.FormatUint(uint64(*m), 8), "has more than permission bits")
	}
	return nil
}
