//go:build amd64 || arm64

package sprog

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

// The helpers of shadow, and where they are looked for: not where PATH says,
// since they are run with the caller's authority over what is delegated.
const newUIDMap, newGIDMap = "newuidmap", "newgidmap"

var helperDirs = [...]string{"/usr/bin", "/bin", "/run/wrappers/bin"}

// idMap is Attr.IDMap, or one that asks for nothing.
func (r *request) idMap() *IDMap {
	if r.attr.IDMap != nil {
		return r.attr.IDMap
	}
	return &noIDMap
}

var noIDMap IDMap

// checkIDMap refuses what is wrong with Attr.IDMap.
func (r *request) checkIDMap() *StartError {
	m := r.attr.IDMap
	if m == nil {
		return nil
	}
	const name = "Attr.IDMap"
	byParent := m.Subordinate != NoSubordinateIDs || m.Helpers
	switch {
	case m.Subordinate < 0 || m.Subordinate > SubordinateIDsSame:
		return invalidf(name+".Subordinate", itoa(int(m.Subordinate)), "is none of the constants")
	case m.Setgroups < 0 || m.Setgroups > SetgroupsLeave:
		return invalidf(name+".Setgroups", itoa(int(m.Setgroups)), "is none of the constants")
	case (m.Setgroups == SetgroupsDeny || m.Setgroups == SetgroupsLeave) && r.sys.GidMappingsEnableSetgroups:
		return invalidf(name+".Setgroups", "", "contradicts SysProcAttr.GidMappingsEnableSetgroups")
	case (r.sys.Cloneflags|r.sys.Unshareflags)&unix.CLONE_NEWUSER == 0:
		return invalidf(name, "", "needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags")
	case byParent && r.sys.Cloneflags&unix.CLONE_NEWUSER == 0:
		return invalidf(name, "", "has lines that only the parent can write: it needs CLONE_NEWUSER in Cloneflags")
	case byParent && r.inPlace:
		return invalidf(name, "", "needs a process outside of the new user namespace to write its maps, which an Exec does not have")
	}
	for _, helper := range [...][2]string{{name + ".NewUIDMap", m.NewUIDMap}, {name + ".NewGIDMap", m.NewGIDMap}} {
		if path := helper[1]; path != "" && path[0] != '/' || strings.IndexByte(path, 0) >= 0 {
			return invalidf(helper[0], terms.Printable(path), "is no absolute path")
		}
	}
	return nil
}

// addSubordinates completes the maps.
func addSubordinates(r *request) (err *StartError) {
	m := r.attr.IDMap
	if m == nil || m.Subordinate == NoSubordinateIDs {
		return nil
	}
	if r.uids, err = addSubordinate(m, "/etc/subuid", r.uids); err == nil {
		r.gids, err = addSubordinate(m, "/etc/subgid", r.gids)
	}
	return err
}

func addSubordinate(m *IDMap, file string, lines []syscall.SysProcIDMap) ([]syscall.SysProcIDMap, *StartError) {
	const name = "Attr.IDMap.Subordinate"
	d, err := readDelegation(file, m.Login)
	if err != nil {
		return nil, &StartError{Field: name, Step: "read", Object: file, Err: err}
	}
	if len(d.ranges) == 0 {
		return nil, invalidf(name, "", d.String())
	}
	lines = mapSubordinate(m.Subordinate, lines, d.ranges)
	if len(lines) > mostMapLines {
		return nil, invalidf(name, itoa(len(lines))+" lines", "is more than the kernel takes, 340")
	}
	return lines, nil
}

// checkHelpers refuses what newuidmap and newgidmap would refuse to write.
func checkHelpers(r *request) *StartError {
	if !r.idMap().Helpers {
		return nil
	}
	for _, f := range r.mapFiles() {
		helper := helperFor(r, f)
		if helper == "" {
			continue
		}
		if _, err := helperPath(r, helper); err != nil {
			return err
		}
		if err := checkDelegated(r, f); err != nil {
			return err
		}
	}
	return nil
}

// checkDelegated compares the lines of a map with what is delegated.
func checkDelegated(r *request, f mapFile) *StartError {
	file, own := "/etc/subuid", os.Getuid()
	if f.name == "gid_map" {
		file, own = "/etc/subgid", os.Getgid()
	}
	d, err := readDelegation(file, r.idMap().Login)
	if err != nil {
		return &StartError{Field: "Attr.IDMap.Helpers", Step: "read", Object: file, Err: err}
	}
	subordinate := false
	for i, m := range f.lines {
		ids := userns.IDRange{First: m.HostID, Size: m.Size}
		delegated := d.covers(ids)
		subordinate = subordinate || delegated
		if !delegated && ids != (userns.IDRange{First: own, Size: 1}) {
			return &StartError{Field: r.lineField(f, i), Object: mapLine(m), Err: denied("maps " + f.ids(ids) + ", but " + d.String())}
		}
	}
	if f.name == "gid_map" && !subordinate && r.setgroups() == "allow" {
		return &StartError{Field: r.setgroupsField(), Err: denied("newgidmap allows setgroups only with a subordinate gid in the map, and " + d.String())}
	}
	return nil
}

// lineField is the field that asked for a line of a map.
func (r *request) lineField(f mapFile, i int) string {
	explicit := r.sys.UidMappings
	if f.name == "gid_map" {
		explicit = r.sys.GidMappings
	}
	if i < len(explicit) {
		return index(f.field, i)
	}
	return "Attr.IDMap.Subordinate"
}

// A denied is the reason of a start that this process has no right to. It is
// EPERM to errors.Is.
type denied string

func (d denied) Error() string { return string(d) }
func (denied) Unwrap() error   { return unix.EPERM }

// helperFor is the program that is to write a map file, or "" for this process
// itself.
func helperFor(r *request, f mapFile) string {
	switch {
	case !r.idMap().Helpers:
		return ""
	case f.name == "uid_map" && !kernel.HasCap(unix.CAP_SETUID) && !f.isOwn(os.Geteuid()):
		return newUIDMap
	case f.name == "gid_map" && !kernel.HasCap(unix.CAP_SETGID) && !(f.isOwn(os.Getegid()) && r.setgroups() == "deny"):
		return newGIDMap
	}
	return ""
}

// helperPath finds a helper.
func helperPath(r *request, helper string) (string, *StartError) {
	given, name := r.idMap().NewUIDMap, "Attr.IDMap.NewUIDMap"
	if helper == newGIDMap {
		given, name = r.idMap().NewGIDMap, "Attr.IDMap.NewGIDMap"
	}
	if given != "" {
		if err := unix.Access(given, unix.X_OK); err != nil {
			return "", &StartError{Field: name, Object: given, Err: err}
		}
		return given, nil
	}
	for _, dir := range helperDirs {
		if path := dir + "/" + helper; unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", &StartError{Field: "Attr.IDMap.Helpers", Object: helper,
		Err: absent("is in none of " + strings.Join(helperDirs[:], ", ") + "; it comes with shadow, in Debian's package uidmap")}
}
