//go:build amd64 || arm64

package sprog

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
)

// checkMayRestrict refuses what landlock(7) and seccomp(2) refuse to a process
// that has neither no_new_privs nor CAP_SYS_ADMIN, where it is plain that the
// child has neither. In a new user namespace it has all capabilities, and in one
// that it joins the kernel knows.
func checkMayRestrict(r *request) *StartError {
	name := "Attr.Landlock"
	switch {
	case r.attr.Landlock != nil:
	case r.attr.Seccomp != nil:
		name = "Attr.Seccomp"
	default:
		return nil
	}
	newUser := r.newUserNamespace() || len(r.attr.Join) > 0
	loses := losesCaps(r)
	gains := r.caps[kernel.Effective].set&adminBit != 0
	if r.attr.NoNewPrivs || newUser || gains || kernel.HasCap(unix.CAP_SYS_ADMIN) && !loses {
		return nil
	}
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		return nil
	}
	whose := "this process lacks"
	switch {
	case r.caps[kernel.Effective].loses()&adminBit != 0 && !r.leavesRoot():
		whose = "Attr.Caps drops"
	case loses:
		whose = "a user other than root lacks"
	}
	return &StartError{Field: name, Err: unsupported{"needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which " + whose, unix.EPERM}}
}

const adminBit = 1 << unix.CAP_SYS_ADMIN

// losesCaps reports whether CAP_SYS_ADMIN is taken away by Attr.Caps, or by a
// change of the user, as from root that becomes another; see capabilities(7).
func losesCaps(r *request) bool {
	if r.caps[kernel.Effective].loses()&adminBit != 0 {
		return true
	}
	return r.dropsEffective() && os.Geteuid() == 0 && !slices.Contains(r.sys.AmbientCaps, unix.CAP_SYS_ADMIN)
}

func (b *builder) noNewPrivs() {
	if b.ask.attr.NoNewPrivs {
		b.add("Attr.NoNewPrivs", program.Prctl, num(unix.PR_SET_NO_NEW_PRIVS), num(1))
	}
}
