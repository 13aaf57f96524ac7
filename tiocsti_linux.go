//go:build amd64 || arm64

package sprog

import (
	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// checkTIOCSTI refuses what the kernel refuses to a child with neither
// no_new_privs nor CAP_SYS_ADMIN.
func checkTIOCSTI(r *spec.Start) *spec.Error {
	if !r.Attr.DenyTIOCSTI || r.Attr.NoNewPrivs || r.NewUserNamespace() || len(r.Attr.Join) > 0 || kernel.HasCap(unix.CAP_SYS_ADMIN) {
		return nil
	}
	if has, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0); err == nil && has == 1 {
		return nil
	}
	return &spec.Error{Field: spec.TIOCSTIField, Err: spec.Unsupported{Reason: "needs Attr.NoNewPrivs, or CAP_SYS_ADMIN, which this process lacks", Errno: unix.EPERM}}
}
