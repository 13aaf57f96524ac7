package sprog

import "syscall"

// traced reports whether the child will be stopped for its tracer.
func traced(sys *syscall.SysProcAttr) bool { return sys != nil && sys.Ptrace }
