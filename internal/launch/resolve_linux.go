//go:build amd64 || arm64

package launch

import (
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// Resolve completes what is asked for by what this machine says, if it is valid.
func Resolve(r *spec.Start) *spec.Error {
	if err := r.Validate(); err != nil {
		return err
	}
	for _, look := range resolutions {
		if err := look(r); err != nil {
			return err
		}
	}
	r.EntersLast()
	return nil
}

// resolutions look at this process and its machine: they complete what is asked for,
// and refuse what cannot be here.
var resolutions = [...]func(*spec.Start) *spec.Error{
	lookAtExe, checkDiffering, checkGroups, checkCaps, checkMayRestrict, checkFiles, checkTIOCSTI,
	addSubordinates, checkHelpers, // which go by the lines of the maps
}

// checkMayRestrict refuses what landlock(7) and seccomp(2) refuse to a process
// that has neither no_new_privs nor CAP_SYS_ADMIN, where it is plain that the
// child has neither. In a new user namespace it has all capabilities, and in one
// that it joins the kernel knows.
func checkMayRestrict(r *spec.Start) *spec.Error {
	name := "Attr.Landlock"
	switch {
	case r.Attr.Landlock != nil:
	case r.Attr.Seccomp != nil:
		name = "Attr.Seccomp"
	default:
		return nil
	}
	newUser := r.NewUserNamespace() || len(r.Attr.Join) > 0
	loses := losesCaps(r)
	gains := r.Caps[kernel.Effective].Set&adminBit != 0
	if r.Attr.NoNewPrivs || newUser || gains || kernel.HasCap(unix.CAP_SYS_ADMIN) && !loses {
		return nil
	}
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		return nil
	}
	whose := terms.Text("this process lacks")
	switch {
	case r.Caps[kernel.Effective].Loses()&adminBit != 0 && !r.LeavesRoot():
		whose = "{Attr.Caps} drops"
	case loses:
		whose = "a user other than root lacks"
	}
	return &spec.Error{Field: name, Err: spec.Denied("needs {Attr.NoNewPrivs}, or CAP_SYS_ADMIN, which " + whose)}
}

const adminBit = 1 << unix.CAP_SYS_ADMIN

// losesCaps reports whether CAP_SYS_ADMIN is taken away by Attr.Caps, or by a
// change of the user, as from root that becomes another; see capabilities(7).
func losesCaps(r *spec.Start) bool {
	if r.Caps[kernel.Effective].Loses()&adminBit != 0 {
		return true
	}
	return r.DropsEffective() && os.Geteuid() == 0 && !slices.Contains(r.Sys.AmbientCaps, unix.CAP_SYS_ADMIN)
}

// checkTIOCSTI refuses what the kernel refuses to a child with neither
// no_new_privs nor CAP_SYS_ADMIN.
func checkTIOCSTI(r *spec.Start) *spec.Error {
	if !r.Attr.DenyTIOCSTI || r.Attr.NoNewPrivs || r.NewUserNamespace() || len(r.Attr.Join) > 0 || kernel.HasCap(unix.CAP_SYS_ADMIN) {
		return nil
	}
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		return nil
	}
	return &spec.Error{Field: spec.TIOCSTIField, Err: spec.Denied("needs {Attr.NoNewPrivs}, or CAP_SYS_ADMIN, which this process lacks")}
}

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
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with {SysProcAttr.Pdeathsig}: execve clears the signal then")
	case initDies:
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with {Attr.Init} outside of a new PID namespace: "+
			"execve clears the parent-death signal that ends the program with its init")
	case r.Attr.NoNewPrivs && kernel.OlderThan(6, 16):
		return spec.Invalid("Attr.IDs", "", "cannot make real and effective ids differ with {Attr.NoNewPrivs}: "+since+"makes the real ones effective")
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
		return spec.Invalid("Attr.Groups", "", "cannot be combined with {SysProcAttr.Credential.Groups}")
	case cred != nil && cred.NoSetGroups:
		return spec.Invalid("Attr.Groups", "", "contradicts {SysProcAttr.Credential.NoSetGroups}")
	case r.GroupsDenied():
		return spec.Invalid("Attr.Groups", "", "needs {GidMappingsEnableSetgroups|SysProcAttr.GidMappingsEnableSetgroups} in a new user namespace")
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

// willBeRealTime reports whether the child will have a real-time policy: the one that is
// asked for, or this thread's.
func willBeRealTime(r *spec.Start) bool {
	if s := r.Attr.Scheduler; s != nil && s.Policy != "" {
		return s.Policy.HasPriority()
	}
	own, err := unix.SchedGetAttr(0, 0)
	return err == nil && (own.Policy == unix.SCHED_FIFO || own.Policy == unix.SCHED_RR)
}
