//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/pathwalk"

func view(r *request) pathwalk.View {
	v := pathwalk.View{Root: r.sys.Chroot, Dir: r.dir}
	if v.Dir == "" && r.attr.DirFile != nil {
		if fd, err := shownFd(r.attr.DirFile); err == nil {
			v.Dir = pathwalk.RealPath(fd)
		}
	}
	return v
}
