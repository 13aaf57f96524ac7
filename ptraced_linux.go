//go:build amd64 || arm64

package sprog

import (
	"os"
	"syscall"
)

// stopped reports whether a process that was waited for has not ended but
// stopped, as a traced one does.
func stopped(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Stopped()
}

// wantsPidFD reports whether a pidfd is asked for.
func wantsPidFD(sys *syscall.SysProcAttr) bool { return sys != nil && sys.PidFD != nil }
