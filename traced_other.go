//go:build !linux

package sprog

import (
	"os"
	"syscall"
)

func stopped(*os.ProcessState) bool { return false }

func wantsPidFD(*syscall.SysProcAttr) bool { return false }
