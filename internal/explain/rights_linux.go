//go:build amd64 || arm64

package explain

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/userns"
)

// Viewer is who the child is after its credentials are set.
func (f Failure) Viewer() pathwalk.Viewer {
	if f.joins(spec.UserNamespace) || f.Ask.Attr.Caps != nil || f.Ask.Attr.Securebits != nil {
		return pathwalk.Viewer{} // who knows what it may
	}
	v := pathwalk.Viewer{Known: true, UID: os.Geteuid(), GID: os.Getegid(), Inside: f.Ask.NewUserNamespace()}
	v.Groups, _ = os.Getgroups()
	v.Powerful = v.Inside || kernel.HasCap(unix.CAP_DAC_OVERRIDE) || kernel.HasCap(unix.CAP_DAC_READ_SEARCH)
	v.UIDs, v.GIDs = userns.OutsideOf(f.Ask.Uids), userns.OutsideOf(f.Ask.Gids)
	uid, gid := f.Ask.Becomes()
	if gid >= 0 {
		v.GID = v.ID(gid, f.Ask.Gids)
	}
	if uid >= 0 {
		v.UID = v.ID(uid, f.Ask.Uids)
		v.Powerful = v.Powerful && uid == 0
	}
	for _, c := range f.Ask.Sys.AmbientCaps {
		v.Powerful = v.Powerful || c == unix.CAP_DAC_OVERRIDE || c == unix.CAP_DAC_READ_SEARCH
	}
	if groups, set := f.Ask.BecomesMember(); set {
		v.Groups = v.Groups[:0]
		for _, g := range groups {
			v.Groups = append(v.Groups, v.ID(int(g), f.Ask.Gids))
		}
	}
	v.Known = v.UID >= 0 && v.GID >= 0
	return v
}
