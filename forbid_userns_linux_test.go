//go:build amd64 || arm64

package sprog

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// forbidding makes the caller's user root, or who he is, in a user namespace that has no others.
func forbidding(id int, own bool) func(*testing.T, *Cmd) {
	return func(_ *testing.T, c *Cmd) {
		uids := []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Geteuid(), Size: 1}}
		gids := []syscall.SysProcIDMap{{ContainerID: id, HostID: os.Getegid(), Size: 1}}
		c.Attr = &Attr{ForbidUserNamespaces: true}
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, UidMappings: uids, GidMappings: gids}
		if own {
			c.SysProcAttr.Cloneflags, c.SysProcAttr.Unshareflags = 0, c.SysProcAttr.Cloneflags
		}
	}
}

var casesOfForbidding = []startCase{
	{"forbid user namespaces", []*requirement{userNamespaces}, forbidding(0, false)},
	{"forbid user namespaces, own maps", []*requirement{userNamespaces}, forbidding(7, true)},
	{"forbid user namespaces, with init", []*requirement{userNamespaces}, func(t *testing.T, c *Cmd) {
		forbidding(0, false)(t, c)
		c.Attr.Init = &Init{}
	}},
}

// Root inside makes no user namespace, and cannot raise the limit, which is
// outside.
func TestForbidUserNamespaces(t *testing.T) {
	requires(t, userNamespaces, tool("unshare"))
	forbids(t)
}

func TestForbidUserNamespacesAsOrdinaryUser(t *testing.T) {
	requires(t, userNamespaces, tool("unshare"))
	public := publicBinary(t)
	if os.Geteuid() != 0 || ownProcess(t, func(c *exec.Cmd) {
		c.Path, c.Dir = public, "/"
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}) {
		forbids(t)
	}
}

func forbids(t *testing.T) {
	const try = `id -u; grep CapEff /proc/self/status | cut -f2 | grep -v '^0*$' >/dev/null && echo root
		unshare --user true || echo refused
		echo 100 >/proc/sys/user/max_user_namespaces
		unshare --user --map-root-user true || echo refused
		unshare --user --map-root-user unshare --user true || echo refused`
	for _, own := range []bool{false, true} {
		c := Command("/bin/sh", "-c", try)
		forbidding(0, own)(t, c)
		out, err := c.Output()
		if want := "0\nroot\nrefused\nrefused\nrefused\n"; string(out) != want || err != nil {
			t.Errorf("with own maps %v, inside: %q, %v; want %q", own, out, err, want)
		}
		c = Command("/bin/sh", "-c", try)
		forbidding(0, own)(t, c)
		c.Attr = nil
		if out, err := c.Output(); strings.Contains(string(out), "refused") || err != nil {
			t.Errorf("without it: %q, %v; want nothing refused", out, err)
		}
	}
}

// The caller makes the second user namespace, and has to have an id in the first.
func TestForbidAnotherUser(t *testing.T) {
	requires(t, asRoot, userNamespaces)
	c := Command("/bin/true")
	c.Attr = &Attr{ForbidUserNamespaces: true}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: oneID(7, 7), GidMappings: oneID(7, 7)}
	const want = "sprog: start /bin/true: unshare CLONE_NEWUSER (Attr.ForbidUserNamespaces): operation not permitted (the map of the new user namespace leaves out this process's user or group, who makes another one in it; for a program that is somebody else there, and has no capabilities, Attr.Sysctls can set user.max_user_namespaces to 0)"
	if err := c.Run(); err == nil || err.Error() != want {
		t.Errorf("Run() = %v; want %s", err, want)
	}
}

func TestBadForbid(t *testing.T) {
	many := []syscall.SysProcIDMap{{HostID: 0, Size: 2}}
	wantRefused(t, []badStart{
		{"no namespace", by(&Attr{ForbidUserNamespaces: true}), syscall.EINVAL,
			"(Attr.ForbidUserNamespaces): needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags"},
		{"many ids", func(c *Cmd) {
			c.Attr = &Attr{ForbidUserNamespaces: true}
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: many, GidMappings: many}
		}, syscall.EINVAL, "(Attr.ForbidUserNamespaces): needs maps of one user and one group (UidMappings, GidMappings): the child makes a user namespace in the new one, and can map no more there"},
	})
}

var facetsOfForbidding = []facet{
	{name: "no user namespaces", needs: []*requirement{asRoot, userNamespaces},
		// without are those that have a user namespace, or ids that this one has not.
		without: []string{"user namespace", "setgroups as it is", "credential", "ids", "groups", "joined namespaces", "joined PID namespace"},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).ForbidUserNamespaces = true
			sys(c).Cloneflags |= unix.CLONE_NEWUSER
			sys(c).UidMappings, sys(c).GidMappings = oneID(0, 0), oneID(0, 0)
		},
		expect: func(*Cmd) map[string]string { return map[string]string{"new:user": syscall.ENOSPC.Error()} }},
}

func init() {
	looks["new"] = func(string) string {
		c := exec.Command("/bin/true")
		c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stderr, os.Stderr // it may not be allowed to open /dev/null
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		if err := c.Run(); err != nil {
			return errors.Unwrap(err).Error()
		}
		return "a user namespace"
	}
}
