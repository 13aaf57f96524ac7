//go:build amd64 || arm64

package sprog

import (
	"fmt"

	"github.com/sprog-dev/sprog/internal/spec"
)

// protections lists what keeps the program from something, in words that
// people know. Every one of its steps has succeeded.
func (c *Cmd) protections() []string {
	sys, attr := c.nature.sys, c.nature.attr
	var list []string
	add := func(is bool, what string) {
		if is {
			list = append(list, what)
		}
	}
	for _, k := range spec.NamespaceKinds {
		add((sys.Cloneflags|sys.Unshareflags)&uintptr(k.Kind) != 0, k.Kind.String()+" namespace")
	}
	add(sys.Chroot != "", "chroot "+sys.Chroot)
	add(sys.Credential != nil || attr.IDs != nil, "credentials")
	add(attr.Groups != nil, "groups")
	add(attr.Caps != nil, "capabilities")
	add(attr.Securebits != nil, "securebits")
	add(attr.NoNewPrivs, "no_new_privs")
	add(attr.DenyTIOCSTI, "no TIOCSTI")
	add(attr.ForbidUserNamespaces, "no user namespaces")
	add(attr.ExecLabel != nil, "exec label")
	add(attr.SessionKeyring != nil, "session keyring")
	add(attr.MDWE, "memory-deny-write-execute")
	add(len(attr.Rlimits) > 0, "resource limits")
	add(attr.Cgroup != nil || len(attr.CgroupV1) > 0 || sys.UseCgroupFD, "cgroup")
	if l := c.Birth.Landlock; l != nil {
		add(l.Applied != (LandlockSet{}), fmt.Sprintf("Landlock %v", l.Applied))
	}
	add(attr.Seccomp != nil, "seccomp")
	return list
}
