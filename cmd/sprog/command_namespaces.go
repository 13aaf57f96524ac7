//go:build linux

package main

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

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

// setInside fills in what is set inside.
func (f *startFlags) setInside(attr *sprog.Attr) error {
	in := &f.Inside
	attr.ForbidUserNamespaces = in.DisableUserns
	attr.Hostname, attr.Domainname, attr.Loopback = string(in.Hostname), string(in.Domainname), in.Loopback
	for _, s := range in.Sysctl {
		attr.Sysctls = append(attr.Sysctls, sprog.Sysctl(s))
	}
	if !in.offsets() {
		return nil
	}
	if f.Unshare&unix.CLONE_NEWTIME == 0 {
		return mistake("add --unshare time: {--monotonic --boottime} is for the clocks of a new time namespace")
	}
	attr.TimeOffsets = &sprog.TimeOffsets{}
	if in.Monotonic != nil {
		attr.TimeOffsets.Monotonic = time.Duration(*in.Monotonic)
	}
	if in.Boottime != nil {
		attr.TimeOffsets.Boottime = time.Duration(*in.Boottime)
	}
	return nil
}
