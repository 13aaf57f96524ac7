//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

const forbidField = "Attr.ForbidUserNamespaces"

func (r *request) checkForbid() *StartError {
	switch sys := r.sys; {
	case !r.attr.ForbidUserNamespaces:
	case (sys.Cloneflags|sys.Unshareflags)&unix.CLONE_NEWUSER == 0:
		return invalidf(forbidField, "", "needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags")
	case !mapsOne(sys.UidMappings) || !mapsOne(sys.GidMappings) || r.attr.IDMap != nil && r.attr.IDMap.Subordinate != 0:
		return invalidf(forbidField, "", "needs maps of one user and one group (UidMappings, GidMappings): the child makes a user namespace in the new one, and can map no more there")
	case sys.GidMappingsEnableSetgroups:
		return invalidf(forbidField, "", "cannot be combined with SysProcAttr.GidMappingsEnableSetgroups: a user namespace that the child maps itself denies setgroups")
	}
	return nil
}

func mapsOne(lines []syscall.SysProcIDMap) bool { return len(lines) == 1 && lines[0].Size == 1 }

// forbidUserNamespaces lets the new user namespace have one more in it, and makes that
// one. Any that is made in there counts against the same limit, and root there
// has no rights outside, where the limit is (ucounts in user_namespaces(7)). It comes
// after all that takes rights in the other new namespaces, which belong to the outer one.
func (b *builder) forbidUserNamespaces() {
	if !b.ask.attr.ForbidUserNamespaces {
		return
	}
	b.writeProc(forbidField, "sys/user/max_user_namespaces", "1")
	b.add(forbidField, program.Unshare, num(unix.CLONE_NEWUSER))
	b.writeProc(forbidField, "self/setgroups", "deny")
	b.writeProc(forbidField, "self/gid_map", sameID(b.ask.sys.GidMappings[0].ContainerID))
	b.writeProc(forbidField, "self/uid_map", sameID(b.ask.sys.UidMappings[0].ContainerID))
}

// leavesOutCaller reports whether the map of the new user namespace has no id for
// this process's user, or none for its group.
func leavesOutCaller(r *request) bool {
	return r.sys.UidMappings[0].HostID != os.Geteuid() || r.sys.GidMappings[0].HostID != os.Getegid()
}

// sameID is the line of a map of one id to itself.
func sameID(id int) string { return itoa(id) + " " + itoa(id) + " 1\n" }
