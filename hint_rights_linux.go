//go:build amd64 || arm64

package sprog

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/userns"
)

// Viewer is who the child is after its credentials are set.
func (f failure) viewer() pathwalk.Viewer {
	if f.joins(UserNamespace) || f.ask.attr.Caps != nil || f.ask.attr.Securebits != nil {
		return pathwalk.Viewer{} // who knows what it may
	}
	v := pathwalk.Viewer{Known: true, UID: os.Geteuid(), GID: os.Getegid(), Inside: f.ask.newUserNamespace()}
	v.Groups, _ = os.Getgroups()
	v.Powerful = v.Inside || kernel.HasCap(unix.CAP_DAC_OVERRIDE) || kernel.HasCap(unix.CAP_DAC_READ_SEARCH)
	v.UIDs, v.GIDs = userns.OutsideOf(f.ask.uids), userns.OutsideOf(f.ask.gids)
	uid, gid := f.ask.becomes()
	if gid >= 0 {
		v.GID = v.ID(gid, f.ask.gids)
	}
	if uid >= 0 {
		v.UID = v.ID(uid, f.ask.uids)
		v.Powerful = v.Powerful && uid == 0
	}
	for _, c := range f.ask.sys.AmbientCaps {
		v.Powerful = v.Powerful || c == unix.CAP_DAC_OVERRIDE || c == unix.CAP_DAC_READ_SEARCH
	}
	if groups, set := f.ask.becomesMember(); set {
		v.Groups = v.Groups[:0]
		for _, g := range groups {
			v.Groups = append(v.Groups, v.ID(int(g), f.ask.gids))
		}
	}
	v.Known = v.UID >= 0 && v.GID >= 0
	return v
}

// becomes is the user and group that the child gets, or -1.
func (r *request) becomes() (uid, gid int) {
	uid, gid = -1, -1
	if cred := r.sys.Credential; cred != nil {
		uid, gid = int(cred.Uid), int(cred.Gid)
	}
	if ids := r.attr.IDs; ids != nil {
		if ids.EffectiveUser != nil {
			uid = int(*ids.EffectiveUser)
		}
		if ids.EffectiveGroup != nil {
			gid = int(*ids.EffectiveGroup)
		}
	}
	return uid, gid
}

// becomesMember are the supplementary groups that the child gets.
func (r *request) becomesMember() (groups []uint32, set bool) {
	if r.attr.Groups != nil {
		return r.groups, true
	}
	if cred := r.sys.Credential; cred != nil && r.setsGroups(cred) {
		return cred.Groups, true
	}
	return nil, false
}
