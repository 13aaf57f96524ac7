//go:build amd64 || arm64

package explain

import (
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
)

// View is the child's view of the file system.
func View(r *spec.Start) pathwalk.View {
	v := pathwalk.View{Root: r.Sys.Chroot, Dir: r.Dir}
	if v.Dir == "" && r.Attr.DirFile != nil {
		if fd, err := spec.FD(r.Attr.DirFile); err == nil {
			v.Dir = pathwalk.RealPath(fd)
		}
	}
	return v
}
