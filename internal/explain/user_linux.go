//go:build amd64 || arm64

package explain

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

// rlimitHint is for a resource limit.
func (f Failure) rlimitHint() terms.Text {
	i := slices.IndexFunc(f.Ask.Attr.Rlimits, func(l spec.Rlimit) bool { return listing.ResourceName(l.Resource) == f.E.Object })
	if f.Errno != unix.EPERM || i < 0 {
		return ""
	}
	l := f.Ask.Attr.Rlimits[i]
	var now unix.Rlimit
	unix.Getrlimit(l.Resource, &now)
	if most, err := strconv.ParseUint(kernel.Sysctl("fs/nr_open"), 10, 64); l.Resource == unix.RLIMIT_NOFILE && err == nil && l.Max > most {
		return terms.Sprintf("it cannot be more than fs.nr_open, which is %s", most)
	}
	if l.Max > now.Max {
		return terms.Sprintf("the hard limit is %s, and to raise it to %s takes %s", limitText(now.Max), limitText(l.Max), strings.TrimSuffix(string(f.privilege("CAP_SYS_RESOURCE")), ","))
	}
	return ""
}

func limitText(n uint64) string {
	if n == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// otherUser reports whether the child is to have another user than this process.
func (f Failure) otherUser() bool {
	cred := f.Ask.Sys.Credential
	return cred != nil && int(cred.Uid) != unix.Geteuid()
}

// setgroupsHint is for setgroups(2).
func (f Failure) setgroupsHint() terms.Text {
	fresh := f.Ask.NewUserNamespace()
	switch {
	case f.Errno == unix.EPERM && f.joins(spec.UserNamespace):
		return "setgroups may be denied in the joined user namespace; {SysProcAttr.Credential.NoSetGroups} leaves the groups as they are"
	case f.Errno == unix.EPERM && fresh && f.Ask.Gids == nil:
		return "in a new user namespace without a group map there are no groups to set; {SysProcAttr.Credential.NoSetGroups} leaves them as they are"
	case f.Errno == unix.EPERM && fresh && f.Ask.GroupsDenied():
		return "setgroups is denied in the new user namespace; {SysProcAttr.GidMappingsEnableSetgroups|SysProcAttr.GidMappingsEnableSetgroups: allow} allows it, which takes CAP_SETGID outside, or newgidmap, by {Attr.IDMap.Helpers}"
	case f.Errno == unix.EPERM && f.lacksCap(unix.CAP_SETGID) && f.otherUser():
		return "to become another user takes root: CAP_SETGID and CAP_SETUID, which this process does not have"
	case f.Errno == unix.EPERM && f.lacksCap(unix.CAP_SETGID):
		return "to set or drop supplementary groups takes CAP_SETGID, which this process does not have; {SysProcAttr.Credential.NoSetGroups} leaves them as they are"
	case f.Errno == unix.EPERM && !fresh && kernel.SysctlOfSelf("setgroups") == "deny":
		return "setgroups is denied in the user namespace of this process; {SysProcAttr.Credential.NoSetGroups} leaves the groups as they are"
	case f.Errno == unix.EINVAL:
		groups, _ := f.Ask.BecomesMember()
		for _, g := range groups {
			if why := f.notMapped("group", int(g)); why != "" {
				return why
			}
		}
	}
	return ""
}

// userHint is for a change of the user or the group.
func (f Failure) userHint() terms.Text {
	uid, gid := f.Ask.Becomes()
	id, what, c := uid, "user", unix.CAP_SETUID
	if strings.Contains(f.E.Step, "gid") {
		id, what, c = gid, "group", unix.CAP_SETGID
	}
	switch {
	case f.Errno == unix.EINVAL:
		return f.notMapped(what, id)
	case f.Errno == unix.EPERM && f.lacksCap(c):
		return terms.Sprintf("to become another %s takes %s, which this process does not have", what, listing.CapName(uint64(c)))
	case f.Errno == unix.EAGAIN:
		return "the user has as many processes as RLIMIT_NPROC allows, or the kernel is out of memory"
	}
	return ""
}

// notMapped tells of an id that does not exist in the child's user namespace.
func (f Failure) notMapped(what string, id int) terms.Text {
	file, own, lines := "uid_map", f.Ask.Uids, spec.Field("UidMappings")
	if what == "group" {
		file, own, lines = "gid_map", f.Ask.Gids, spec.Field("GidMappings")
	}
	switch {
	case f.joins(spec.UserNamespace):
		return terms.Sprintf("%s %s likely does not exist in the joined user namespace: see /proc/PID/%s", what, id, file)
	case f.Ask.NewUserNamespace():
		inside := make([]userns.IDRange, 0, len(own))
		for _, m := range own {
			inside = append(inside, userns.IDRange{First: m.ContainerID, Size: m.Size})
		}
		if userns.Has(inside, id) {
			return ""
		}
		if len(own) == 0 {
			return terms.Sprintf("%s %s does not exist in the new user namespace, which has no map: see %s", what, id, terms.Field(lines))
		}
		return terms.Sprintf("%s %s does not exist in the new user namespace: no line of %s has it inside", what, id, terms.Field(lines))
	}
	if ids := userns.OwnMap("/proc/self/" + file); ids != nil && !userns.Has(ids, id) {
		return terms.Sprintf("%s %s does not exist in the user namespace of this process: see /proc/self/%s", what, id, file)
	}
	return ""
}
