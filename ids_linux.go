//go:build amd64 || arm64

package sprog

import (
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

const noID = ^uint32(0) // to the kernel: leave it as it is

func (r *request) checkIDs() *StartError {
	ids := r.attr.IDs
	if ids == nil {
		return nil
	}
	if r.sys.Credential != nil {
		return invalidf("Attr.IDs", "", "cannot be combined with SysProcAttr.Credential: both set the user and the group")
	}
	for _, id := range []struct {
		name string
		id   *uint32
	}{
		{"RealUser", ids.RealUser}, {"EffectiveUser", ids.EffectiveUser},
		{"RealGroup", ids.RealGroup}, {"EffectiveGroup", ids.EffectiveGroup},
	} {
		if id.id != nil && *id.id == noID {
			return invalidf("Attr.IDs."+id.name, "4294967295", "is no id: to the kernel it means to leave the id")
		}
	}
	return nil
}

// differ reports whether the program will have an effective id other than the
// real one, as far as can be told: ids that are left are this process's.
func differ(ids *IDs) bool {
	apart := func(real, effective *uint32, ownReal, ownEffective int) bool {
		if real == nil {
			real = new(uint32(ownReal))
		}
		if effective == nil {
			effective = new(uint32(ownEffective))
		}
		return *real != *effective
	}
	return apart(ids.RealUser, ids.EffectiveUser, unix.Getuid(), unix.Geteuid()) ||
		apart(ids.RealGroup, ids.EffectiveGroup, unix.Getgid(), unix.Getegid())
}

// checkDiffering refuses what the execve of such a process would silently undo:
// the kernel treats it as that of a set-user-ID program.
func checkDiffering(r *request) *StartError {
	if r.attr.IDs == nil || !differ(r.attr.IDs) {
		return nil
	}
	const since = "before Linux 6.16, execve "
	initDies := r.attr.Init != nil && r.sys.Cloneflags&unix.CLONE_NEWPID == 0
	ambient := len(r.sys.AmbientCaps) > 0 || r.attr.Caps != nil && (r.attr.Caps.Keep || len(r.attr.Caps.Ambient.Add) > 0)
	switch {
	case r.sys.Pdeathsig != 0 && r.attr.Init == nil:
		return invalidf("Attr.IDs", "", "cannot make real and effective ids differ with SysProcAttr.Pdeathsig: execve clears the signal then")
	case initDies:
		return invalidf("Attr.IDs", "", "cannot make real and effective ids differ with Attr.Init outside of a new PID namespace: "+
			"execve clears the parent-death signal that ends the program with its init")
	case r.attr.NoNewPrivs && kernel.OlderThan(6, 16):
		return invalidf("Attr.IDs", "", "cannot make real and effective ids differ with Attr.NoNewPrivs: "+since+"makes the real ones effective")
	case ambient && kernel.OlderThan(6, 16):
		return invalidf("Attr.IDs", "", "cannot make real and effective ids differ with ambient capabilities: "+since+"clears those")
	}
	return nil
}

// checkGroups resolves the groups, too.
func checkGroups(r *request) *StartError {
	g, cred := r.attr.Groups, r.sys.Credential
	switch {
	case g == nil:
		return nil
	case cred != nil && len(cred.Groups) > 0:
		return invalidf("Attr.Groups", "", "cannot be combined with SysProcAttr.Credential.Groups")
	case cred != nil && cred.NoSetGroups:
		return invalidf("Attr.Groups", "", "contradicts SysProcAttr.Credential.NoSetGroups")
	case r.groupsDenied():
		return invalidf("Attr.Groups", "", "needs GidMappingsEnableSetgroups in a new user namespace")
	}
	r.groups = r.groups[:0]
	for i, name := range g.List {
		gid, err := groupNumber(name)
		if err != nil {
			return &StartError{Field: index("Attr.Groups.List", i), Object: strconv.Quote(name), Err: err}
		}
		r.groups = append(r.groups, gid)
	}
	if g.Of == "" {
		return nil
	}
	all, err := groupsOf(g.Of)
	if err != nil {
		return &StartError{Field: "Attr.Groups.Of", Object: strconv.Quote(g.Of), Err: err}
	}
	for _, gid := range all {
		if !slices.Contains(r.groups, gid) {
			r.groups = append(r.groups, gid)
		}
	}
	return nil
}

// groupsDenied reports whether setgroups(2) is given up for a new user
// namespace.
func (r *request) groupsDenied() bool { return r.setgroups() == "deny" }

// credentials changes the groups, the group and the user.
func (b *builder) credentials() {
	b.supplementaryGroups()
	if cred := b.ask.sys.Credential; cred != nil {
		name := field("Credential")
		b.add(name, program.Setgid, num(cred.Gid))
		b.add(name, program.Setuid, num(cred.Uid))
	}
	if ids := b.ask.attr.IDs; ids != nil {
		b.setIDs(program.Setresgid, "Group", ids.RealGroup, ids.EffectiveGroup)
		b.setIDs(program.Setresuid, "User", ids.RealUser, ids.EffectiveUser)
	}
}

func (b *builder) setIDs(call program.Call, what string, real, effective *uint32) {
	name := "Attr.IDs.Effective" + what
	if effective == nil {
		name = "Attr.IDs.Real" + what
	}
	if real != nil || effective != nil {
		b.add(name, call, idOr(real), idOr(effective), idOr(effective))
	}
}

func idOr(id *uint32) program.Arg {
	if id == nil {
		return num(-1)
	}
	return num(*id)
}

func (b *builder) supplementaryGroups() {
	name, groups := "Attr.Groups", b.ask.groups
	if b.ask.attr.Groups == nil {
		cred := b.ask.sys.Credential
		if cred == nil || !b.ask.setsGroups(cred) {
			return
		}
		name, groups = field("Credential"), cred.Groups
	}
	list := num(0)
	if len(groups) > 0 {
		list = b.p.Uint32s(groups...)
	}
	b.add(name, program.Setgroups, num(len(groups)), list)
}

// setsGroups reports whether a credential sets supplementary groups. In a user
// namespace where setgroups is denied, an empty list means to leave them.
func (r *request) setsGroups(cred *syscall.Credential) bool {
	return !cred.NoSetGroups && !(r.groupsDenied() && len(cred.Groups) == 0)
}

// leavesRoot reports whether the child becomes a user other than root, with no
// id that is root's left.
func (r *request) leavesRoot() bool {
	if ids := r.attr.IDs; ids != nil {
		return ids.RealUser != nil && *ids.RealUser != 0 && ids.EffectiveUser != nil && *ids.EffectiveUser != 0
	}
	return r.sys.Credential != nil && r.sys.Credential.Uid != 0
}

// dropsEffective reports whether the child gets an effective user other than
// root. The kernel clears the effective capabilities then.
func (r *request) dropsEffective() bool {
	ids := r.attr.IDs
	return r.leavesRoot() || ids != nil && ids.EffectiveUser != nil && *ids.EffectiveUser != 0
}
