//go:build linux

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// namespaceFlags are the kinds of namespaces, by the names that unshare(1) has
// for them.
func namespaceFlags() map[string]uintptr {
	return map[string]uintptr{
		"cgroup": unix.CLONE_NEWCGROUP,
		"ipc":    unix.CLONE_NEWIPC,
		"mount":  unix.CLONE_NEWNS,
		"net":    unix.CLONE_NEWNET,
		"pid":    unix.CLONE_NEWPID,
		"time":   unix.CLONE_NEWTIME,
		"user":   unix.CLONE_NEWUSER,
		"uts":    unix.CLONE_NEWUTS,
	}
}

// unshared are the kinds that the child makes for itself instead of being
// cloned into them: a mount namespace gets its mounts private only so, and a
// cgroup namespace takes the cgroup its maker is in for its root, which
// --cgroup has changed by then.
const unshared = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP

// A namespaceSet is a set of CLONE_NEW flags.
type namespaceSet uintptr

func (set *namespaceSet) Set(s string) error {
	return decodeNames(s, func(name string) error {
		flag, err := parseNamespace(name)
		*set |= namespaceSet(flag)
		return err
	})
}

func parseNamespace(name string) (uintptr, error) {
	flag, ok := namespaceFlags()[name]
	if !ok {
		return 0, fmt.Errorf("%q is not a namespace: user, pid, mount, net, ipc, uts, cgroup or time", name)
	}
	return flag, nil
}

// A mapList is the lines of an id map. A HostID of -1 stands for the caller's
// id.
type mapList []syscall.SysProcIDMap

func (l *mapList) Set(s string) error { return decodeMore(s, l, parseMap) }

// parseMap parses IN[:OUT[:N]].
func parseMap(s string) (syscall.SysProcIDMap, error) {
	line := syscall.SysProcIDMap{HostID: -1, Size: 1}
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return line, fmt.Errorf("%q is not INSIDE[:OUTSIDE[:COUNT]]", s)
	}
	for i, field := range []*int{&line.ContainerID, &line.HostID, &line.Size}[:len(parts)] {
		n, err := strconv.ParseUint(parts[i], 10, 32)
		if err != nil || n == 1<<32-1 && field != &line.Size { // which is no id, but how many there are
			return line, fmt.Errorf("%q is not INSIDE[:OUTSIDE[:COUNT]] in numbers", s)
		}
		*field = int(n)
	}
	if line.Size == 0 {
		return line, fmt.Errorf("%q maps no ids", s)
	}
	return line, nil
}

// resolve returns the lines with the caller's id filled in.
func (l mapList) resolve(caller int) []syscall.SysProcIDMap {
	if len(l) == 0 {
		return nil
	}
	lines := slices.Clone(l)
	for i := range lines {
		if lines[i].HostID == -1 {
			lines[i].HostID = caller
		}
	}
	return lines
}

// A setgroups is whether groups can be set in a user namespace, in the words of
// /proc/PID/setgroups, or "leave".
type setgroups sprog.SetgroupsPolicy

func (p *setgroups) Set(s string) error {
	switch s {
	case "allow":
		*p = setgroups(sprog.SetgroupsAllow)
	case "deny":
		*p = setgroups(sprog.SetgroupsDeny)
	case "leave":
		*p = setgroups(sprog.SetgroupsLeave)
	default:
		return fmt.Errorf("%q is not allow, deny or leave", s)
	}
	return nil
}
