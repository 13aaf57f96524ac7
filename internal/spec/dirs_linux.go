//go:build amd64 || arm64

package spec

import (
	"path"
	"strconv"
	"strings"
)

func (r *Start) checkDirs() *Error {
	const name = "Attr.Dirs"
	if len(r.Attr.Dirs) == 0 {
		return nil
	}
	switch {
	case r.Dir != "":
		return Invalid(name, "", "cannot be combined with {Dir}")
	case r.Attr.DirFile != nil:
		return Invalid(name, "", "cannot be combined with {DirFile|Attr.DirFile}")
	}
	for i, dir := range r.Attr.Dirs {
		switch {
		case strings.IndexByte(dir, 0) >= 0:
			return Invalid(Index(name, i), strconv.Quote(dir), "contains a NUL byte")
		case !path.IsAbs(dir):
			return Invalid(Index(name, i), dir, "is no absolute path")
		}
	}
	return nil
}

func (r *Start) checkLookPath() *Error {
	if r.Attr.LookPath && r.Attr.Program != nil {
		return Invalid("Attr.LookPath", "", "cannot be combined with {Program|Attr.Program}: that is found already")
	}
	return nil
}
