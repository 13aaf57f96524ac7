//go:build amd64 || arm64

package sprog

import (
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

// plansOfJoining are those of somebody who may administer his user namespace;
// the others begin with the user namespace.
var plansOfJoining = []planCase{
	{"join-net", by(&Attr{Join: []Namespace{{Kinds: NetworkNamespace, Path: "/run/netns/blue"}}})},
	{"join-process", by(&Attr{Join: []Namespace{{PID: 42, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}}})},
	{"join-all", by(&Attr{Join: []Namespace{{Kinds: NetworkNamespace, Path: "/run/netns/blue"}, {PID: 42}}})},
	{"join-and-unshare", func(c *Cmd) {
		c.Attr = &Attr{Join: []Namespace{{PID: 42, Kinds: UserNamespace | IPCNamespace}}}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS}
	}},
	{"join-init", by(&Attr{Join: []Namespace{{PID: 42}}, Init: &Init{}})},
}

// mayAdministerAs makes plans those of a process that may, or may not,
// administer its user namespace, whoever runs the test.
func mayAdministerAs(t *testing.T, may bool) {
	before := launch.MayAdminister
	t.Cleanup(func() { launch.MayAdminister = before })
	launch.MayAdminister = func() bool { return may }
}

// Without rights of its own the child gets them from the user namespace.
func TestPlanOfOrdinaryUser(t *testing.T) {
	startedPlainly(t)
	mayAdministerAs(t, false)
	p, err := planned(by(&Attr{Join: []Namespace{{PID: 42, Kinds: NamespaceKind(spec.AllKinds) &^ TimeNamespace}}})).Plan()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plans/join-process-unprivileged.golden", p.String())
}

var plansOfForbidding = []planCase{
	{"forbid-userns", func(c *Cmd) {
		ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 1000, Size: 1}}
		c.Attr = &Attr{ForbidUserNamespaces: true}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	}},
}
