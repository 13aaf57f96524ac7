//go:build amd64 || arm64

package sprog

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/userns"
)

// mapHint explains why the kernel has refused a map with EPERM: see
// new_idmap_permitted in kernel/user_namespace.c.
func mapHint(r *request, f mapFile, err error, byChild bool) string {
	if err != unix.EPERM {
		return ""
	}
	if f.name == "setgroups" {
		return "setgroups is denied already, in the user namespace of this process"
	}
	if hint := unmappedLine(f); hint != "" {
		return hint
	}
	for _, m := range f.lines {
		if f.name == "uid_map" && m.HostID == 0 && !kernel.HasCap(unix.CAP_SETFCAP) {
			return "line " + strconv.Quote(mapLine(m)) + " maps uid 0 of this process's user namespace, which takes CAP_SETFCAP since Linux 5.12"
		}
	}
	return privilegeHint(r, f, byChild)
}

// privilegeHint tells what cannot be written without privileges over the
// parent namespace, which a child that has unshared has none of.
func privilegeHint(r *request, f mapFile, byChild bool) string {
	own, setID, name, helper := os.Geteuid(), unix.CAP_SETUID, "CAP_SETUID", newUIDMap
	if f.name == "gid_map" {
		own, setID, name, helper = os.Getegid(), unix.CAP_SETGID, "CAP_SETGID", newGIDMap
	}
	rule := "without " + name + " only one line can be written, for the writer's own id, " + strconv.Itoa(own)
	switch {
	case byChild:
		rule = "after unshare a process can write only one line, for its own id, " + strconv.Itoa(own) + "; with Cloneflags the parent writes the map"
	case kernel.HasCap(setID):
		return ""
	case !r.idMap().Helpers:
		rule += "; Attr.IDMap.Helpers has " + helper + " write others"
	}
	for i, m := range f.lines {
		if i > 0 || m.Size != 1 || m.HostID != own {
			return "line " + strconv.Quote(mapLine(m)) + ": " + rule
		}
	}
	if f.name == "gid_map" && r.setgroups() != "deny" {
		return "without privileges a group map can be written only where setgroups is denied"
	}
	return ""
}

// unmappedLine names the first line about ids that do not exist in this process's
// user namespace.
func unmappedLine(f mapFile) string {
	have := userns.OwnMap("/proc/self/" + f.name)
	for _, m := range f.lines {
		ids := userns.IDRange{First: m.HostID, Size: m.Size}
		if have != nil && len(userns.Without([]userns.IDRange{ids}, have)) > 0 {
			return "line " + strconv.Quote(mapLine(m)) + ": " + f.ids(ids) + " do not all exist in this process's user namespace"
		}
	}
	return ""
}

// ownMapHint is for the maps that the child writes itself.
func ownMapHint(r *request, e *StartError, errno unix.Errno) string {
	for _, f := range r.mapFiles() {
		if e.Step == "write" && e.Field == f.field {
			return mapHint(r, f, errno, true)
		}
	}
	return ""
}
