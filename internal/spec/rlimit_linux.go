//go:build amd64 || arm64

package spec

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
)

func (r *Start) checkRlimits() *Error {
	for i, l := range r.Attr.Rlimits {
		name := Index("Attr.Rlimits", i)
		switch {
		case l.Resource < 0 || l.Resource > unix.RLIMIT_RTTIME:
			return Invalid(name, strconv.Itoa(l.Resource), "is no resource limit")
		case l.Cur > l.Max:
			return Invalid(name, listing.ResourceName(l.Resource), "has a soft limit above the hard limit")
		}
	}
	return nil
}
