//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
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

// newUser reports whether the program gets a new user namespace.
func (f *startFlags) newUser() bool {
	uids, gids := f.idMaps()
	return f.namespaces()&unix.CLONE_NEWUSER != 0 || len(uids) > 0 || len(gids) > 0 || f.MapAuto || f.MapSubids
}

// namespaces are those that are asked for, and those that other flags need.
func (f *startFlags) namespaces() uintptr { return uintptr(f.Unshare) | f.impliedNamespaces() }

// setNamespaces fills in the namespaces and id maps.
func (f *startFlags) setNamespaces(sys *syscall.SysProcAttr) error {
	uids, gids := f.idMaps()
	sys.UidMappings = uids.resolve(os.Geteuid())
	sys.GidMappings = gids.resolve(os.Getegid())
	flags := f.namespaces()
	if f.newUser() {
		flags |= unix.CLONE_NEWUSER
	}
	if f.Setgroups != nil && flags&unix.CLONE_NEWUSER == 0 {
		return errors.New("--setgroups needs a new user namespace: --unshare user, or a map")
	}
	own := uintptr(unshared)
	if f.Inside.offsets() {
		own |= unix.CLONE_NEWTIME // nobody may be in it yet
	}
	sys.Cloneflags = flags &^ own
	sys.Unshareflags = flags & own
	return nil
}

// idMaps returns the lines that were asked for, those of --map-root and
// --map-current first.
func (f *startFlags) idMaps() (uids, gids mapList) {
	switch {
	case f.MapRoot:
		uids = mapList{{ContainerID: 0, HostID: -1, Size: 1}}
		gids = uids
	case f.MapCurrent, f.impliedNamespaces()&unix.CLONE_NEWUSER != 0 && f.mapsNothing():
		uids = mapList{{ContainerID: os.Geteuid(), HostID: -1, Size: 1}}
		gids = mapList{{ContainerID: os.Getegid(), HostID: -1, Size: 1}}
	}
	return slices.Concat(uids, f.MapUser), slices.Concat(gids, f.MapGroup)
}

// mapsNothing reports whether no flag is about the ids in a new user namespace.
func (f *startFlags) mapsNothing() bool {
	return len(f.MapUser) == 0 && len(f.MapGroup) == 0 && !f.MapAuto && !f.MapSubids
}

// setIDMap fills in what only the package's own attributes can say: subordinate
// ids, and the programs that write the lines that the caller may not.
func (f *startFlags) setIDMap(cmd *sprog.Cmd) {
	m := &sprog.IDMap{}
	switch {
	case f.MapAuto:
		m.Subordinate = sprog.SubordinateIDsFill
	case f.MapSubids:
		m.Subordinate = sprog.SubordinateIDsSame
	}
	m.Last = f.UsernsLast
	if f.Setgroups != nil {
		m.Setgroups = sprog.SetgroupsPolicy(*f.Setgroups)
	}
	sys := cmd.SysProcAttr
	m.Helpers = m.Subordinate != 0 || others(sys.UidMappings, os.Geteuid()) || others(sys.GidMappings, os.Getegid())
	if m.Helpers {
		if account, err := outerAccount(strconv.Itoa(os.Getuid())); err == nil && account != nil { // who may be in no file
			m.Login = account.Name
		}
	}
	if *m != (sprog.IDMap{}) {
		cmd.Attr.IDMap = m
	}
}

// others reports whether a map is of more than the caller's id.
func others(lines []syscall.SysProcIDMap, caller int) bool {
	return len(lines) > 1 || len(lines) == 1 && (lines[0].Size > 1 || lines[0].HostID != caller)
}
