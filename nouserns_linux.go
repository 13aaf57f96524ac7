//go:build amd64 || arm64

package sprog

import (
	"os"

	"github.com/sprog-dev/sprog/internal/spec"
)

// leavesOutCaller reports whether the map of the new user namespace has no id for
// this process's user, or none for its group.
func leavesOutCaller(r *spec.Start) bool {
	return r.Sys.UidMappings[0].HostID != os.Geteuid() || r.Sys.GidMappings[0].HostID != os.Getegid()
}
