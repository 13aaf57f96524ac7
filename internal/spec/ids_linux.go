//go:build amd64 || arm64

package spec

import (
	"syscall"
)

// NoID stands for an id that stays.
const NoID = ^uint32(0) // to the kernel: leave it as it is

func (r *Start) checkIDs() *Error {
	ids := r.Attr.IDs
	if ids == nil {
		return nil
	}
	if r.Sys.Credential != nil {
		return Invalid("Attr.IDs", "", "cannot be combined with {SysProcAttr.Credential}: both set the user and the group")
	}
	for _, id := range []struct {
		name string
		id   *uint32
	}{
		{"RealUser", ids.RealUser}, {"EffectiveUser", ids.EffectiveUser},
		{"RealGroup", ids.RealGroup}, {"EffectiveGroup", ids.EffectiveGroup},
	} {
		if id.id != nil && *id.id == NoID {
			return Invalid("Attr.IDs."+id.name, "4294967295", "is no id: to the kernel it means to leave the id")
		}
	}
	return nil
}

// GroupsDenied reports whether setgroups(2) is given up for a new user
// namespace.
func (r *Start) GroupsDenied() bool { return r.Setgroups() == "deny" }

// SetsGroups reports whether a credential sets supplementary groups. In a user
// namespace where setgroups is denied, an empty list means to leave them.
func (r *Start) SetsGroups(cred *syscall.Credential) bool {
	return !cred.NoSetGroups && !(r.GroupsDenied() && len(cred.Groups) == 0)
}

// LeavesRoot reports whether the child becomes a user other than root, with no
// id that is root's left.
func (r *Start) LeavesRoot() bool {
	if ids := r.Attr.IDs; ids != nil {
		return ids.RealUser != nil && *ids.RealUser != 0 && ids.EffectiveUser != nil && *ids.EffectiveUser != 0
	}
	return r.Sys.Credential != nil && r.Sys.Credential.Uid != 0
}

// DropsEffective reports whether the child gets an effective user other than
// root. The kernel clears the effective capabilities then.
func (r *Start) DropsEffective() bool {
	ids := r.Attr.IDs
	return r.LeavesRoot() || ids != nil && ids.EffectiveUser != nil && *ids.EffectiveUser != 0
}

// Becomes is the user and group that the child gets, or -1.
func (r *Start) Becomes() (uid, gid int) {
	uid, gid = -1, -1
	if cred := r.Sys.Credential; cred != nil {
		uid, gid = int(cred.Uid), int(cred.Gid)
	}
	if ids := r.Attr.IDs; ids != nil {
		if ids.EffectiveUser != nil {
			uid = int(*ids.EffectiveUser)
		}
		if ids.EffectiveGroup != nil {
			gid = int(*ids.EffectiveGroup)
		}
	}
	return uid, gid
}

// BecomesMember are the supplementary groups that the child gets.
func (r *Start) BecomesMember() (groups []uint32, set bool) {
	if r.Attr.Groups != nil {
		return r.Groups, true
	}
	if cred := r.Sys.Credential; cred != nil && r.SetsGroups(cred) {
		return cred.Groups, true
	}
	return nil, false
}
