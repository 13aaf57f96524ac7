//go:build !linux

package sprog

import "syscall"

func traced(*syscall.SysProcAttr) bool { return false }
