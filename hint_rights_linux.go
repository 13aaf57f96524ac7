//go:build amd64 || arm64

package sprog

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/userns"
)

// Viewer is who the child is after its credentials are set.
func (f failure) viewer() pathwalk.Viewer {
	if f.joins(spec.UserNamespace) || f.ask.Attr.Caps != nil || f.ask.Attr.Securebits != nil {
		return pathwalk.Viewer{} // who knows what it may
	}
	v := pathwalk.Viewer{Known: true, UID: os.Geteuid(), GID: os.Getegid(), Inside: f.ask.NewUserNamespace()}
	v.Groups, _ = os.Getgroups()
	v.Powerful = v.Inside || kernel.HasCap(unix.CAP_DAC_OVERRIDE) || kernel.HasCap(unix.CAP_DAC_READ_SEARCH)
	v.UIDs, v.GIDs = userns.OutsideOf(f.ask.Uids), userns.OutsideOf(f.ask.Gids)
	uid, gid := f.ask.Becomes()
	if gid >= 0 {
		v.GID = v.ID(gid, f.ask.Gids)
	}
	if uid >= 0 {
		v.UID = v.ID(uid, f.ask.Uids)
		v.Powerful = v.Powerful && uid == 0
	}
	for _, c := range f.ask.Sys.AmbientCaps {
		v.Powerful = v.Powerful || c == unix.CAP_DAC_OVERRIDE || c == unix.CAP_DAC_READ_SEARCH
	}
	if groups, set := f.ask.BecomesMember(); set {
		v.Groups = v.Groups[:0]
		for _, g := range groups {
			v.Groups = append(v.Groups, v.ID(int(g), f.ask.Gids))
		}
	}
	v.Known = v.UID >= 0 && v.GID >= 0
	return v
}
