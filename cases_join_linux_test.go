//go:build amd64 || arm64

package sprog

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// joining joins the namespaces of a container.
func joining(kinds NamespaceKind, flags uintptr, ids []syscall.SysProcIDMap, more func(*Cmd)) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{}
		c.Attr = &Attr{Join: []Namespace{{PID: newContainer(t, flags, ids).pid, Kinds: kinds}}}
		if more != nil {
			more(c)
		}
	}
}

var otherIDs = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 1000}}

var casesOfJoining = []startCase{
	{"join a network", []*requirement{asRoot}, joining(NetworkNamespace, newKinds, nil, nil)},
	{"join all", []*requirement{asRoot}, joining(0, newKinds, nil, nil)},
	{"join all of other users", []*requirement{asRoot, userNamespaces}, joining(0, newKinds, otherIDs, func(c *Cmd) {
		c.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
		c.SysProcAttr.Pdeathsig = syscall.SIGTERM
	})},
	{"join some, and make some", []*requirement{asRoot, userNamespaces}, joining(UserNamespace|NetworkNamespace, newKinds, otherIDs, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWIPC
		c.SysProcAttr.Unshareflags = unix.CLONE_NEWNS
		c.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
	})},
	{"join some, and make some, with init", []*requirement{asRoot, userNamespaces}, joining(UserNamespace|NetworkNamespace, newKinds, otherIDs, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWPID | unix.CLONE_NEWIPC
		c.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
		c.Attr.Init = &Init{}
	})},
	{"join a mount namespace, and make another", []*requirement{asRoot}, joining(MountNamespace, newKinds, nil, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS
	})},
	{"join, with init", []*requirement{asRoot, userNamespaces}, joining(NamespaceKind(spec.AllKinds)&^TimeNamespace, newKinds, otherIDs, func(c *Cmd) {
		c.Attr.Init = &Init{}
	})},
	{"join, and make a user namespace", []*requirement{asRoot, userNamespaces}, joining(PIDNamespace|MountNamespace, newKinds, nil, func(c *Cmd) {
		c.SysProcAttr.Cloneflags = unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings, c.SysProcAttr.GidMappings = rangesOfIDs, rangesOfIDs
	})},
}
