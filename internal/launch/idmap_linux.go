//go:build amd64 || arm64

package launch

import (
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

var helperDirs = [...]string{"/usr/bin", "/bin", "/run/wrappers/bin"}

// addSubordinates completes the maps.
func addSubordinates(r *spec.Start) (err *spec.Error) {
	m := r.Attr.IDMap
	if m == nil || m.Subordinate == spec.NoSubordinateIDs {
		return nil
	}
	if r.Uids, err = addSubordinate(m, "/etc/subuid", r.Uids); err == nil {
		r.Gids, err = addSubordinate(m, "/etc/subgid", r.Gids)
	}
	return err
}

func addSubordinate(m *spec.IDMap, file string, lines []syscall.SysProcIDMap) ([]syscall.SysProcIDMap, *spec.Error) {
	const name = "Attr.IDMap.Subordinate"
	d, err := readDelegation(file, m.Login)
	if err != nil {
		return nil, &spec.Error{Field: name, Step: "read", Object: file, Err: err}
	}
	if len(d.Ranges) == 0 {
		return nil, spec.Invalid(name, "", terms.Plain(d.String()))
	}
	lines = mapSubordinate(m.Subordinate, lines, d.Ranges)
	if len(lines) > spec.MostMapLines {
		return nil, spec.Invalid(name, spec.Itoa(len(lines))+" lines", "is more than the kernel takes, 340")
	}
	return lines, nil
}

// checkHelpers refuses what newuidmap and newgidmap would refuse to write.
func checkHelpers(r *spec.Start) *spec.Error {
	if !r.IdMap().Helpers {
		return nil
	}
	for _, f := range r.MapFiles() {
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
func checkDelegated(r *spec.Start, f spec.MapFile) *spec.Error {
	file, own := "/etc/subuid", os.Getuid()
	if f.Name == "gid_map" {
		file, own = "/etc/subgid", os.Getgid()
	}
	d, err := readDelegation(file, r.IdMap().Login)
	if err != nil {
		return &spec.Error{Field: "Attr.IDMap.Helpers", Step: "read", Object: file, Err: err}
	}
	subordinate := false
	for i, m := range f.Lines {
		ids := userns.IDRange{First: m.HostID, Size: m.Size}
		delegated := d.Covers(ids)
		subordinate = subordinate || delegated
		if !delegated && ids != (userns.IDRange{First: own, Size: 1}) {
			return &spec.Error{Field: r.LineField(f, i), Object: spec.MapLine(m), Err: spec.Denied(terms.Sprintf("maps %s, but %s", f.Ids(ids), d))}
		}
	}
	if f.Name == "gid_map" && !subordinate && r.Setgroups() == "allow" {
		return &spec.Error{Field: r.SetgroupsField(), Err: spec.Denied("newgidmap allows setgroups only with a subordinate gid in the map, and " + terms.Plain(d.String()))}
	}
	return nil
}

// helperFor is the program that is to write a map file, or "" for this process
// itself.
func helperFor(r *spec.Start, f spec.MapFile) string {
	switch {
	case !r.IdMap().Helpers:
		return ""
	case f.Name == "uid_map" && !kernel.HasCap(unix.CAP_SETUID) && !f.IsOwn(os.Geteuid()):
		return spec.NewUIDMap
	case f.Name == "gid_map" && !kernel.HasCap(unix.CAP_SETGID) && !(f.IsOwn(os.Getegid()) && r.Setgroups() == "deny"):
		return spec.NewGIDMap
	}
	return ""
}

// helperPath finds a helper.
func helperPath(r *spec.Start, helper string) (string, *spec.Error) {
	given, name := r.IdMap().NewUIDMap, "Attr.IDMap.NewUIDMap"
	if helper == spec.NewGIDMap {
		given, name = r.IdMap().NewGIDMap, "Attr.IDMap.NewGIDMap"
	}
	if given != "" {
		if err := unix.Access(given, unix.X_OK); err != nil {
			return "", &spec.Error{Field: name, Object: given, Err: err}
		}
		return given, nil
	}
	for _, dir := range helperDirs {
		if path := dir + "/" + helper; unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", &spec.Error{Field: "Attr.IDMap.Helpers", Object: helper,
		Err: absent("is in none of " + strings.Join(helperDirs[:], ", ") + "; it comes with shadow, in Debian's package uidmap")}
}
