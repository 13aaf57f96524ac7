//go:build amd64 || arm64

package compile

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// forbidUserNamespaces lets the new user namespace have one more in it, and makes that
// one. Any that is made in there counts against the same limit, and root there
// has no rights outside, where the limit is (ucounts in user_namespaces(7)). It comes
// after all that takes rights in the other new namespaces, which belong to the outer one.
func (b *builder) forbidUserNamespaces() {
	if !b.ask.Attr.ForbidUserNamespaces {
		return
	}
	b.writeProc(spec.ForbidField, "sys/user/max_user_namespaces", "1")
	b.add(spec.ForbidField, program.Unshare, Num(unix.CLONE_NEWUSER))
	b.writeProc(spec.ForbidField, "self/setgroups", "deny")
	b.writeProc(spec.ForbidField, "self/gid_map", spec.SameID(b.ask.Sys.GidMappings[0].ContainerID))
	b.writeProc(spec.ForbidField, "self/uid_map", spec.SameID(b.ask.Sys.UidMappings[0].ContainerID))
}
