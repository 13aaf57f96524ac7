//go:build amd64 || arm64

package explain

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

// MapHint explains why the kernel has refused a map with EPERM: see
// new_idmap_permitted in kernel/user_namespace.c.
func MapHint(r *spec.Start, f spec.MapFile, err error, byChild bool) terms.Text {
	if err != unix.EPERM {
		return ""
	}
	if f.Name == "setgroups" {
		return "setgroups is denied already, in the user namespace of this process"
	}
	if hint := unmappedLine(f); hint != "" {
		return hint
	}
	for _, m := range f.Lines {
		if f.Name == "uid_map" && m.HostID == 0 && !kernel.HasCap(unix.CAP_SETFCAP) {
			return terms.Sprintf("line %s maps uid 0 of this process's user namespace, which takes CAP_SETFCAP since Linux 5.12", strconv.Quote(spec.MapLine(m)))
		}
	}
	return privilegeHint(r, f, byChild)
}

// privilegeHint tells what cannot be written without privileges over the
// parent namespace, which a child that has unshared has none of.
func privilegeHint(r *spec.Start, f spec.MapFile, byChild bool) terms.Text {
	own, setID, name, helper := os.Geteuid(), unix.CAP_SETUID, "CAP_SETUID", spec.NewUIDMap
	if f.Name == "gid_map" {
		own, setID, name, helper = os.Getegid(), unix.CAP_SETGID, "CAP_SETGID", spec.NewGIDMap
	}
	rule := terms.Sprintf("without %s only one line can be written, for the writer's own id, %s", name, own)
	switch {
	case byChild:
		rule = terms.Sprintf("after unshare a process can write only one line, for its own id, %s; with {Cloneflags|SysProcAttr.Cloneflags} the parent writes the map", own)
	case kernel.HasCap(setID):
		return ""
	case !r.IdMap().Helpers:
		rule += terms.Sprintf("; {Attr.IDMap.Helpers} has %s write others", helper)
	}
	for i, m := range f.Lines {
		if i > 0 || m.Size != 1 || m.HostID != own {
			return terms.Sprintf("line %s: %s", strconv.Quote(spec.MapLine(m)), rule)
		}
	}
	if f.Name == "gid_map" && r.Setgroups() != "deny" {
		return "without privileges a group map can be written only where setgroups is denied"
	}
	return ""
}

// unmappedLine names the first line about ids that do not exist in this process's
// user namespace.
func unmappedLine(f spec.MapFile) terms.Text {
	have := userns.OwnMap("/proc/self/" + f.Name)
	for _, m := range f.Lines {
		ids := userns.IDRange{First: m.HostID, Size: m.Size}
		if have != nil && len(userns.Without([]userns.IDRange{ids}, have)) > 0 {
			return terms.Sprintf("line %s: %s do not all exist in this process's user namespace", strconv.Quote(spec.MapLine(m)), f.Ids(ids))
		}
	}
	return ""
}

// ownMapHint is for the maps that the child writes itself.
func (f Failure) ownMapHint() terms.Text {
	for _, file := range f.Ask.MapFiles() {
		if f.E.Field == file.Field {
			return MapHint(f.Ask, file, f.Errno, true)
		}
	}
	return ""
}
