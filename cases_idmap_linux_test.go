//go:build amd64 || arm64

package sprog

import (
	"syscall"
	"testing"
)

var casesOfIDMap = []startCase{
	{"setgroups policy", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
	{"setgroups policy, unshared", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: uidToRoot}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
}

var plansOfIDMap = []planCase{
	{"idmap-setgroups", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
	{"idmap-setgroups-left", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: toRoot, GidMappings: toRoot, Credential: &syscall.Credential{}}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsLeave}}
	}},
	{"idmap-setgroups-unshared", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWUSER, UidMappings: toRoot}
		c.Attr = &Attr{IDMap: &IDMap{Setgroups: SetgroupsDeny}}
	}},
}
