//go:build amd64 || arm64

package spec

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func (r *Start) checkForbid() *Error {
	switch sys := r.Sys; {
	case !r.Attr.ForbidUserNamespaces:
	case (sys.Cloneflags|sys.Unshareflags)&unix.CLONE_NEWUSER == 0:
		return Invalid(ForbidField, "", "needs a new user namespace: {CLONE_NEWUSER in Cloneflags or Unshareflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}")
	case !mapsOne(sys.UidMappings) || !mapsOne(sys.GidMappings) || r.Attr.IDMap != nil && r.Attr.IDMap.Subordinate != 0:
		return Invalid(ForbidField, "", "needs maps of one user and one group ({UidMappings|SysProcAttr.UidMappings}, {GidMappings|SysProcAttr.GidMappings}): the child makes a user namespace in the new one, and can map no more there")
	case sys.GidMappingsEnableSetgroups:
		return Invalid(ForbidField, "", "cannot be combined with {SysProcAttr.GidMappingsEnableSetgroups}: a user namespace that the child maps itself denies setgroups")
	}
	return nil
}

func mapsOne(lines []syscall.SysProcIDMap) bool { return len(lines) == 1 && lines[0].Size == 1 }

// SameID is the line of a map of one id to itself.
func SameID(id int) string { return Itoa(id) + " " + Itoa(id) + " 1\n" }
