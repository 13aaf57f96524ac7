//go:build amd64 || arm64

package sprog

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

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
	whose := "this process lacks"
	switch {
	case r.Caps[kernel.Effective].Loses()&adminBit != 0 && !r.LeavesRoot():
		whose = "Attr.Caps drops"
	case loses:
		whose = "a user other than root lacks"
	}
	return &spec.Error{Field: name, Err: spec.Unsupported{Reason: "needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which " + whose, Errno: unix.EPERM}}
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
