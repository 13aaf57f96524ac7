//go:build amd64 || arm64

package spec

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
)

// gives reports whether the child gets a file at number n.
func (r *Start) gives(n int) bool {
	i := r.FileAt(n)
	return i >= 0 && r.Files[i].Source != Closed
}

// checkDirFile refuses a working directory that would lie outside of the
// program's root. From there, ".." leads to all that is not below it.
func (r *Start) checkDirFile() *Error {
	const name = "Attr.DirFile"
	switch {
	case r.Attr.DirFile == nil:
	case r.Dir != "":
		return Invalid(name, "", "cannot be combined with {Dir}")
	case r.Sys.Chroot != "":
		return Invalid(name, "", "cannot be combined with {SysProcAttr.Chroot}: the program would be outside of its root")
	case (r.Sys.Cloneflags|r.Sys.Unshareflags)&unix.CLONE_NEWNS != 0:
		return DirFileOutside("a new mount namespace")
	case r.Named()&MountNamespace != 0:
		return DirFileOutside("a joined mount namespace")
	}
	return nil
}

// DirFileOutside is the error about a working directory that would be elsewhere.
func DirFileOutside(of terms.Text) *Error {
	return Invalid("Attr.DirFile", "", "cannot be combined with "+of+": the program would be in another one")
}
