//go:build amd64 || arm64

package sprog

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// guardedUser is a caller that some of its user's processes must not trace, and who
// cannot write to files of root's.
var guardedUser = standing{capable: true, guarded: true}

// as makes a case that of a caller of that standing.
func as(s standing, prepare func(*Cmd)) func(*testing.T, *Cmd) {
	return func(t *testing.T, c *Cmd) {
		standingAs(t, s)
		prepare(c)
	}
}

// intoUserNamespace has the child born into a new user namespace and others.
func intoUserNamespace(others uintptr, attr *Attr) func(*Cmd) {
	return func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | others, UidMappings: uidToRoot, GidMappings: gidToRoot}
		c.Attr = attr
	}
}

var casesOfMemory = []startCase{
	{"guarded, user namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, nil))},
	{"guarded, PID namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(unix.CLONE_NEWPID|unix.CLONE_NEWUTS, nil))},
	{"guarded, init", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(0, &Attr{Init: &Init{ReportStops: true}}))},
	{"guarded, init of a namespace", []*requirement{userNamespaces}, as(guardedUser, intoUserNamespace(unix.CLONE_NEWPID, &Attr{Init: &Init{ReportStops: true}}))},
	{"guarded, no maps", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	})},
	{"guarded, unshared", []*requirement{userNamespaces}, as(guardedUser, func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot, GidMappings: gidToRoot, Credential: &syscall.Credential{NoSetGroups: true}}
	})},
	{"init, no maps", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | unix.CLONE_NEWPID}
		c.Attr = &Attr{Init: &Init{}}
	}},
}
