//go:build amd64 || arm64

package sprog

import (
	"math"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/spec"
)

// checkFiles refuses numbers that the child cannot have, and those that the
// caller cannot know.
func checkFiles(r *spec.Start) *spec.Error {
	if len(r.Attr.Files) > 0 || len(r.Attr.Inherit) > 0 {
		last := r.Files[len(r.Files)-1]
		if limit := filesLimit(r); uint64(last.N) >= limit {
			return &spec.Error{Object: spec.Itoa(last.N), Field: last.Field, Err: unix.EMFILE,
				Hint: "the number is not below RLIMIT_NOFILE, which is " + strconv.FormatUint(limit, 10)}
		}
	}
	for i, n := range r.Attr.Inherit {
		if machine.IsSlot(n) {
			return spec.Invalid(spec.Index("Attr.Inherit", i), spec.Itoa(n), "is a number that this package keeps for itself")
		}
	}
	return nil
}

// filesLimit is the limit on open files while the child's are placed.
func filesLimit(r *spec.Start) uint64 {
	for _, l := range r.Attr.Rlimits {
		if l.Resource == unix.RLIMIT_NOFILE && atstart.NofileKnown && l.Max > atstart.NofileMax {
			return l.Max // see rlimits
		}
	}
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) != nil {
		return math.MaxInt32
	}
	return now.Cur
}
