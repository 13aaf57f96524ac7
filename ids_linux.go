//go:build amd64 || arm64

package sprog

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// differ reports whether the program will have an effective id other than the
// real one, as far as can be told: ids that are left are this process's.
func differ(ids *spec.IDs) bool {
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
func checkDiffering(r *spec.Start) *spec.Error {
	if r.Attr.IDs == nil || !differ(r.Attr.IDs) {
		return nil
	}
	const since = "before Linux 6.16, execve "
	initDies := r.Attr.Init != nil && r.Sys.Cloneflags&unix.CLONE_NEWPID == 0
	ambient := len(r.Sys.AmbientCaps) > 0 || r.Attr.Caps != nil && (r.Attr.Caps.Keep || len(r.Attr.Caps.Ambient.Add) > 0)
	switch {
	case r.Sys.Pdeathsig != 0 && r.Attr.Init == nil:
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with SysProcAttr.Pdeathsig: execve clears the signal then")
	case initDies:
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with Attr.Init outside of a new PID namespace: "+
			"execve clears the parent-death signal that ends the program with its init")
	case r.Attr.NoNewPrivs && kernel.OlderThan(6, 16):
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with Attr.NoNewPrivs: "+since+"makes the real ones effective")
	case ambient && kernel.OlderThan(6, 16):
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with ambient capabilities: "+since+"clears those")
	}
	return nil
}

// checkGroups resolves the groups, too.
func checkGroups(r *spec.Start) *spec.Error {
	g, cred := r.Attr.Groups, r.Sys.Credential
	switch {
	case g == nil:
		return nil
	case cred != nil && len(cred.Groups) > 0:
		return spec.Invalid("Attr.Groups", "", "cannot be combined with SysProcAttr.Credential.Groups")
	case cred != nil && cred.NoSetGroups:
		return spec.Invalid("Attr.Groups", "", "contradicts SysProcAttr.Credential.NoSetGroups")
	case r.GroupsDenied():
		return spec.Invalid("Attr.Groups", "", "needs GidMappingsEnableSetgroups in a new user namespace")
	}
	r.Groups = r.Groups[:0]
	for i, name := range g.List {
		gid, err := groupNumber(name)
		if err != nil {
			return &spec.Error{Field: spec.Index("Attr.Groups.List", i), Object: strconv.Quote(name), Err: err}
		}
		r.Groups = append(r.Groups, gid)
	}
	if g.Of == "" {
		return nil
	}
	all, err := groupsOf(g.Of)
	if err != nil {
		return &spec.Error{Field: "Attr.Groups.Of", Object: strconv.Quote(g.Of), Err: err}
	}
	for _, gid := range all {
		if !slices.Contains(r.Groups, gid) {
			r.Groups = append(r.Groups, gid)
		}
	}
	return nil
}
