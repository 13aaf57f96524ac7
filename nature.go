package sprog

import (
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A nature is what is true of a process because it was started so. The fields
// that asked for it may say something else by the time that it is needed: a
// caller is free to change them, and [Cmd.StartPTY] puts its own back.
type nature struct {
	sys  *syscall.SysProcAttr
	attr *spec.Attr

	ptraced     bool          // its parent traces it
	leads       bool          // it leads a process group
	hasInit     bool          // it is an init, and the program its child
	firstInside bool          // it is the first process of a PID namespace
	cpuSoft     time.Duration // the soft limit of RLIMIT_CPU, or 0
	cpuHard     time.Duration // the hard one
}
